package vm

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Go runs the go command for guests of an architecture: what it builds uses C,
// and is linked with the libraries of the guest. The arguments are those of the
// command.
func Go(ctx context.Context, arch string, args ...string) error {
	folder, err := product(ctx, arch)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1", "GOARCH="+arch)
	if arch != runtime.GOARCH {
		cmd.Env = append(cmd.Env, crossEnv(machines[arch], filepath.Join(folder, "root"))...)
	}
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building for a guest (go %q): %w\n%s", args, err, said)
	}
	return nil
}

// crossEnv are the settings to build for another architecture, with the packages
// that are unpacked below root.
func crossEnv(m machine, root string) []string {
	libraries := filepath.Join(root, "usr", "lib", m.triplet)
	return []string{
		"CC=" + m.compiler,
		"PKG_CONFIG_SYSROOT_DIR=" + root,
		"PKG_CONFIG_LIBDIR=" + filepath.Join(libraries, "pkgconfig"),
		// libusb needs libudev, which the linker would look for on this machine.
		"CGO_LDFLAGS=-Wl,-rpath-link," + libraries,
	}
}
