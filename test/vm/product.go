package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// product makes what guests of an architecture boot from, unless it is in the
// cache, and returns its folder. The script product says what is in it.
func product(ctx context.Context, arch string) (string, error) {
	if _, known := machines[arch]; !known {
		return "", fmt.Errorf("there is no guest for the architecture %q", arch)
	}
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(root, "test", "vm", "product"), arch)
	cmd.Stderr = os.Stderr // it takes half a minute at first: who waits wants to know
	folder, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("making the kernel and the initramfs for %s: %w", arch, err)
	}
	return strings.TrimSpace(string(folder)), nil
}

// moduleRoot finds the folder of go.mod above the working folder.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the root of the module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("finding the root of the module: there is no go.mod above the working folder")
		}
		folder = parent
	}
}
