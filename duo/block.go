package duo

import (
	"bytes"
	"fmt"

	"duogateway/secret"
)

// The repair block: private key, public key, server key and server address
// lie close enough to be written as one DFU block, which the new engine makes
// one atomic change.
const (
	BlockOffset = PrivateKeyOffset
	BlockLen    = ServerAddressOffset + ServerAddressReserved - BlockOffset
)

// Block is the content of offsets 34 to 2593 of the application DCT. It is
// never changed in place: each With method returns a changed copy that leaves
// every other byte as it is.
type Block struct{ secret.Bytes }

// NewBlock copies exactly BlockLen bytes.
func NewBlock(raw []byte) (Block, error) {
	if len(raw) != BlockLen {
		return Block{}, fmt.Errorf("a repair block has %d bytes, not %d", BlockLen, len(raw))
	}
	return Block{secret.Of(bytes.Clone(raw))}, nil
}

// Area returns the block as a part of the application DCT.
func (b Block) Area() Area { return Area{Bytes: b.Bytes, Start: BlockOffset} }

// PrivateKey returns the 612 bytes that the firmware reads as private key.
func (b Block) PrivateKey() secret.Bytes {
	return secret.Of(b.field(PrivateKeyOffset, PrivateKeyStored))
}

// PublicKey returns the 384 bytes of the public key field.
func (b Block) PublicKey() []byte { return b.field(PublicKeyOffset, PublicKeyReserved) }

// ServerKey returns the 384 bytes of the server key field.
func (b Block) ServerKey() []byte { return b.field(ServerKeyOffset, ServerKeyReserved) }

// ServerAddress returns the 128 bytes of the server address field.
func (b Block) ServerAddress() []byte { return b.field(ServerAddressOffset, ServerAddressReserved) }

// WithKey returns a block with key as private key, in the fixed form, and its
// public key. The byte behind the 611 of the fixed form and the rest of the
// reserve stay, as they do when a board makes a key itself.
func (b Block) WithKey(key *PrivateKey) Block {
	public := make([]byte, PublicKeyReserved)
	copy(public, key.SPKI())
	return b.with(PrivateKeyOffset, key.Fixed().Reveal()).with(PublicKeyOffset, public)
}

// WithServerKey returns a block with the server key spki, filled up with FF.
// It refuses what a board would not take as a server key.
func (b Block) WithServerKey(spki []byte) (Block, error) {
	if len(spki) != ServerKeyLen || !isServerKey(spki) {
		return Block{}, ErrServerKey
	}
	field := bytes.Repeat([]byte{0xFF}, ServerKeyReserved)
	copy(field, spki)
	return b.with(ServerKeyOffset, field), nil
}

// WithServerAddress returns a block with that server address. Port 0 means
// the default port. The errors are those of EncodeServerAddress.
func (b Block) WithServerAddress(host string, port uint16) (Block, error) {
	field, err := EncodeServerAddress(host, port)
	if err != nil {
		return Block{}, err
	}
	return b.with(ServerAddressOffset, field), nil
}

// WithErasedKey returns a block that makes the firmware generate a new key at
// its next start: the reset blob in place of the private key.
func (b Block) WithErasedKey() Block { return b.with(PrivateKeyOffset, ResetBlob()) }

// ResetBlob returns the 1216 bytes FF FF FF FF 00 00 ... that, written at
// offset 34, make a board generate a new key: the firmware looks at the first
// byte alone. They equal redbear/Duo firmware/dct/reset_device_private_key.bin.
func ResetBlob() []byte {
	blob := make([]byte, PrivateKeyReserved)
	copy(blob, []byte{0xFF, 0xFF, 0xFF, 0xFF})
	return blob
}

// field returns a field of the block; a zero Block has only empty fields.
func (b Block) field(offset, length int) []byte {
	field, _ := b.Area().Field(offset, length)
	return field
}

// with returns a copy of the block with data at an offset of the area.
func (b Block) with(offset int, data []byte) Block {
	changed := make([]byte, BlockLen)
	copy(changed, b.Reveal())
	copy(changed[offset-BlockOffset:], data)
	return Block{secret.Of(changed)}
}
