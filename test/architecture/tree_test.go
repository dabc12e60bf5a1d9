package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// root is the root of the module, seen from the folder of this package.
const root = "../.."

// listFiles returns the files of the module at root, with slashes and in order.
// It leaves out other modules and what git does not keep.
func listFiles(t *testing.T, root string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		if entry.IsDir() {
			switch relative {
			case ".git", "bin", "out":
				return filepath.SkipDir
			}
			return nil
		}
		if entry.Type().IsRegular() {
			files = append(files, relative)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("listing the files of the module: %v", err)
	}
	return files
}

// goFiles parses the Go files of the module at root as far as mode asks, by
// name. Files of every build tag are among them.
func goFiles(t *testing.T, root string, mode parser.Mode) map[string]*ast.File {
	t.Helper()
	parsed := make(map[string]*ast.File)
	files := token.NewFileSet()
	for _, name := range listFiles(t, root) {
		if path.Ext(name) != ".go" || !isSource(root, name) {
			continue
		}
		file, err := parser.ParseFile(files, filepath.Join(root, name), nil, mode)
		if err != nil {
			t.Errorf("parsing: %v", err)
			continue
		}
		parsed[name] = file
	}
	if len(parsed) == 0 {
		t.Fatalf("there is no Go file below %s", root)
	}
	return parsed
}

// isSource tells whether the go command would build a file as part of the
// module at root: not test data, not a module of its own.
func isSource(root, name string) bool {
	for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
		base := path.Base(folder)
		if base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
			return false
		}
		if _, err := os.Stat(filepath.Join(root, folder, "go.mod")); err == nil {
			return false
		}
	}
	return true
}
