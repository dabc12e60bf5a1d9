package architecture

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// A foreign name is one that only somebody outside of the repository would
// understand: a folder above it, or a tool that helped to write it.
type foreign struct {
	pattern *regexp.Regexp
	// except holds the files that must use the name.
	except []string
}

var foreigners = []foreign{
	{regexp.MustCompile(`\bshared/`), []string{".ci/run"}}, // where CI puts the published data
	{regexp.MustCompile(`\bfacts/`), nil},
	{regexp.MustCompile(`(^|[^\w.)])\.library\b`), nil},
	{regexp.MustCompile(`(^|[^\w.])/work/`), nil},
	{regexp.MustCompile(`(?i)\b(chatgpt|openai|claude|anthropic|copilot)\b`), nil},
}

// exempt holds the files that are not searched: this one, and lists of modules
// that carry such names of their own.
var exempt = []string{"test/architecture/words_test.go", "tools/go.mod", "tools/go.sum"}

// The tree speaks of itself alone.
func TestNoForeignNames(t *testing.T) {
	for _, name := range listFiles(t, root) {
		if slices.Contains(exempt, name) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatalf("looking for foreign names: %v", err)
		}
		for line := range bytes.Lines(text) {
			if word := foreignIn(name, line); word != "" {
				t.Errorf("%s: %q is a name from outside of the repository: %s", name, word, bytes.TrimSpace(line))
			}
		}
	}
}

// foreignIn returns the first foreign name in a line of a file, or nothing.
func foreignIn(file string, line []byte) string {
	for _, f := range foreigners {
		if word := f.pattern.Find(line); word != nil && !slices.Contains(f.except, path.Clean(file)) {
			return string(word)
		}
	}
	return ""
}

func TestForeignNames(t *testing.T) {
	for line, want := range map[string]bool{
		"see shared/data":                   true,
		"(facts/duo.md 3.8)":                true,
		"../.library/env":                   true,
		"cd /work/main":                     true,
		"Written with ChatGPT":              true,
		"artifacts/out.bin":                 false,
		"/usr/share/doc, unshared/ things":  false,
		"pkg.library is a field":            false,
		"/home/me/network/ and /var/work/x": false,
		"an MQTT session's number":          false,
	} {
		if got := foreignIn("a.go", []byte(line)); (got != "") != want {
			t.Errorf("%q: found %q, want a finding: %v", line, got, want)
		}
	}
	if got := foreignIn(".ci/run", []byte("cd ../shared/data")); got != "" {
		t.Errorf("found %q where it must be", got)
	}
}
