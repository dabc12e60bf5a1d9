package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	example = regexp.MustCompile("(?s)```toml\n(.*?)```")
	setting = regexp.MustCompile("(?m)^\\| `([a-z._]+)` \\|")
)

// The example configuration passes the check, and shows every setting.
func TestExampleConfiguration(t *testing.T) {
	page := read(t, "docs/config.md")
	found := example.FindStringSubmatch(page)
	if found == nil {
		t.Fatal("there is no example")
	}
	file := filepath.Join(t.TempDir(), "gatewayd.toml")
	if err := os.WriteFile(file, []byte(found[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := gatewayd(t, "check-config", file); err != nil {
		t.Errorf("the example is refused: %v", err)
	}
	settings := setting.FindAllStringSubmatch(page, -1)
	if len(settings) < 10 {
		t.Errorf("the table has only %d settings", len(settings))
	}
	for _, row := range settings {
		key := row[1][strings.LastIndexByte(row[1], '.')+1:]
		if !regexp.MustCompile(`(?m)^` + key + ` = `).MatchString(found[1]) {
			t.Errorf("the example does not show %s", row[1])
		}
	}
}
