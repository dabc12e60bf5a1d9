package architecture

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The linter shows a wrong import while one is typing. Its rules say the same
// as the table of floors, less exactly: it lets the packages of a part import
// each other, and lets tests pass for the virtual bench alone.
func TestLintRulesFollowTheFloors(t *testing.T) {
	config, err := os.ReadFile(filepath.Join(root, ".golangci.yml"))
	if err != nil {
		t.Fatalf("reading the rules of the linter: %v", err)
	}
	want := project.lintRules()
	if !strings.Contains(string(config), want) {
		t.Errorf(".golangci.yml does not follow the table of floors; its depguard section must be:\n%s", want)
	}
}

// lintRules writes the architecture as settings of the linter depguard.
func (a architecture) lintRules() string {
	rules := "    depguard:\n      rules:\n"
	beside := slices.Sorted(maps.Keys(a.beside))
	var below []string
	for number, parts := range a.floors {
		why := fmt.Sprintf("floor %d may import only lower floors", number)
		for _, part := range parts {
			allow := slices.Concat(below, []string{part}, beside)
			rules += lintRule(part, []string{inFolder(part)}, a.module, why, a.inModule(allow))
		}
		below = append(below, parts...)
	}
	for _, part := range beside {
		why := part + " may import only " + strings.Join(a.beside[part], ", ")
		allow := slices.Concat(a.beside[part], []string{part})
		rules += lintRule(part, []string{inFolder(part), "!$test"}, a.module, why, a.inModule(allow))
	}
	for _, pkg := range slices.Sorted(maps.Keys(a.reserved)) {
		why := "only " + strings.Join(a.reserved[pkg], ", ") + " may"
		files := []string{"$all", "!$test"}
		for _, folder := range a.reserved[pkg] {
			files = append(files, "!"+inFolder(folder))
		}
		rules += lintRule("reserved-"+path.Base(pkg), files, pkg, why, nil)
	}
	return rules
}

// lintRule writes one rule: in these files deny is denied, except for allow.
func lintRule(name string, files []string, deny, why string, allow []string) string {
	lines := []string{
		"        " + name + ":",
		"          list-mode: lax",
		`          files: ["` + strings.Join(files, `", "`) + `"]`,
		fmt.Sprintf("          deny: [{pkg: %s, desc: %q}]", deny, why),
	}
	if len(allow) > 0 {
		lines = append(lines, "          allow: ["+strings.Join(allow, ", ")+"]")
	}
	return strings.Join(lines, "\n") + "\n"
}

// inFolder is the pattern of the files below a folder.
func inFolder(folder string) string { return "${config-path}/" + folder + "/**" }

// inModule returns the import paths of parts.
func (a architecture) inModule(parts []string) []string {
	paths := make([]string, len(parts))
	for i, part := range parts {
		paths[i] = a.module + "/" + part
	}
	return paths
}
