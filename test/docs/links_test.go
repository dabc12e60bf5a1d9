package docs

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
)

// links returns the targets in a page that are not elsewhere on the net, as
// paths from the root with the anchor behind.
func links(t *testing.T, page string) []string {
	t.Helper()
	var targets []string
	for _, found := range link.FindAllStringSubmatch(fenced.ReplaceAllString(read(t, page), ""), -1) {
		target, anchor, _ := strings.Cut(found[1], "#")
		switch {
		case strings.Contains(found[1], "://"):
			continue
		case target == "":
			target = page
		default:
			target = path.Join(path.Dir(page), target)
		}
		if anchor != "" {
			target += "#" + anchor
		}
		targets = append(targets, target)
	}
	return targets
}

func TestLinksLeadSomewhere(t *testing.T) {
	for _, page := range pages(t) {
		for _, target := range links(t, page) {
			file, anchor, _ := strings.Cut(target, "#")
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", page, target)
			} else if anchor != "" && !slices.Contains(anchors(t, file), anchor) {
				t.Errorf("%s: %s has no heading for the link #%s", page, file, anchor)
			}
		}
	}
}

// anchors returns the names that a page gives to its headings.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	var names []string
	for _, found := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(read(t, page), ""), -1) {
		name := strings.ReplaceAll(strings.ToLower(found[1]), " ", "-")
		names = append(names, regexp.MustCompile(`[^\w-]`).ReplaceAllString(name, ""))
	}
	return names
}

// Every page and drawing is found by who begins with the README.
func TestEveryPageIsLinked(t *testing.T) {
	seen := []string{"README.md"}
	for i := 0; i < len(seen); i++ {
		if path.Ext(seen[i]) != ".md" {
			continue
		}
		for _, target := range links(t, seen[i]) {
			if file, _, _ := strings.Cut(target, "#"); !slices.Contains(seen, file) {
				seen = append(seen, file)
			}
		}
	}
	for _, name := range slices.Concat(pages(t), list(t, "docs/*.svg")) {
		if !slices.Contains(seen, name) {
			t.Errorf("no link from the README leads to %s", name)
		}
	}
}
