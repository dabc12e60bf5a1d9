package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"duogateway/duo"
)

// dctFieldsCmd is `gatewayd dct fields`.
type dctFieldsCmd struct {
	File string `arg:"" help:"The dump, as for inspect."`
	JSON bool   `name:"json" help:"Write one JSON object to stdout."`
	Copy string `enum:"current,1,2" default:"current" help:"Which copy of a dump of sectors: current, 1 or 2. The other one may hold a previous key."`
	layoutFlags
}

// layoutFlags say how dumps are read, and which fields there are.
type layoutFlags struct {
	dumpFlags
	System string `placeholder:"VERSION" help:"The system firmware whose fields are meant, such as 0.2.4 (default: the newest)."`
}

// fields returns the fields that the system of the flags knows.
func (f layoutFlags) fields() ([]duo.Field, error) {
	if f.System == "" {
		return duo.Fields(duo.VersionErased), nil
	}
	part2, ok := duo.ParseSystemVersion(f.System)
	if !ok {
		return nil, fmt.Errorf("--system %s: no such release", f.System)
	}
	return duo.Fields(part2), nil
}

// Run lists the fields.
func (c dctFieldsCmd) Run(env environment) error {
	fields, err := c.fields()
	if err != nil {
		return err
	}
	shown, err := openCopy(c.File, c.Copy, c.dumpFlags)
	if err != nil {
		return err
	}
	defer shown.clear()
	report := fieldsReport{Copy: shown.number, Sections: []fieldReport{}, Fields: []fieldReport{}}
	if shown.sector.Len() > 0 {
		for _, f := range duo.Sections() {
			report.Sections = append(report.Sections, shown.report(f, shown.section))
		}
	}
	for _, f := range fields {
		report.Fields = append(report.Fields, shown.report(f, shown.field))
	}
	if c.JSON {
		return printJSON(env, report)
	}
	return writeFields(env.stdout, report)
}

// dctCopy is one copy of a DCT, or the area of one.
type dctCopy struct {
	file   []byte
	sector duo.Sector // empty for a dump of alternate setting 1
	area   duo.Area
	// number is 1 or 2 for a copy, 0 for alternate setting 1.
	number int
}

// openCopy reads a dump and takes one copy from it: current, 1 or 2.
func openCopy(name, which string, flags dumpFlags) (dctCopy, error) {
	file, err := readFile(name, duo.LargestDump)
	if err != nil {
		return dctCopy{}, err
	}
	dump, err := duo.ParseDump(file, flags.start())
	if err != nil {
		return dctCopy{}, fmt.Errorf("%s: %w", name, err)
	}
	if len(dump.Sectors) == 0 {
		if which != "current" {
			return dctCopy{}, fmt.Errorf("%s: a dump of alternate setting 1 has no copy %s", name, which)
		}
		return dctCopy{file: file, area: dump.Area}, nil
	}
	index, ok := dump.Sectors.Current(flags.engine())
	if which != "current" {
		index = int(which[0] - '1')
		ok = index < len(dump.Sectors)
	}
	if !ok {
		return dctCopy{}, fmt.Errorf("%s: it has no copy that is %s (--copy, --engine)", name, which)
	}
	sector := dump.Sectors[index]
	return dctCopy{file: file, sector: sector, area: sector.Area(), number: index + 1}, nil
}

// clear wipes the dump: it holds secrets.
func (c dctCopy) clear() { clear(c.file) }

func (c dctCopy) field(f duo.Field) ([]byte, bool)   { return f.In(c.area) }
func (c dctCopy) section(f duo.Field) ([]byte, bool) { return f.InSector(c.sector) }

// report describes a field, or a section, by how it is read.
func (c dctCopy) report(f duo.Field, read func(duo.Field) ([]byte, bool)) fieldReport {
	report := fieldReport{Name: f.Name, Offset: f.Offset, Size: f.Size, Secret: f.Secret}
	if content, ok := read(f); ok {
		value := describeField(f, content)
		report.Value = &value
	}
	return report
}

// fieldsReport is all that is said of a copy, in JSON too. Copy is 0 for a
// dump of alternate setting 1, which has no sections.
type fieldsReport struct {
	Copy     int           `json:"copy"`
	Sections []fieldReport `json:"sections"`
	Fields   []fieldReport `json:"fields"`
}

// fieldReport is one field. Offset is that in the application DCT, or in the
// sector for a section. Value is null when the dump does not hold the field.
type fieldReport struct {
	Name   string  `json:"name"`
	Offset int     `json:"offset"`
	Size   int     `json:"size"`
	Secret bool    `json:"secret"`
	Value  *string `json:"value"`
}

func writeFields(w io.Writer, report fieldsReport) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if report.Copy > 0 {
		fmt.Fprintf(table, "OFFSET\tSIZE\tSECTION OF COPY %d\tVALUE\n", report.Copy)
		writeFieldRows(table, report.Sections)
		fmt.Fprintln(table, "\t\t\t")
	}
	fmt.Fprintln(table, "OFFSET\tSIZE\tFIELD\tVALUE")
	writeFieldRows(table, report.Fields)
	return table.Flush()
}

func writeFieldRows(w io.Writer, rows []fieldReport) {
	for _, row := range rows {
		value := notInDump
		if row.Value != nil {
			value = *row.Value
		}
		fmt.Fprintf(w, "%d\t%d\t%s\t%s\n", row.Offset, row.Size, row.Name, value)
	}
}
