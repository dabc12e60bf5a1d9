package architecture

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// An architecture says which folder of a module may import what. Folders are
// named from the root of the module, with slashes.
type architecture struct {
	module string
	// floors holds the parts of each floor, the lowest first.
	floors [][]string
	// beside holds the parts that stand on no floor, and the parts that each
	// of them may import.
	beside map[string][]string
	// inner holds the sub-packages that their parents may import.
	inner []string
	// reserved holds the folders that alone may import a package or those
	// below it. Files of tests are exempt.
	reserved map[string][]string
}

// objection says why file may not import pkg; it is empty when file may.
func (a architecture) objection(file, pkg string) string {
	folder := path.Dir(file)
	inTest := strings.HasSuffix(file, "_test.go")
	if !a.knows(part(folder)) {
		return fmt.Sprintf("%s: the folder %s has no place in the architecture", file, folder)
	}
	if !inTest && !a.reservedFor(folder, pkg) {
		return fmt.Sprintf("%s: %s must not import %s, only %s may", file, folder, pkg, strings.Join(a.holders(pkg), ", "))
	}
	target, ours := strings.CutPrefix(pkg, a.module+"/")
	if !ours || a.mayImport(folder, target, inTest) {
		return ""
	}
	return fmt.Sprintf("%s: %s must not import %s: %s", file, folder, target, a.reason(folder, target))
}

// part is the top folder of a path.
func part(folder string) string {
	top, _, _ := strings.Cut(folder, "/")
	return top
}

// floor is the number of the floor that a part stands on, or -1.
func (a architecture) floor(part string) int {
	return slices.IndexFunc(a.floors, func(parts []string) bool { return slices.Contains(parts, part) })
}

func (a architecture) knows(part string) bool {
	_, beside := a.beside[part]
	return beside || a.floor(part) >= 0
}

// holders are the folders that pkg is reserved for, nil when it is free.
func (a architecture) holders(pkg string) []string {
	for reserved, folders := range a.reserved {
		if within(pkg, reserved) {
			return folders
		}
	}
	return nil
}

func (a architecture) reservedFor(folder, pkg string) bool {
	holders := a.holders(pkg)
	return holders == nil || slices.ContainsFunc(holders, func(h string) bool { return within(folder, h) })
}

// mayImport tells whether the floors allow an import inside the module.
func (a architecture) mayImport(folder, target string, inTest bool) bool {
	from, to := part(folder), part(target)
	allowed, beside := a.beside[from]
	_, toBeside := a.beside[to]
	switch {
	case from == to:
		return inTest || beside || within(folder, target) || slices.Contains(a.inner, target)
	case beside:
		return inTest || slices.Contains(allowed, to)
	case toBeside:
		return true // who may pretend is a matter of reserved imports
	default:
		return a.floor(to) >= 0 && a.floor(to) < a.floor(from)
	}
}

// reason explains an import that mayImport refused.
func (a architecture) reason(folder, target string) string {
	from, to := part(folder), part(target)
	allowed, beside := a.beside[from]
	switch {
	case !a.knows(to):
		return to + " has no place in the architecture"
	case from == to:
		return "inside a part only a sub-package imports its parent"
	case beside:
		return fmt.Sprintf("%s may import only %s", from, strings.Join(allowed, ", "))
	default:
		return fmt.Sprintf("floor %d may import only lower floors, %s is on floor %d", a.floor(from), to, a.floor(to))
	}
}

// within tells whether a path is folder or lies below it.
func within(p, folder string) bool {
	return p == folder || strings.HasPrefix(p, folder+"/")
}
