package opinions_test

import (
	"bytes"
	"os/exec"
	"testing"

	"duogateway/duo"
	virtualduo "duogateway/virtual/duo"
)

// minimalKey has openssl make a key in minimal DER.
func minimalKey(t *testing.T) []byte {
	t.Helper()
	pem, err := exec.Command("openssl", "genrsa", "-traditional", "1024").Output()
	if err != nil {
		t.Fatalf("making a key with openssl: %v", err)
	}
	convert := exec.Command("openssl", "rsa", "-traditional", "-outform", "DER")
	convert.Stdin = bytes.NewReader(pem)
	der, err := convert.Output()
	if err != nil {
		t.Fatalf("converting a key with openssl: %v", err)
	}
	return der
}

// Both agree on which keys a firmware reads: of openssl, of Go, whose keys in
// minimal DER are misread more often, and in the fixed form of a board.
func TestBothReadTheSameKeys(t *testing.T) {
	board := virtualduo.New(virtualduo.Config{Seed: 1})
	defer board.Close()
	for range 20 {
		compareKeys(t, board, minimalKey(t))
	}
	for range 150 {
		key, err := duo.NewPrivateKey()
		if err != nil {
			t.Fatal(err)
		}
		compareKeys(t, board, key.Minimal().Reveal())
	}
}

func compareKeys(t *testing.T, board *virtualduo.Board, minimal []byte) {
	t.Helper()
	key, _, err := duo.ReadPrivateKey(minimal)
	if err != nil {
		t.Fatal(err)
	}
	compareKey(t, board, key, minimal)
	if !compareKey(t, board, key, key.Fixed().Reveal()) {
		t.Error("the firmware does not read the fixed form")
	}
}

func compareKey(t *testing.T, board *virtualduo.Board, key *duo.PrivateKey, der []byte) (readable bool) {
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
