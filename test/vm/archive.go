package vm

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// The types of an entry, in its mode.
const (
	modeFile   = 0o100000
	modeFolder = 0o040000
)

// An archive is written in the "newc" form of cpio, the one that the kernel
// unpacks (its Documentation/driver-api/early-userspace/buffer-format.rst):
// after "070701" 13 numbers of 8 hexadecimal digits, the name with a zero, and
// the data; name and data end at multiples of 4.
type archive struct {
	to     io.Writer
	number int   // of the last entry
	length int64 // written so far
	err    error // the first one
}

// file adds a file with its mode.
func (a *archive) file(name, from string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	a.entry(name, modeFile|uint32(info.Mode().Perm()), data)
	return a.err
}

// entry adds an entry that belongs to root.
func (a *archive) entry(name string, mode uint32, data []byte) {
	a.number++
	name = strings.TrimPrefix(name, "/")
	const (
		owner, group, links, modified = 0, 0, 1, 0
		major, minor                  = 0, 0
		checksum                      = 0
	)
	a.write(fmt.Appendf(nil, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		a.number, mode, owner, group, links, modified, len(data),
		major, minor, major, minor, len(name)+1, checksum))
	a.write(append([]byte(name), 0))
	a.align()
	a.write(data)
	a.align()
}

// close ends the archive and returns the first error of all.
func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, nil)
	return a.err
}

// align fills up to a multiple of 4.
func (a *archive) align() {
	a.write(make([]byte, -a.length&3))
}

func (a *archive) write(data []byte) {
	if a.err != nil {
		return
	}
	count, err := a.to.Write(data)
	a.length += int64(count)
	a.err = err
}
