package job

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"duogateway/secret"
)

// RecordInfo tells about a key record without its secrets.
type RecordInfo struct {
	ID          string `json:"id"`          // by content: the same state of the same board has the same id
	DeviceID    string `json:"device_id"`   // empty: unidentified
	KeyState    string `json:"key_state"`   // as diagnosed: valid, erased, ...
	Fingerprint string `json:"fingerprint"` // SHA-256 of the SPKI of the private key, hex; empty when there is none
	Bootloader  int    `json:"bootloader"`
	Job         string `json:"job"`
	Bay         string `json:"bay"`
	Presence    uint64 `json:"presence"`
	Stored      Stamp  `json:"stored"`
	OfferedAt   *Stamp `json:"offered_at"` // sent to the cloud
	ProvenAt    *Stamp `json:"proven_at"`  // the board was online with it
}

// Sound tells whether the record holds a private key that can be used.
func (r RecordInfo) Sound() bool { return r.Fingerprint != "" }

// KeyRecord is one saved state of a board's key area.
type KeyRecord struct {
	Info RecordInfo

	// Raw is the board's flash from 0x08004000 to 0x0800FFFF: both DCT sectors
	// of every bootloader generation. It is empty when only a key is known.
	Raw secret.Bytes

	// Block is the key area itself, application DCT offsets 34 to 2593, of the
	// copy that was current. It is empty when no copy was sound.
	Block secret.Bytes
}

// ContentID names a record by what it holds: the same state of the same board
// always has the same id.
func (r KeyRecord) ContentID() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%d\n%d\n", r.Info.DeviceID, r.Raw.Len(), r.Block.Len())
	h.Write(r.Raw.Reveal())
	h.Write(r.Block.Reveal())
	return hex.EncodeToString(h.Sum(nil)[:16])
}
