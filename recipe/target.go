package recipe

import (
	"errors"

	"duogateway/duo"
	"duogateway/job"
)

// decision says what will be written. It names the parts by where they come
// from, so that a resumed job can put the same bytes together again.
type decision struct {
	Write             bool   `json:"write"`
	Record            string `json:"record"`             // the private key is that of this record
	RecordFingerprint string `json:"record_fingerprint"` // its fingerprint
	OwnKey            bool   `json:"own_key"`            // the private key is the board's own, in the form that its firmware reads
	Salvage           bool   `json:"salvage"`            // the private key is the board's own, put together again from what is left of it
	Previous          bool   `json:"previous"`           // the private key is the one in the other copy of the board's DCT
	Block             string `json:"block"`              // the whole key area is that of this record
	EraseKey          bool   `json:"erase_key"`          // the private key is erased, so that the board makes a new one
	ServerKey         bool   `json:"server_key"`         // the cloud's key is written, see serverOf
	ServerAddress     bool   `json:"server_address"`     // the cloud's address is written
	Why               string `json:"why"`
}

// target puts the block together that the decision means: a copy of the board's
// own block with nothing changed but what has to be. The caller clears it.
func (v *visit) target() (duo.Block, error) {
	d, err := v.original()
	if err != nil {
		return duo.Block{}, err
	}
	chosen := v.memory.Decision
	if chosen.Block != "" {
		return v.recordBlock(chosen.Block)
	}
	block, err := duo.NewBlock(d.block.Reveal())
	if err != nil {
		return duo.Block{}, job.Failf(job.DCTUnreadable, "composing the key area: %w", err)
	}
	key, err := v.chosenKey(chosen, d)
	if err != nil {
		return duo.Block{}, err
	}
	if key != nil {
		block = block.WithKey(key)
		key.Clear()
	}
	if chosen.EraseKey {
		block = block.WithErasedKey()
	}
	return v.withServer(block, chosen)
}

// withServer writes the cloud's key and address where that is decided: those
// that the job names, else Particle's.
func (v *visit) withServer(block duo.Block, chosen decision) (duo.Block, error) {
	cloud, err := serverOf(v.job.Options)
	if err == nil && chosen.ServerKey {
		block, err = block.WithServerKey(cloud.key)
	}
	if err == nil && chosen.ServerAddress {
		block, err = block.WithServerAddress(cloud.host, cloud.port)
	}
	if err != nil {
		return duo.Block{}, job.Failf(job.BadRequest, "the server key and address: %w", err)
	}
	return block, nil
}

// chosenKey is nil when the private key stays as it is.
func (v *visit) chosenKey(chosen decision, d *dump) (*duo.PrivateKey, error) {
	switch {
	case chosen.Record != "":
		return v.recordKey(chosen.Record)
	case chosen.OwnKey:
		key, _, err := duo.ReadPrivateKey(d.block.PrivateKey().Reveal())
		return key, err
	case chosen.Salvage:
		return d.sectors.Salvage(d.engine)
	case chosen.Previous:
		return d.previousKey()
	}
	return nil, nil
}

// previousKey is the key in the copy of the DCT that is not current.
func (d *dump) previousKey() (*duo.PrivateKey, error) {
	area, ok := d.sectors.Other(d.engine)
	if !ok {
		return nil, errNoKey
	}
	field, ok := area.Field(duo.PrivateKeyOffset, duo.PrivateKeyStored)
	if !ok {
		return nil, errNoKey
	}
	key, _, err := duo.ReadPrivateKey(field)
	return key, err
}

var errNoKey = errors.New("it holds no sound private key")

func (v *visit) recordKey(id string) (*duo.PrivateKey, error) {
	record, err := v.book.Records.Record(id)
	if err != nil {
		return nil, err
	}
	defer record.Raw.Clear()
	defer record.Block.Clear()
	block, err := duo.NewBlock(record.Block.Reveal())
	if err != nil {
		return nil, job.Failf(job.NoSoundRecord, "record %s: %w", id, errNoKey)
	}
	key, _, err := duo.ReadPrivateKey(block.PrivateKey().Reveal())
	if err != nil {
		return nil, job.Failf(job.NoSoundRecord, "record %s: %w", id, errNoKey)
	}
	return key, nil
}

// mendServer decides on the server key and address: a sound one stays, also
// when it is not Particle's, for it may be meant.
func (v *visit) mendServer() {
	v.memory.Decision.ServerKey = !v.memory.Found.serverKeySound()
	v.memory.Decision.ServerAddress = !v.memory.Found.addressSound()
}
