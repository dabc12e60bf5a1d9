package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// Options are what a guest is given.
type Options struct {
	// Arch is "amd64" or "arm64".
	Arch string
	// Script is a shell script, which the guest runs as /run-tests. It begins with
	// `#!/bin/sh`. Its exit code is that of the guest.
	Script string
	// Files are put into the guest: where in the guest, from which file here. They
	// keep their modes. Programs find the libraries of the guest's packages.
	Files map[string]string
	// Share is a folder of this machine that the guest sees as /share, to read and
	// to write. None if empty.
	Share string
	// Disk is an image with an ext4 (see NewDisk), which the guest mounts at /disk.
	// What the guest has written survives Kill, what its kernel has not yet written
	// does not: for the guest, that is a power cut. None if empty.
	Disk string
	// Net gives the guest a network: it is 10.0.2.15, and 10.0.2.2 is the loopback
	// of this machine.
	Net bool
	// Memory is in MiB; 0 means 768.
	Memory int
	// KernelLog is the level below which the kernel's messages are on the console,
	// from 1 (panics only) to 8 (all); 0 means 1.
	KernelLog int
	// Timeout ends the guest; 0 means two minutes.
	Timeout time.Duration
	// Console gets what the guest says while it says it, if it is not nil.
	Console io.Writer
}

// defaultTimeout is for guests that name none.
const defaultTimeout = 2 * time.Minute

// Boot makes what the guest boots from, if it is not in the cache, and starts
// it. The guest ends by itself, with ctx, after its time, or by Kill; QEMU does
// not outlive this process. The caller calls Wait or Kill.
func Boot(ctx context.Context, o Options) (*Guest, error) {
	folder, err := product(ctx, o.Arch)
	if err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp("", "duogateway-vm-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for a guest: %w", err)
	}
	initramfs := filepath.Join(work, "initramfs")
	if err := writeInitramfs(initramfs, filepath.Join(folder, "initramfs.cpio"), o); err != nil {
		return nil, errors.Join(err, os.RemoveAll(work))
	}
	timeout := o.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	ctx, stop := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("the guest has not ended within %v", timeout))
	ctx, kill := context.WithCancelCause(ctx)
	m := machines[o.Arch]
	cmd := exec.CommandContext(ctx, m.emulator, m.arguments(o, folder, initramfs)...)
	guest := &Guest{kill: kill, ended: make(chan struct{})}
	guest.said.copy = o.Console
	started := make(chan error)
	go func() {
		err := emulate(cmd, &guest.said, started)
		guest.err = errors.Join(context.Cause(ctx), err, os.RemoveAll(work))
		stop()
		close(guest.ended)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", m.emulator, err)
	}
	return guest, nil
}

// emulate runs QEMU to its end. It tells once whether it has started.
func emulate(cmd *exec.Cmd, said io.Writer, started chan<- error) error {
	cmd.Stdout = said
	cmd.Stderr = said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	// The signal is sent when the thread ends that has started QEMU, not only when
	// the process does.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	started <- err
	if err != nil {
		return err
	}
	return cmd.Wait()
}
