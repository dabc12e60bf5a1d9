package gpio

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// ProcessID names a process for good: numbers are used again.
type ProcessID struct {
	PID int `json:"pid"`
	// Started is the start time in clock ticks since boot.
	Started uint64 `json:"started"`
}

// process is what a supervisor needs of a child, its own or another's.
type process interface {
	// ended says whether the process is gone, and its lines with it.
	ended() bool
	signal(syscall.Signal) error
}

// selfID returns the id of this process.
func selfID() (ProcessID, error) {
	pid := os.Getpid()
	started, _, err := processStat(pid)
	return ProcessID{PID: pid, Started: started}, err
}

// ended says whether the process is gone. One that only waits to be reaped is.
func (id ProcessID) ended() bool {
	started, state, err := processStat(id.PID)
	return err != nil || started != id.Started || state == 'Z' || state == 'X'
}

// signal sends to the process and to no other: the handle is taken before the
// start time is compared.
func (id ProcessID) signal(s syscall.Signal) error {
	handle, err := os.FindProcess(id.PID)
	if err != nil {
		return fmt.Errorf("find process %d: %w", id.PID, err)
	}
	defer func() { _ = handle.Release() }()
	if id.ended() {
		return nil
	}
	if err := handle.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("send %v to process %d: %w", s, id.PID, err)
	}
	return nil
}

// processStat reads /proc/PID/stat, of which proc(5) says: field 3 is the
// state, field 22 the start time.
func processStat(pid int) (started uint64, state byte, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("read the state of process %d: %w", pid, err)
	}
	return parseStat(stat)
}

// parseStat parses the contents of /proc/PID/stat. Field 2, the name in
// parentheses, may itself hold spaces and parentheses.
func parseStat(stat []byte) (started uint64, state byte, err error) {
	_, rest, ok := cutLast(stat, ')')
	fields := bytes.Fields(rest)
	if !ok || len(fields) < 20 {
		return 0, 0, errors.New("parse the state of a process: too short")
	}
	started, err = strconv.ParseUint(string(fields[19]), 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("parse the start time of a process: %w", err)
	}
	return started, fields[0][0], nil
}

func cutLast(data []byte, sep byte) (before, after []byte, ok bool) {
	at := bytes.LastIndexByte(data, sep)
	if at < 0 {
		return nil, nil, false
	}
	return data[:at], data[at+1:], true
}
