package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"duogateway/duo"
)

// firmwareCmd is `gatewayd firmware`: what can be done with a firmware image,
// offline.
type firmwareCmd struct {
	Inspect firmwareInspectCmd `cmd:"" help:"Say what a firmware image is, whether it is whole, and where it belongs."`
}

// firmwareInspectCmd is `gatewayd firmware inspect`.
type firmwareInspectCmd struct {
	File string `arg:"" help:"The image: a system part, a user part, a factory image or a bootloader."`
	JSON bool   `name:"json" help:"Write one JSON object to stdout."`
}

// largestImage is more than any memory of a board holds.
const largestImage = duo.SerialSize

// Run writes what the image is. It fails only for a file that is no module: a
// refusal is a finding, not a failure.
func (c firmwareInspectCmd) Run(env environment) error {
	image, err := readFile(c.File, largestImage)
	if err != nil {
		return err
	}
	module, err := duo.InspectModule(image)
	if err != nil {
		if revision, ok := duo.WiFiRevision(image); ok {
			return fmt.Errorf("%s: Wi-Fi firmware r%d, which has no module_info to inspect", c.File, revision)
		}
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if c.JSON {
		return printJSON(env, reportModule(module))
	}
	return writeModule(env.stdout, module)
}

// moduleReport is a module in JSON. Target and Refusal are null when there is
// no place for it, and when nothing speaks against it.
type moduleReport struct {
	Start        uint32             `json:"start"`
	End          uint32             `json:"end"`
	Version      uint16             `json:"version"`
	Platform     uint16             `json:"platform"`
	Function     uint8              `json:"function"`
	Index        uint8              `json:"index"`
	Dependencies []dependencyReport `json:"dependencies"`
	CRCOK        bool               `json:"crc_ok"`
	SHAOK        bool               `json:"sha_ok"`
	Target       *uint32            `json:"target"`
	Refusal      *string            `json:"refusal"`
}

type dependencyReport struct {
	Function uint8  `json:"function"`
	Index    uint8  `json:"index"`
	Version  uint16 `json:"version"`
}

func reportModule(m duo.Module) moduleReport {
	report := moduleReport{
		Start: m.Start, End: m.End, Version: m.Version, Platform: m.Platform, Function: m.Function, Index: m.Index,
		Dependencies: []dependencyReport{}, CRCOK: m.CRCOK, SHAOK: m.SHAOK,
	}
	for _, d := range m.Dependencies() {
		report.Dependencies = append(report.Dependencies, dependencyReport(d))
	}
	if m.Target != nil {
		report.Target = &m.Target.Address
	}
	if m.Refusal != "" {
		report.Refusal = &m.Refusal
	}
	return report
}

// writeModule writes the report for people.
func writeModule(w io.Writer, m duo.Module) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "module\t%s, %s\n", m.Name(), describeVersion(m.ModuleInfo))
	fmt.Fprintf(table, "platform\t%s\n", describePlatform(m.Platform))
	fmt.Fprintf(table, "addresses\t%#08x to %#08x\n", m.Start, m.End)
	fmt.Fprintf(table, "target\t%s\n", describePlace(m.Target))
	for _, need := range m.Dependencies() {
		fmt.Fprintf(table, "needs\t%s %d or later\n", need.Name(), need.Version)
	}
	fmt.Fprintf(table, "CRC\t%s\n", rightWrong(m.CRCOK))
	fmt.Fprintf(table, "SHA-256\t%s\n", rightWrong(m.SHAOK))
	fmt.Fprintf(table, "verdict\t%s\n", describeRefusal(m.Refusal))
	return table.Flush()
}

func describeVersion(m duo.ModuleInfo) string {
	if m.Function == duo.FunctionSystemPart && m.Platform == duo.PlatformID {
		return fmt.Sprintf("version %d (system %s)", m.Version, duo.SystemVersion(m.Version))
	}
	return fmt.Sprintf("version %d", m.Version)
}

func describePlatform(platform uint16) string {
	if platform == duo.PlatformID {
		return fmt.Sprintf("%d (RedBear Duo)", platform)
	}
	return fmt.Sprint(platform)
}

func describePlace(place *duo.Place) string {
	if place == nil {
		return "none"
	}
	return fmt.Sprintf("%#08x of alternate setting %d, up to %d bytes", place.Address, place.Alt, place.Size)
}

func describeRefusal(refusal string) string {
	if refusal == "" {
		return "sound; whether a board bears it depends on what it has"
	}
	return "refused: " + refusal
}

func rightWrong(ok bool) string {
	if ok {
		return "right"
	}
	return "wrong"
}
