package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"duogateway/duo"
)

// dctDiffCmd is `gatewayd dct diff`.
type dctDiffCmd struct {
	A    string `arg:"" help:"A dump, as for inspect."`
	B    string `arg:"" help:"Another dump."`
	JSON bool   `name:"json" help:"Write one JSON object to stdout."`
	layoutFlags
}

// Run compares the current copies of both dumps.
func (c dctDiffCmd) Run(env environment) error {
	fields, err := c.fields()
	if err != nil {
		return err
	}
	a, err := openCopy(c.A, "current", c.dumpFlags)
	if err != nil {
		return err
	}
	defer a.clear()
	b, err := openCopy(c.B, "current", c.dumpFlags)
	if err != nil {
		return err
	}
	defer b.clear()
	report := diffCopies(a, b, fields)
	if c.JSON {
		return printJSON(env, report)
	}
	return writeDiff(env.stdout, report)
}

// diffReport is a comparison, in JSON too.
type diffReport struct {
	// Same: all that could be compared is equal.
	Same        bool              `json:"same"`
	Differences []fieldDifference `json:"differences"`
	// NotCompared names the fields and sections that one dump does not hold.
	NotCompared []string `json:"not_compared"`
}

// fieldDifference is a field or section with its value in both dumps. Section
// tells how to read Offset: in the sector, not in the application DCT.
type fieldDifference struct {
	Name    string `json:"name"`
	Section bool   `json:"section"`
	Offset  int    `json:"offset"`
	Size    int    `json:"size"`
	A       string `json:"a"`
	B       string `json:"b"`
}

// diffCopies compares two copies field by field.
func diffCopies(a, b dctCopy, fields []duo.Field) diffReport {
	report := diffReport{Differences: []fieldDifference{}, NotCompared: []string{}}
	for _, f := range duo.Sections() {
		report.compare(f, true, a.section, b.section)
	}
	for _, f := range fields {
		report.compare(f, false, a.field, b.field)
	}
	report.Same = len(report.Differences) == 0
	return report
}

func (r *diffReport) compare(f duo.Field, section bool, readA, readB func(duo.Field) ([]byte, bool)) {
	a, okA := readA(f)
	b, okB := readB(f)
	switch {
	case !okA && !okB:
		// In neither dump: there is nothing to say.
	case okA != okB:
		r.NotCompared = append(r.NotCompared, f.Name)
	case !bytes.Equal(a, b):
		r.Differences = append(r.Differences, fieldDifference{
			f.Name, section, f.Offset, f.Size, describeField(f, a), describeField(f, b),
		})
	}
}

func writeDiff(w io.Writer, report diffReport) error {
	if report.Same {
		fmt.Fprintln(w, "no field differs")
	} else {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "FIELD\tA\tB")
		for _, d := range report.Differences {
			fmt.Fprintf(table, "%s\t%s\t%s\n", d.Name, d.A, differsFrom(d.A, d.B))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	if len(report.NotCompared) > 0 {
		fmt.Fprintln(w, "not in both dumps:", strings.Join(report.NotCompared, ", "))
	}
	return nil
}

// differsFrom says of a value that looks like the other one that it differs.
func differsFrom(a, b string) string {
	if a == b {
		return "differs"
	}
	return b
}
