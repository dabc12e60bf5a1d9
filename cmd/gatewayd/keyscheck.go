package main

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"

	"duogateway/duo"
	"duogateway/job"
)

// keysCheckCmd is `gatewayd keys check`.
type keysCheckCmd struct {
	keyFileFlags
	Public string `placeholder:"FILE" help:"Compare with this public key, DER or PEM, as the cloud has it."`
	JSON   bool   `name:"json" help:"Write one JSON object to stdout."`
}

// keyReport is what is said of a key file, in JSON too.
type keyReport struct {
	// Kind is what sort of file it is, in words.
	Kind string `json:"kind"`
	// Sound: all relations between the numbers of the key are right.
	Sound bool                `json:"sound"`
	State duo.PrivateKeyState `json:"state"`
	// Form is fixed or minimal, null for neither.
	Form *duo.KeyForm `json:"form"`
	// Readable: the firmware of a board reads the key as it stands there. Null
	// for a key that is not sound.
	Readable    *bool   `json:"readable_by_firmware"`
	Fingerprint *string `json:"fingerprint"`
	// PublicFits: the key belongs to the public key of the dump, or of
	// --public. Null when there is none to compare with, or no sound key.
	PublicFits *bool `json:"public_key_fits"`
}

// Run says what the file holds. A key that is not sound, or not that of the
// public key, is the command's failure.
func (c keysCheckCmd) Run(env environment) error {
	public, err := readPublic(c.Public)
	if err != nil {
		return err
	}
	key, err := c.open()
	if err != nil {
		return err
	}
	defer key.clear()
	if public == nil {
		public, _ = duo.ReadPublicKey(key.public)
	}
	report := checkKey(key, public)
	if c.JSON {
		err = printJSON(env, report)
	} else {
		err = writeKeyReport(env.stdout, report)
	}
	if err != nil {
		return err
	}
	return report.failure(c.Public != "")
}

// checkKey says what there is to say of a key.
func checkKey(k boardKey, public []byte) keyReport {
	found, key := duo.ClassifyPrivateKey(k.field.Reveal())
	report := keyReport{Kind: k.kind, State: found.State}
	if key == nil {
		return report
	}
	defer key.Clear()
	report.Sound = true
	readable := found.State == duo.PrivateKeyValid
	report.Readable, report.Fingerprint = &readable, &found.Fingerprint
	if found.Form != duo.FormOther {
		report.Form = &found.Form
	}
	if public != nil {
		fits := bytes.Equal(public, key.SPKI())
		report.PublicFits = &fits
	}
	return report
}

// failure is the error for a key that is of no use. In a dump the public key
// of a board may be out of date, so there it is no failure when it differs.
func (r keyReport) failure(publicNamed bool) error {
	switch {
	case r.State == duo.PrivateKeyErased:
		return job.Failf(job.KeyErased, "the private key is erased")
	case !r.Sound:
		return job.Failf(job.KeyDamaged, "the private key is %s; gatewayd keys salvage may mend it", r.State)
	case publicNamed && !*r.PublicFits:
		return job.Failf(job.KeyOfOtherBoard, "the private key does not belong to that public key")
	}
	return nil
}

func writeKeyReport(w io.Writer, r keyReport) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "file\t%s\n", r.Kind)
	if !r.Sound {
		fmt.Fprintf(table, "private key\t%s\n", r.State)
		return table.Flush()
	}
	fmt.Fprintln(table, "private key\tsound")
	form := duo.FormOther
	if r.Form != nil {
		form = *r.Form
	}
	fmt.Fprintf(table, "written in\t%s\n", describeForm(form))
	fmt.Fprintf(table, "a board reads it\t%s\n", describeReadable(*r.Readable))
	fmt.Fprintf(table, "fingerprint\t%s\n", *r.Fingerprint)
	if r.PublicFits != nil {
		fmt.Fprintf(table, "fits the public key\t%s\n", yesNo(*r.PublicFits))
	}
	return table.Flush()
}

func describeReadable(readable bool) string {
	if readable {
		return "yes"
	}
	return "no: convert it with --to fixed before it is written"
}
