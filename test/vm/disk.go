package vm

import (
	"context"
	"fmt"
	"os/exec"
)

// NewDisk makes an image with an empty ext4 for Options.Disk. Its size is in
// MiB, at least 8.
func NewDisk(ctx context.Context, name string, size int) error {
	cmd := exec.CommandContext(ctx, "mke2fs", "-q", "-t", "ext4", "-F", name, fmt.Sprintf("%dM", size))
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making a disk for a guest: %w\n%s", err, said)
	}
	return nil
}
