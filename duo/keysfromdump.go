package duo

import (
	"bytes"
	"fmt"

	"duogateway/secret"
)

// KeyFields are the key fields of a dump, and nothing that lies around them.
type KeyFields struct {
	// Private is what the firmware reads as private key: PrivateKeyStored bytes.
	Private secret.Bytes
	// Public is the public key field, nil when the dump does not reach it.
	Public []byte
}

// KeysFromDump slices the key fields out of a dump. Among others it takes the
// "backup" of 16350 bytes that dfu-util makes of alternate setting 1 from the
// private key to the end: writing that file back as it is runs beyond the DCT
// and can brick a board. engine may be EngineUnknown. The bytes are copied.
//
// The error wraps ErrDump when the dump has no current copy, does not hold the
// private key, or is all zeros: that is what a board without system parts
// answers, whatever its keys are.
func KeysFromDump(dump Dump, engine Engine) (KeyFields, error) {
	area := dump.Area
	if len(dump.Sectors) > 0 {
		current, ok := dump.Sectors.CurrentArea(engine)
		if !ok {
			return KeyFields{}, fmt.Errorf("%w: none of its copies is the current one", ErrDump)
		}
		area = current
	}
	if area.Len() > PrivateKeyStored && allBytes(area.Reveal(), 0) {
		return KeyFields{}, fmt.Errorf("%w: nothing but zeros, so the board's DCT was not reachable", ErrDump)
	}
	private, ok := area.Field(PrivateKeyOffset, PrivateKeyStored)
	if !ok {
		return KeyFields{}, fmt.Errorf("%w: the private key is not in it", ErrDump)
	}
	keys := KeyFields{Private: secret.Of(bytes.Clone(private))}
	if public, ok := area.Field(PublicKeyOffset, PublicKeyReserved); ok {
		keys.Public = bytes.Clone(public)
	}
	return keys, nil
}
