//go:build guest

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// tool is dfu-util, as a person would script it: a process for each command,
// with a file for what it reads or writes.
type tool struct{ folder string }

// dfuUtil runs one command.
func (t tool) dfuUtil(ctx context.Context, at place, address, action, file string) error {
	cmd := exec.CommandContext(ctx, "dfu-util", "-d", "2b04:d058",
		"-a", fmt.Sprint(at.alt), "-s", address, action, file)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, said)
	}
	return nil
}

// prepare writes the file of what is to be written, and makes room for what is
// to be read: dfu-util replaces no file.
func (t tool) prepare(name string, data []byte) (file string, err error) {
	file = filepath.Join(t.folder, name)
	if data != nil {
		return file, os.WriteFile(file, data, 0o600)
	}
	if err := os.Remove(file); !errors.Is(err, os.ErrNotExist) {
		return file, err
	}
	return file, nil
}

// read reads a range into a file.
func (t tool) read(ctx context.Context, from place, length int, file string) error {
	return t.dfuUtil(ctx, from, fmt.Sprintf("%#x:%d", from.addr, length), "-U", file)
}

// write writes a file, erasing before.
func (t tool) write(ctx context.Context, to place, file string) error {
	return t.dfuUtil(ctx, to, fmt.Sprintf("%#x", to.addr), "-D", file)
}

// compare tells whether what was read back is what was written.
func (t tool) compare(ctx context.Context, written, read string) error {
	if said, err := exec.CommandContext(ctx, "cmp", written, read).CombinedOutput(); err != nil {
		return fmt.Errorf("comparing: %w\n%s", err, said)
	}
	return nil
}

// same makes sure that a file holds what we have read.
func same(file string, want []byte) error {
	got, err := os.ReadFile(file)
	if err == nil && !bytes.Equal(got, want) {
		err = errors.New("dfu-util has read other bytes than we")
	}
	return err
}
