package matrix_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// page is the page of the manual that shows the table.
const page = "../../docs/matrix.md"

const (
	tableBegins = "<!-- made by: make matrix -->\n"
	tableEnds   = "<!-- end -->\n"
)

// table is the outcomes as rows of faults and columns of kinds.
func (o *outcomes) table() string {
	var text, rule strings.Builder
	text.WriteString("| |")
	rule.WriteString("|---|")
	for _, k := range kinds() {
		fmt.Fprintf(&text, " %s |", k.name)
		rule.WriteString("---|")
	}
	fmt.Fprintf(&text, "\n%s\n", &rule)
	for _, f := range faults() {
		fmt.Fprintf(&text, "| %s |", f.name)
		for _, k := range kinds() {
			seen := slices.Sorted(maps.Keys(o.all[[2]string{f.name, string(k.name)}]))
			slices.SortStableFunc(seen, func(a, b string) int { return rank(a) - rank(b) })
			fmt.Fprintf(&text, " %s |", strings.Join(seen, "; "))
		}
		text.WriteString("\n")
	}
	return text.String()
}

// rank puts a pass first.
func rank(outcome string) int {
	if outcome == "pass" {
		return 0
	}
	return 1
}

// checkTable compares the table with that of the manual, or writes it there.
func checkTable(t *testing.T, table string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table", page)
	}
	now := before + tableBegins + "\n" + table + "\n" + tableEnds + after
	switch {
	case now == string(text):
	case *update:
		if err := os.WriteFile(page, []byte(now), 0o644); err != nil {
			t.Error(err)
		}
	default:
		t.Errorf("%s is not what was found; run: make matrix", page)
	}
}
