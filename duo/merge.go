package duo

import (
	"bytes"
	"errors"
	"fmt"

	"duogateway/secret"
)

// ErrOtherBoard is returned for a dump that names another board than the one
// that it would be written to.
var ErrOtherBoard = errors.New("the dump is of another board")

// Carry says what MergeDCT takes over from the board's own DCT. The zero value
// takes over all that makes the board itself.
type Carry struct {
	// Board is the id of the board that is written, empty when it is not known.
	Board DeviceID
	// What is not to be carried over: the keys of the board; the Wi-Fi networks
	// and passwords; claim code and claimed mark; the table of modules that the
	// bootloader restores or copies.
	DropKeys, DropWiFi, DropClaim, DropFlashModules bool
	// System is the version of part 2 that the DCT is for. It decides whether
	// the Wi-Fi settings have an enterprise part. 0: the newest.
	System uint16
}

// MergeDCT returns base, such as FactorySector or a published image, with what
// is a board's own taken over from donor, that board's current copy. Header and
// version block are those of base: PlanRaw or ComposeSector makes right ones.
//
// A device id is never taken over from another board: the one of donor only if
// it is that of carry.Board, else the field is erased, and the firmware from
// 0.3.0 on writes it anew. A donor that names another board than carry.Board
// is refused with ErrOtherBoard, for its keys would be foreign too.
func MergeDCT(base, donor Sector, carry Carry) (Sector, error) {
	if base.Len() != SectorSize || donor.Len() != SectorSize {
		return Sector{}, fmt.Errorf("%w: two whole sectors are needed", ErrCompose)
	}
	named, hasName := donor.Area().DeviceID()
	if hasName && carry.Board != "" && named != carry.Board {
		return Sector{}, fmt.Errorf("%w: it names %s, the board is %s", ErrOtherBoard, named, carry.Board)
	}
	raw := bytes.Clone(base.Reveal())
	for _, span := range carry.spans() {
		copy(raw[span.from:span.to], donor.Reveal()[span.from:span.to])
	}
	id := raw[AreaStart+DeviceIDOffset : AreaStart+DeviceIDOffset+DeviceIDLen]
	fillBytes(id, 0xFF)
	if hasName && named == carry.Board {
		copy(id, donor.Reveal()[AreaStart+DeviceIDOffset:])
	}
	return Sector{secret.Of(raw)}, nil
}

// span is a range of bytes in a sector.
type span struct{ from, to int }

// spans returns what is taken over, without the device id.
func (c Carry) spans() []span {
	wanted := map[string]bool{
		"device_private_key": !c.DropKeys, "device_public_key": !c.DropKeys,
		"alt_device_private_key": !c.DropKeys, "alt_device_public_key": !c.DropKeys,
		"claim_code": !c.DropClaim, "claimed": !c.DropClaim,
		"flash_modules": !c.DropFlashModules,
		"country_code":  !c.DropWiFi, "eap_config": !c.DropWiFi,
	}
	var spans []span
	for _, f := range Fields(c.System) {
		if wanted[f.Name] {
			spans = append(spans, span{AreaStart + f.Offset, AreaStart + f.Offset + f.Size})
		}
	}
	if !c.DropWiFi {
		spans = append(spans, span{WiFiConfigOffset, WiFiConfigOffset + WiFiConfigLen})
	}
	return spans
}
