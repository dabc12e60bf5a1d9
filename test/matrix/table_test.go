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
	shown, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table", page)
	}
	if !*update {
		compare(t, strings.TrimSpace(shown), strings.TrimSpace(table))
		return
	}
	now := before + tableBegins + "\n" + table + "\n" + tableEnds + after
	if err := os.WriteFile(page, []byte(now), 0o644); err != nil {
		t.Error(err)
	}
}

// compare wants all that was found to be shown. What is shown and was not found
// is only told: a job and a fault that come at the same instant may go either
// way, also in fake time.
func compare(t *testing.T, shown, found string) {
	t.Helper()
	old, now := strings.Split(shown, "\n"), strings.Split(found, "\n")
	if len(old) != len(now) {
		t.Errorf("%s has %d rows, want %d; run: make matrix", page, len(old), len(now))
		return
	}
	for i := range now {
		cells, want := strings.Split(old[i], "|"), strings.Split(now[i], "|")
		for k := range want {
			switch {
			case len(cells) != len(want) || !shows(cells[k], want[k]):
				t.Errorf("%s does not tell what was found, %s:%s; run: make matrix", page, want[1], want[k])
			case cells[k] != want[k]:
				t.Logf("%s: only%s of%s was found", want[1], want[k], cells[k])
			}
		}
	}
}

// shows tells whether a cell has all outcomes of another.
func shows(cell, found string) bool {
	all := strings.Split(strings.TrimSpace(cell), "; ")
	for _, outcome := range strings.Split(strings.TrimSpace(found), "; ") {
		if !slices.Contains(all, outcome) {
			return false
		}
	}
	return true
}
