package main

import (
	"fmt"

	"duogateway/duo"
	"duogateway/secret"
)

// keyFileFlags name a file with the private key of a board.
type keyFileFlags struct {
	File string `arg:"" help:"A key file (PKCS#1 or PKCS#8, DER or PEM), a dump of a board's key field, or any dump of its DCT."`
	dumpFlags
}

// boardKey is what a file tells of a board's private key. It holds secrets.
type boardKey struct {
	file []byte
	// kind is what sort of file it is, in words.
	kind string
	// field is what the firmware would read as private key.
	field secret.Bytes
	// public is the board's public key field, nil when the file has none.
	public []byte
	// sectors are the copies of a DCT, if the file is a dump of them.
	sectors duo.Sectors
}

// open reads the file and finds the key in it.
func (f keyFileFlags) open() (boardKey, error) {
	file, err := readFile(f.File, duo.LargestDump)
	if err != nil {
		return boardKey{}, err
	}
	key, err := f.find(file)
	if err != nil {
		return boardKey{}, fmt.Errorf("%s: %w", f.File, err)
	}
	key.file = file
	return key, nil
}

// clear wipes the file.
func (k boardKey) clear() {
	clear(k.file)
	k.field.Clear()
}

// find recognises a key file by its wrapping, the key field of a board by its
// size or its first bytes, and a dump otherwise.
func (f keyFileFlags) find(file []byte) (boardKey, error) {
	unwrapped, err := duo.UnwrapKeyFile(file)
	switch {
	case err != nil:
		return boardKey{}, err
	case unwrapped.PEM || unwrapped.PKCS8:
		return boardKey{kind: wrappingName(unwrapped), field: unwrapped.PKCS1}, nil
	case len(file) == 0:
		return boardKey{}, fmt.Errorf("%w: it is empty", duo.ErrKeyFile)
	case len(file) <= duo.PrivateKeyReserved && f.Offset == nil:
		return boardKey{kind: fieldName(file), field: secret.Of(file)}, nil
	}
	start := f.start()
	if f.Offset == nil && (beginsLikeKey(file) || len(file) == duo.BlockLen) {
		start = duo.PrivateKeyOffset
	}
	dump, err := duo.ParseDump(file, start)
	if err != nil {
		return boardKey{}, err
	}
	keys, err := duo.KeysFromDump(dump, f.engine())
	if err != nil && len(dump.Sectors) == 0 {
		return boardKey{}, err
	}
	// Sectors without a current copy still have something to salvage.
	return boardKey{kind: dumpName(dump), field: keys.Private, public: keys.Public, sectors: dump.Sectors}, nil
}

// beginsLikeKey says whether a file begins with the header of a private key.
func beginsLikeKey(file []byte) bool { return len(file) > 2 && file[0] == 0x30 && file[1] == 0x82 }

func wrappingName(file duo.KeyFile) string {
	name, text := "PKCS#1", "DER"
	if file.PKCS8 {
		name = "PKCS#8"
	}
	if file.PEM {
		text = "PEM"
	}
	return name + ", " + text
}

func fieldName(file []byte) string {
	if beginsLikeKey(file) && len(file) < duo.PrivateKeyStored {
		return "PKCS#1, DER"
	}
	return "key field of a board"
}

func dumpName(dump duo.Dump) string {
	if len(dump.Sectors) > 0 {
		return "dump of DCT sectors"
	}
	return "dump of alternate setting 1"
}

// salvage rebuilds a damaged key, with the help of a public key that may be nil.
// A sound key stays as it is.
func (k boardKey) salvage(engine duo.Engine, public []byte) (*duo.PrivateKey, error) {
	if key, _, err := duo.ReadPrivateKey(k.field.Reveal()); err == nil {
		return key, nil
	}
	if len(k.sectors) > 0 {
		return k.sectors.Salvage(engine, public)
	}
	return duo.Salvage(k.field.Reveal(), public, k.public)
}

// readPublic reads the public key of a board, nil without a name.
func readPublic(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	file, err := readFile(name, duo.LargestDump)
	if err != nil {
		return nil, err
	}
	spki, err := duo.ImportPublicKey(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return spki, nil
}
