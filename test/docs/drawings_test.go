package docs

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

// A drawing is well-formed, says in words what it shows, follows the reader's
// choice of light or dark, and loads nothing from elsewhere.
func TestDrawings(t *testing.T) {
	drawings := list(t, "docs/*.svg")
	if len(drawings) < 3 {
		t.Errorf("there are only these drawings: %v", drawings)
	}
	for _, name := range drawings {
		text := read(t, name)
		elements := make(map[string]int)
		for decoder := xml.NewDecoder(strings.NewReader(text)); ; {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
				break
			}
			if start, ok := token.(xml.StartElement); ok {
				elements[start.Name.Local]++
			}
		}
		for _, element := range []string{"svg", "title", "desc"} {
			if elements[element] != 1 {
				t.Errorf("%s: %d elements <%s>, want 1", name, elements[element], element)
			}
		}
		if !strings.Contains(text, "prefers-color-scheme: dark") {
			t.Errorf("%s: it has no dark form", name)
		}
		for _, foreign := range []string{"@import", "url(", "href", "<script", "<image"} {
			if strings.Contains(text, foreign) {
				t.Errorf("%s: it uses %s", name, foreign)
			}
		}
	}
}
