package job

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// Kind is what a job does.
type Kind string

// The kinds that this station knows.
const (
	Diagnose Kind = "diagnose" // look, back up, tell; write nothing
	Backup   Kind = "backup"   // store the board's keys; write nothing
	Restore  Kind = "restore"  // write a saved key back, also over a sound one
	Repair   Kind = "repair"   // find out what is wrong and mend it

	Regenerate Kind = "regenerate"  // let the board make a new key
	ServerKey  Kind = "server-key"  // write the cloud's public key and address
	FactoryDCT Kind = "factory-dct" // write a factory DCT with what is the board's own in it
	Flash      Kind = "flash"       // write firmware
)

// Kinds lists all kinds, in the order in which help texts show them.
func Kinds() []Kind {
	return []Kind{Diagnose, Backup, Repair, Restore, Regenerate, ServerKey, FactoryDCT, Flash}
}

// Known tells whether the station knows this kind.
func (k Kind) Known() bool { return slices.Contains(Kinds(), k) }

// Source is who asked for a job.
type Source string

// Where requests come from.
const (
	FromCommand Source = "command" // the local socket
	FromButton  Source = "button"  // a technician's button
	FromMQTT    Source = "mqtt"    // remote operations
	FromPlug    Source = "on-plug" // a board that was plugged in
)

// Request asks for one job.
type Request struct {
	ID      string  `json:"id"` // the station makes one when it is empty
	Kind    Kind    `json:"kind"`
	Bay     string  `json:"bay"`
	Source  Source  `json:"source"`
	Options Options `json:"options,omitzero"`

	// NotAfter is until when the station may take the request in. One that
	// comes from elsewhere must have it.
	NotAfter *time.Time `json:"not_after,omitempty"`

	// Extra is what a request from elsewhere says beyond that, by name. The
	// station does not read it; it keeps it and gives it back.
	Extra map[string]json.RawMessage `json:"extra,omitempty"`
}

// LargestExtra bounds Extra, in bytes of JSON: it is journalled and told again
// with each state of the job.
const LargestExtra = 4096

// Options are the choices that some kinds take.
type Options struct {
	// Record is the key record that a restore writes; empty means the best
	// one of the board. A factory-dct takes the whole DCT of it in place of the
	// factory's.
	Record string `json:"record,omitempty"`

	// DeviceID is the board's id as stated by the operator, 24 hex digits. It
	// is used only for boards that cannot tell their own, and it is audited.
	DeviceID string `json:"device_id,omitempty"`

	// ServerKey, ServerHost and ServerPort are what a server-key job writes in
	// place of Particle's: the SPKI of an RSA key of 2048 bits in base64, a
	// host name or IPv4 address, and a port.
	ServerKey  string `json:"server_key,omitempty"`
	ServerHost string `json:"server_host,omitempty"`
	ServerPort uint16 `json:"server_port,omitempty"`

	// Raw allows a job to write the DCT sectors themselves where the bootloader
	// cannot: its system firmware is missing or damaged.
	Raw bool `json:"raw,omitempty"`

	// Forget names what a factory-dct does not carry over: see ForgetKeys and
	// its like.
	Forget []string `json:"forget,omitempty"`

	// Images are the firmware that a flash writes.
	Images []Image `json:"images,omitempty"`
}

// What a factory-dct can be told not to carry over.
const (
	ForgetKeys    = "keys"    // the board makes new ones
	ForgetWiFi    = "wifi"    // networks and passwords
	ForgetClaim   = "claim"   // claim code and claimed mark
	ForgetModules = "modules" // the table of the factory image and of pending copies
)

// Image is a firmware image that the station has.
type Image struct {
	SHA256 string `json:"sha256"` // of the whole file, lower-case hex

	// Place is where it goes: empty for a module that says so itself, else
	// factory or wifi.
	Place Place `json:"place,omitempty"`
}

// Place is a region of serial flash.
type Place string

// The places that an image does not name itself.
const (
	Factory Place = "factory" // the user application that a factory reset restores
	WiFi    Place = "wifi"    // the firmware of the Wi-Fi chip
)

