package signature

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"duogateway/job"
)

// Policy says what is taken from whom.
type Policy struct {
	Station string // whose requests are read
	Keys    []Key

	// Unsigned are the kinds of jobs that need no signature: see
	// [DefaultUnsigned].
	Unsigned []job.Kind
}

// Key is a key that signs requests.
type Key struct {
	ID     string
	Public ed25519.PublicKey
	Kinds  []job.Kind // that it may ask for; All for every one
	Bays   []string   // empty means every bay
}

// All stands for every kind but those that nobody may ask for from afar.
const All job.Kind = "*"

// DefaultUnsigned are the kinds that only look at a board.
func DefaultUnsigned() []job.Kind { return []job.Kind{job.Diagnose, job.Backup} }

// never are the kinds that no signature allows: they bring a private key out of
// the station. // P4
var never = []job.Kind{"save-key"}

// Check finds what is wrong with a policy, all of it.
func (p Policy) Check() error {
	var wrong []error
	if !job.ValidName(p.Station) {
		wrong = append(wrong, fmt.Errorf("station %q: want 1 to 64 of A-Z a-z 0-9 . _ -", p.Station))
	}
	for i, key := range p.Keys {
		if slices.ContainsFunc(p.Keys[:i], func(other Key) bool { return other.ID == key.ID }) {
			wrong = append(wrong, fmt.Errorf("key %q: two keys have this id", key.ID))
		}
		wrong = append(wrong, key.check())
	}
	for _, kind := range p.Unsigned {
		if err := checkKind(kind); err != nil || kind == All {
			wrong = append(wrong, fmt.Errorf("without a signature: kind %q cannot be allowed", kind))
		}
	}
	return errors.Join(wrong...)
}

func (k Key) check() error {
	var wrong []error
	complain := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("key %q: "+format, append([]any{k.ID}, args...)...))
	}
	if !job.ValidName(k.ID) {
		complain("want an id of 1 to 64 of A-Z a-z 0-9 . _ -")
	}
	if len(k.Public) != ed25519.PublicKeySize {
		complain("want an Ed25519 public key")
	}
	if len(k.Kinds) == 0 {
		complain("want the kinds of jobs that it may ask for, or %q", All)
	}
	for _, kind := range k.Kinds {
		if err := checkKind(kind); err != nil {
			complain("%w", err)
		}
	}
	for _, bay := range k.Bays {
		if !job.ValidName(bay) {
			complain("bay %q: want the name of a bay", bay)
		}
	}
	return errors.Join(wrong...)
}

func checkKind(kind job.Kind) error {
	switch {
	case slices.Contains(never, kind):
		return fmt.Errorf("kind %q is never taken from afar", kind)
	case kind != All && !kind.Known():
		return fmt.Errorf("kind %q: want one of %v", kind, job.Kinds())
	}
	return nil
}

// Remote tells whether a kind can be asked for from afar at all, and whether it
// can without a signature.
func (p Policy) Remote(kind job.Kind) (remote, unsigned bool) {
	unsigned = slices.Contains(p.Unsigned, kind)
	signed := slices.ContainsFunc(p.Keys, func(k Key) bool { return k.allowsKind(kind) })
	return unsigned || signed, unsigned
}

// Read reads a request as it came, signed or not. The id of the key is empty for
// one that is not signed. Errors have the codes of [job.ReadRequest],
// BadSignature and NotAllowed. With BadSignature the request holds nothing but
// the id that it names, for whoever answers: nobody knows who sent it, so
// nothing must be remembered under that id.
func (p Policy) Read(text []byte) (r job.Request, keyID string, err error) {
	if len(text) > job.LargestRequest {
		return r, "", job.Failf(job.TooLarge, "reading the request: it has %d bytes, the limit is %d", len(text), job.LargestRequest)
	}
	if bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
		r, err = job.ReadRequest(text)
		if err == nil && !slices.Contains(p.Unsigned, r.Kind) {
			err = job.Failf(job.NotAllowed, "a %s must be signed", r.Kind)
		}
		return r, "", err
	}
	return p.readSigned(string(bytes.TrimSpace(text)))
}

func (p Policy) readSigned(text string) (r job.Request, keyID string, err error) {
	key, claimed, err := p.verify(text)
	if err != nil {
		r, _ = job.ReadRequest(claimed)
		return job.Request{ID: r.ID, Source: r.Source}, "", job.Failf(job.BadSignature, "checking the signature: %w", err)
	}
	if r, err = job.ReadRequest(claimed); err != nil {
		return r, key.ID, err
	}
	if to, err := audience(r); err != nil || to != p.Station {
		return r, key.ID, job.Failf(job.NotAllowed, "the request is for station %q, this is %q", to, p.Station)
	}
	if err := key.allows(r); err != nil {
		return r, key.ID, err
	}
	return r, key.ID, nil
}

// audience is the station that a signed request is for.
func audience(r job.Request) (station string, err error) {
	err = json.Unmarshal(r.Extra[audienceName], &station)
	return station, err
}

// allows tells whether a key may ask for that.
func (k Key) allows(r job.Request) error {
	if !k.allowsKind(r.Kind) {
		return job.Failf(job.NotAllowed, "key %q may not ask for a %s", k.ID, r.Kind)
	}
	if len(k.Bays) > 0 && !slices.Contains(k.Bays, r.Bay) {
		return job.Failf(job.NotAllowed, "key %q may not ask for anything on bay %q", k.ID, r.Bay)
	}
	return nil
}

func (k Key) allowsKind(kind job.Kind) bool {
	if slices.Contains(never, kind) {
		return false
	}
	return slices.Contains(k.Kinds, kind) || slices.Contains(k.Kinds, All)
}
