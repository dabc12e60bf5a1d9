package opinions_test

import (
	"bytes"
	"encoding/pem"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"duogateway/duo"
	virtualduo "duogateway/virtual/duo"
)

// keyCount returns how many keys of each maker are tried: DUOGATEWAY_KEYS, or
// a number that takes some seconds.
func keyCount(t *testing.T) int {
	t.Helper()
	text := os.Getenv("DUOGATEWAY_KEYS")
	if text == "" {
		return 200
	}
	count, err := strconv.Atoi(text)
	if err != nil || count < 1 {
		t.Fatalf("DUOGATEWAY_KEYS=%s: want a number of keys", text)
	}
	return count
}

// opensslKey has openssl make a key in minimal DER.
func opensslKey(t *testing.T) []byte {
	t.Helper()
	text, err := exec.Command("openssl", "genrsa", "-traditional", "1024").Output()
	if err != nil {
		t.Fatalf("making a key with openssl: %v", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatal("openssl wrote no PEM")
	}
	return block.Bytes
}

func goKey(t *testing.T) []byte {
	t.Helper()
	key, err := duo.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key.Minimal().Reveal()
}

// Every key that the station writes is read by the firmware as the same key,
// whoever made it; and both agree on which keys it would misread if they were
// written as their makers write them.
func TestTheBoardReadsWhatTheStationWrites(t *testing.T) {
	count := keyCount(t)
	for _, maker := range []struct {
		name string
		make func(*testing.T) []byte
	}{{"openssl", opensslKey}, {"Go", goKey}} {
		t.Run(maker.name, func(t *testing.T) {
			t.Parallel()
			board := virtualduo.New(virtualduo.Config{Seed: 1})
			defer board.Close()
			misread := 0
			for range count {
				minimal := maker.make(t)
				key, _, err := duo.ReadPrivateKey(minimal)
				if err != nil {
					t.Fatal(err)
				}
				if !asItIs(t, board, key, minimal) {
					misread++
				}
				asWritten(t, board, key)
			}
			t.Logf("%d keys are read; of their makers' own form %d would be misread", count, misread)
		})
	}
}

// asWritten writes a key as a repair does, into the repair block.
func asWritten(t *testing.T, board *virtualduo.Board, key *duo.PrivateKey) {
	t.Helper()
	content := board.ApplicationDCT()
	before, err := duo.NewBlock(content[duo.BlockOffset : duo.BlockOffset+duo.BlockLen])
	if err != nil {
		t.Fatal(err)
	}
	block := before.WithKey(key)
	if err := board.WriteDCT(duo.BlockOffset, block.Reveal()); err != nil {
		t.Fatal(err)
	}
	if got := board.FirmwareFingerprint(); got != key.Fingerprint() {
		t.Errorf("the firmware reads %q instead of %s", got, key.Fingerprint())
	}
	if !bytes.Equal(board.ApplicationDCT()[duo.PublicKeyOffset:duo.PublicKeyOffset+duo.SPKILen], key.SPKI()) {
		t.Error("the public key is not there")
	}
}

// asItIs puts der into the key field as it is, and says whether the firmware
// reads it.
func asItIs(t *testing.T, board *virtualduo.Board, key *duo.PrivateKey, der []byte) (readable bool) {
	t.Helper()
	field := make([]byte, duo.PrivateKeyStored)
	copy(field, der)
	if err := board.InstallKey(field); err != nil {
		t.Fatal(err)
	}
	readable = duo.ReadableByFirmware(field, key)
	if reads := board.FirmwareFingerprint() == key.Fingerprint(); reads != readable {
		t.Errorf("%d bytes: duo says that the firmware reads them: %v, the board: %v", len(der), readable, reads)
	}
	return readable
}