// Valid tells whether the place is one that there is, or empty.
func (p Place) Valid() bool { return p == "" || p == Factory || p == WiFi }

func (r Request) checkForget() error {
	if r.Kind != FactoryDCT && len(r.Options.Forget) > 0 {
		return Failf(BadRequest, "option forget: only a factory-dct takes it, not a %s", r.Kind)
	}
	for _, what := range r.Options.Forget {
		if !slices.Contains([]string{ForgetKeys, ForgetWiFi, ForgetClaim, ForgetModules}, what) {
			return Failf(BadRequest, "option forget: %q: want keys, wifi, claim or modules", what)
		}
	}
	return nil
}

// checkImages refuses images on any kind but a flash, and a flash without any.
func (r Request) checkImages() error {
	if r.Kind != Flash && len(r.Options.Images) > 0 {
		return Failf(BadRequest, "option images: only a flash takes them, not a %s", r.Kind)
	}
	if r.Kind == Flash && len(r.Options.Images) == 0 {
		return Failf(BadRequest, "a flash needs at least one image")
	}
	for _, image := range r.Options.Images {
		if !image.Place.Valid() {
			return Failf(BadRequest, "image %.16s: place %q: want %s, %s or none", image.SHA256, image.Place, Factory, WiFi)
		}
	}
	return nil
}

// namesServer tells whether the options name another server than Particle's.
func (o Options) namesServer() bool {
	return o.ServerKey != "" || o.ServerHost != "" || o.ServerPort != 0
}

// CheckForm refuses a request that no journal could keep, whatever it asks for.
func (r Request) CheckForm() error {
	switch {
	case !ValidID(r.ID):
		return Failf(BadRequest, "id: want the id of a job")
	case !ValidName(string(r.Kind)):
		return Failf(BadRequest, "kind: want the name of a kind")
	case !ValidName(r.Bay):
		return Failf(BadRequest, "bay: want the name of a bay")
	}
	return r.checkExtra()
}

// Check refuses a request that no station could carry out.
func (r Request) Check() error {
	switch {
	case !ValidID(r.ID):
		return Failf(BadRequest, "job id %q: want 1 to 64 of A-Z a-z 0-9 . _ -, and neither %v", r.ID, reservedIDs)
	case !r.Kind.Known():
		return Failf(UnknownKind, "job kind %q: want one of %v", r.Kind, Kinds())
	case !ValidName(r.Bay):
		return Failf(UnknownBay, "bay name %q: want 1 to 64 of A-Z a-z 0-9 . _ -", r.Bay)
	case r.Options.Record != "" && r.Kind != Restore && r.Kind != FactoryDCT:
		return Failf(BadRequest, "option record: only a restore and a factory-dct take it, not a %s", r.Kind)
	case r.Options.namesServer() && r.Kind != ServerKey:
		return Failf(BadRequest, "options server_key, server_host, server_port: only a server-key takes them, not a %s", r.Kind)
	}
	return errors.Join(r.checkForget(), r.checkImages(), r.checkExtra())
}

func (r Request) checkExtra() error {
	text, err := json.Marshal(r.Extra)
	if err != nil || len(text) > LargestExtra {
		return Failf(BadRequest, "what the request holds beyond what a station knows: want JSON of at most %d bytes", LargestExtra)
	}
	return nil
}

// Same tells whether two requests under one id ask for the same thing.
func (r Request) Same(other Request) bool {
	mine := r.Digest()
	return mine != "" && mine == other.Digest()
}

// Digest is the SHA-256 of all that the request asks for, in hex: of the whole
// request but its id and who sent it. It is taken of the JSON form, as the
// journal makes no difference between an empty list and none. It is empty for a
// request whose Extra is no JSON.
func (r Request) Digest() string {
	asked := struct {
		Request
		Options  Options `json:"options"`             // also without any
		NotAfter string  `json:"not_after,omitempty"` // in one form: a moment has several
	}{Request: r, Options: r.Options}
	asked.ID, asked.Source = "", ""
	if r.NotAfter != nil {
		asked.NotAfter = r.NotAfter.UTC().Format(time.RFC3339Nano)
	}
	text, err := json.Marshal(asked)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
