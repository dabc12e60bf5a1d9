package job_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"duogateway/job"
)

// constants reads the string constants of a type from the source of the
// package, each under its name.
func constants(t *testing.T, typeName string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != len(spec.Names) {
				return true
			}
			if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != typeName {
				return true
			}
			for i, name := range spec.Names {
				literal := spec.Values[i].(*ast.BasicLit)
				if found[name.Name], err = strconv.Unquote(literal.Value); err != nil {
					t.Fatal(err)
				}
			}
			return true
		})
	}
	if len(found) == 0 {
		t.Fatalf("no constants of type %s", typeName)
	}
	return found
}

// Every code has exactly one row, and every row has a code.
func TestFaultTableIsComplete(t *testing.T) {
	rows := make(map[job.Code]int)
	for _, f := range job.Faults() {
		rows[f.Code]++
	}
	names := make(map[job.Code]string)
	for name, text := range constants(t, "Code") {
		code := job.Code(text)
		if other, taken := names[code]; taken {
			t.Errorf("%s and %s are both %q", name, other, code)
		}
		names[code] = name
		if rows[code] != 1 {
			t.Errorf("%s (%s) has %d rows", name, code, rows[code])
		}
		if got := job.Lookup(code); got.Code != code {
			t.Errorf("looking up %s gives %s", code, got.Code)
		}
	}
	for code := range rows {
		if names[code] == "" {
			t.Errorf("the row %s belongs to no constant", code)
		}
	}
	if got := job.Lookup("no such code"); got.Code != job.Internal {
		t.Errorf("looking up an unknown code gives %s", got.Code)
	}
}

// Nobody can change the table through a copy.
func TestFaultsIsACopy(t *testing.T) {
	job.Faults()[0].Code = "changed"
	if job.Faults()[0].Code == "changed" {
		t.Error("the table has changed")
	}
}

var (
	codeForm = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	sentence = regexp.MustCompile(`[.?](\s|$)`)
)

// The hint is for a technician who has one look at it.
func TestFaultRows(t *testing.T) {
	for _, f := range job.Faults() {
		if !codeForm.MatchString(string(f.Code)) {
			t.Errorf("%s: the code is not of small letters and hyphens", f.Code)
		}
		if !slices.Contains([]job.Class{job.Unit, job.Station, job.Demand}, f.Class) {
			t.Errorf("%s: the class %q is none", f.Code, f.Class)
		}
		if f.Class == job.Demand && f.Retryable {
			t.Errorf("%s: to ask the same again cannot help, for the request is wrong", f.Code)
		}
		sentences := sentence.FindAllStringIndex(f.Hint, -1)
		if len(sentences) < 1 || len(sentences) > 3 || sentences[len(sentences)-1][1] != len(f.Hint) {
			t.Errorf("%s: not one to three whole sentences: %q", f.Code, f.Hint)
		}
		if strings.TrimSpace(f.Hint) != f.Hint || strings.Contains(f.Hint, "\n") || strings.Contains(f.Hint, "  ") {
			t.Errorf("%s: the hint is not one line: %q", f.Code, f.Hint)
		}
	}
}

func TestClassVerdictState(t *testing.T) {
	for class, want := range map[job.Class]struct {
		verdict job.Verdict
		state   job.State
	}{
		job.Unit:    {job.Fail, job.Failed},
		job.Station: {job.Error, job.Failed},
		job.Demand:  {job.Denied, job.Rejected},
		"unheard":   {job.Error, job.Failed}, // the station is to blame for what it does not know
	} {
		if got := class.Verdict(); got != want.verdict || got.State() != want.state {
			t.Errorf("%s: %s, %s", class, got, got.State())
		}
	}
	if job.Pass.State() != job.Succeeded {
		t.Errorf("a pass is %s", job.Pass.State())
	}
	fault := job.ReportOf(job.Failf(job.NoUSB, "x"))
	for want, e := range map[job.Verdict]job.Ending{job.Pass: {Proof: job.Proven}, job.Fail: {Fault: &fault}} {
		if got := e.Verdict(); got != want {
			t.Errorf("%+v: %s, want %s", e, got, want)
		}
	}
}

// An error carries the code of the outermost fault in it, however it is
// wrapped; one without any is an internal fault.
func TestReports(t *testing.T) {
	cause := errors.New("cause")
	inner := job.Failf(job.NoUSB, "looking: %w", cause)
	for name, c := range map[string]struct {
		err  error
		code job.Code
	}{
		"fault":            {inner, job.NoUSB},
		"wrapped":          {fmt.Errorf("outside: %w", inner), job.NoUSB},
		"wrapped twice":    {fmt.Errorf("far outside: %w", fmt.Errorf("outside: %w", inner)), job.NoUSB},
		"joined":           {errors.Join(io.EOF, inner), job.NoUSB},
		"joined, two":      {errors.Join(inner, job.Failf(job.Internal, "x")), job.NoUSB},
		"two verbs":        {fmt.Errorf("%w and %w", io.EOF, inner), job.NoUSB},
		"fault in a fault": {job.Failf(job.StoreFailed, "outside: %w", inner), job.StoreFailed},
		"no fault":         {io.EOF, job.Internal},
		"unknown code":     {job.Failf("no such code", "x"), job.Internal},
	} {
		report := job.ReportOf(c.err)
		if report.Code != c.code || report.Fault != job.Lookup(c.code) || report.Message != c.err.Error() {
			t.Errorf("%s: %+v", name, report)
		}
		if want := name != "no fault" && name != "unknown code"; job.HasCode(c.err, c.code) != want {
			t.Errorf("%s: HasCode(%s) is %v", name, c.code, !want)
		}
		if job.HasCode(c.err, job.BadRequest) {
			t.Errorf("%s: it has a code that it has not", name)
		}
	}
	if !errors.Is(inner, cause) || inner.Error() != "looking: cause" {
		t.Errorf("%v does not lead to its cause", inner)
	}
	if job.HasCode(nil, job.Internal) {
		t.Error("no error has a code")
	}
}
