package architecture

import (
	"go/ast"
	"go/parser"
	"path"
	"regexp"
	"strings"
	"testing"
)

var (
	abbreviation = regexp.MustCompile(`\b(e\.g|i\.e|etc)\.`)
	sentenceEnd  = regexp.MustCompile(`[.!?][)"]?(\s|$)`)
)

// sentences counts the sentences of a text.
func sentences(text string) int {
	return len(sentenceEnd.FindAllString(abbreviation.ReplaceAllString(text, ""), -1))
}

// Every package says in its comment what it is for and what it must not know.
func TestPackagesHaveComments(t *testing.T) {
	comments := make(map[string]string)
	for name, file := range goFiles(t, root, parser.PackageClauseOnly|parser.ParseComments) {
		comments[path.Dir(name)] += packageComment(file)
	}
	for folder, comment := range comments {
		if count := sentences(comment); count < 2 {
			t.Errorf("%s: the package comment has %d sentences, want at least 2", folder, count)
		}
	}
}

// packageComment is the text of a file's package comment, without directives.
func packageComment(file *ast.File) string {
	if file.Doc == nil {
		return ""
	}
	return strings.TrimSpace(file.Doc.Text()) + "\n"
}

func TestSentences(t *testing.T) {
	for text, want := range map[string]int{
		"":                                     0,
		"Package a holds things":               0,
		"Package a holds DFU 1.1a, e.g. this.": 1,
		"Package a is small. It knows nothing\nof floor 2 (or of c).": 2,
	} {
		if got := sentences(text); got != want {
			t.Errorf("%q: %d sentences, want %d", text, got, want)
		}
	}
}
