package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"duogateway/duo"
)

// dctCmd is `gatewayd dct`: what can be done with a dump, offline.
type dctCmd struct {
	Inspect dctInspectCmd `cmd:"" help:"Say what a dump of a board's DCT holds. Secrets are never shown."`
	Fields  dctFieldsCmd  `cmd:"" help:"List all fields of a dump. Secrets are never shown."`
	Diff    dctDiffCmd    `cmd:"" help:"Say which fields of two dumps differ. Secrets are never shown."`
}

// dctInspectCmd is `gatewayd dct inspect`.
type dctInspectCmd struct {
	File string `arg:"" help:"The dump: raw sectors of 16384, 32768 or 49152 bytes, or alternate setting 1."`
	JSON bool   `name:"json" help:"Write one JSON object to stdout."`
	dumpFlags
}

// dumpFlags say how dumps are read.
type dumpFlags struct {
	Engine string  `enum:"auto,old,new" default:"auto" help:"The engine that chooses the current copy: auto, old (system 0.3.1 and older) or new."`
	Offset *uint16 `placeholder:"N" help:"Where a dump of alternate setting 1 begins (default: 34 for 16350 bytes, else 0)."`
}

// inspectDCT writes what the dump holds to stdout, and a remark on the
// arguments to stderr. It fails only when the file is not a readable dump.
func inspectDCT(args dctInspectCmd, stdout, stderr io.Writer) error {
	file, err := readFile(args.File, duo.LargestDump)
	if err != nil {
		return err
	}
	defer clear(file)
	dump, err := duo.ParseDump(file, args.start())
	if err != nil {
		return fmt.Errorf("%s: %w", args.File, err)
	}
	if args.Offset != nil && len(dump.Sectors) > 0 {
		fmt.Fprintln(stderr, "note: --offset is for dumps of alternate setting 1 and means nothing for sectors")
	}
	diagnosis := dump.Diagnose(args.engine())
	if args.JSON {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(diagnosis)
	}
	return writeDiagnosis(stdout, diagnosis)
}

// start returns the value of --offset in the form of duo.ParseDump.
func (c dumpFlags) start() int {
	if c.Offset == nil {
		return duo.StartBySize
	}
	return int(*c.Offset)
}

// engine returns the value of --engine.
func (c dumpFlags) engine() duo.Engine {
	switch c.Engine {
	case "old":
		return duo.EngineOld
	case "new":
		return duo.EngineNew
	}
	return duo.EngineUnknown
}

// writeDiagnosis writes the report for people: a name and a finding a line.
func writeDiagnosis(w io.Writer, d duo.Diagnosis) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "dump\t%d bytes, %s\n", d.Size, describeKind(d))
	fmt.Fprintf(table, "engine\t%s\n", d.Engine)
	for i, sector := range d.Sectors {
		fmt.Fprintf(table, "sector %d\t%s\n", i+1, describeSector(sector, d.Current == i+1))
	}
	fmt.Fprintf(table, "device id\t%s\n", orNone(string(d.DeviceID)))
	fmt.Fprintf(table, "private key\t%s\n", describePrivateKey(d.PrivateKey))
	fmt.Fprintf(table, "public key\t%s\n", describePublicKey(d.PublicKey.State))
	fmt.Fprintf(table, "server key\t%s\n", describeServerKey(d.ServerKey))
	fmt.Fprintf(table, "server address\t%s\n", describeAddress(d.ServerAddress))
	return table.Flush()
}

func describeKind(d duo.Diagnosis) string {
	switch {
	case len(d.Sectors) == 0:
		return "alternate setting 1"
	case d.Current == 0:
		return "DCT sectors without a current copy"
	}
	return "DCT sectors"
}

func describeSector(s duo.SectorReport, current bool) string {
	text := string(s.Class)
	if s.Sequence != nil {
		text += fmt.Sprintf(", sequence %d", *s.Sequence)
	}
	if s.CRCOK != nil && *s.CRCOK {
		text += ", CRC right"
	} else if s.CRCOK != nil {
		text += ", CRC wrong"
	}
	if current {
		text += " (current)"
	}
	return text
}

func describePrivateKey(k duo.PrivateKeyReport) string {
	switch k.State {
	case duo.PrivateKeyErased:
		return "erased: the board makes a new one at its next start"
	case duo.PrivateKeyZeroed:
		return "zeroed: the board cannot connect and makes no new one"
	case duo.PrivateKeyCorrupt:
		return "corrupt: the board cannot connect and makes no new one"
	case duo.PrivateKeyUnreachable:
		return "unreachable: the board answered zeros, its system parts are missing or too old"
	case duo.PrivateKeyValid:
		return fmt.Sprintf("valid, %s, %s", describeForm(k.Form), k.Fingerprint)
	case duo.PrivateKeyUnreadable:
		return fmt.Sprintf("sound but misread by the board, %s, %s", describeForm(k.Form), k.Fingerprint)
	}
	return notInDump
}

func describeForm(form duo.KeyForm) string {
	switch form {
	case duo.FormFixed:
		return "fixed form"
	case duo.FormMinimal:
		return "minimal form"
	}
	return "unusual form"
}

func describePublicKey(state duo.PublicKeyState) string {
	switch state {
	case duo.PublicKeyOK:
		return "fits the private key"
	case duo.PublicKeyNeverDerived:
		return "not derived yet: the board does it by itself"
	case duo.PublicKeyStale:
		return "stale: the board rewrites it when it connects"
	}
	return notInDump
}

func describeServerKey(k duo.ServerKeyReport) string {
	switch k.State {
	case duo.ServerKeyParticle:
		return "Particle's, " + k.Fingerprint
	case duo.ServerKeyCustom:
		return "custom, " + k.Fingerprint
	case duo.ServerKeyErased:
		return "erased: only system 0.3.2 and newer connect without it"
	case duo.ServerKeyCorrupt:
		return "corrupt"
	}
	return notInDump
}

func describeAddress(a duo.ServerAddress) string {
	switch a.State {
	case duo.AddressDomain, duo.AddressIPv4:
		return fmt.Sprintf("%s, port %d", a.Host, a.Port)
	case duo.AddressErased, duo.AddressInvalid:
		return fmt.Sprintf("%s: the board uses %s, port %d", a.State, duo.DefaultHost, duo.DefaultPort)
	}
	return notInDump
}

// notInDump is said of a field that the dump does not tell about.
const notInDump = "not in this dump"

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// Run writes what the dump holds.
func (c dctInspectCmd) Run(env environment) error { return inspectDCT(c, env.stdout, env.stderr) }
