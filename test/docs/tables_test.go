package docs

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of the manual anew")

// A made part of a page stands between two comments, of which the first one
// names the command that makes it.
var made = regexp.MustCompile(`(?s)<!-- made by: gatewayd ([a-z -]+) -->\n(.*?)<!-- end -->`)

// The tables of the manual are those that the program prints; `make docs`
// writes them.
func TestTables(t *testing.T) {
	parts := 0
	for _, page := range pages(t) {
		before := read(t, page)
		after := made.ReplaceAllStringFunc(before, func(part string) string {
			parts++
			command := made.FindStringSubmatch(part)[1]
			table, err := gatewayd(t, strings.Fields(command)...)
			if err != nil {
				t.Fatalf("%s: gatewayd %s: %v", page, command, err)
			}
			return "<!-- made by: gatewayd " + command + " -->\n\n" + table + "\n<!-- end -->"
		})
		if before == after {
			continue
		}
		if !*update {
			t.Errorf("%s: a table is not what the program prints; run: make docs", page)
		} else if err := os.WriteFile(filepath.Join(root, page), []byte(after), 0o644); err != nil {
			t.Error(err)
		}
	}
	if parts < 3 {
		t.Errorf("there are %d made tables, want those of the configuration, the faults and the exit codes", parts)
	}
}
