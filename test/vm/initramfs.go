package vm

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
)

// writeInitramfs writes the initramfs of one guest: the one that all share, and
// behind it, as the kernel takes it, an archive of the guest's own files.
func writeInitramfs(name, base string, o Options) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("packing the guest's files: %w", err)
		}
	}()
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := appendFile(out, base); err != nil {
		return err
	}
	a := &archive{to: out}
	folders := make(map[string]bool)
	for _, target := range slices.Sorted(maps.Keys(o.Files)) {
		for _, folder := range foldersOf(target) {
			if !folders[folder] {
				folders[folder] = true
				a.entry(folder, modeFolder|0o755, nil)
			}
		}
		if err := a.file(target, o.Files[target]); err != nil {
			return err
		}
	}
	a.entry("/run-tests", modeFile|0o755, []byte(o.Script))
	return a.close()
}

// appendFile appends a file's bytes.
func appendFile(to io.Writer, name string) error {
	from, err := os.Open(name)
	if err != nil {
		return err
	}
	defer from.Close()
	_, err = io.Copy(to, from)
	return err
}

// foldersOf are the folders above a path, from the root down.
func foldersOf(name string) []string {
	var above []string
	for folder := path.Dir(name); folder != "/" && folder != "."; folder = path.Dir(folder) {
		above = append(above, folder)
	}
	slices.Reverse(above)
	return above
}
