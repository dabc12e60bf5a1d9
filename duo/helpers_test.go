package duo

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"duogateway/secret"
)

// testdata reads a file that the maker of the Duo published, or an image that
// the vendor's compiled DCT code made from it.
func testdata(t *testing.T, name string) []byte {
	t.Helper()
	folder := os.Getenv("DUOGATEWAY_TESTDATA")
	if folder == "" {
		t.Skip("DUOGATEWAY_TESTDATA does not name the folder of the vendor's published files")
	}
	content, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// openssl runs openssl with input and returns its output.
func openssl(t *testing.T, input []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("openssl", args...)
	cmd.Stdin = bytes.NewReader(input)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, complaint.String())
	}
	return out.Bytes()
}

func newKey(t testing.TB) *PrivateKey {
	t.Helper()
	key, err := NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// keyOf computes a key from its primes, independently of crypto/rsa.
func keyOf(p, q *big.Int) *PrivateKey {
	one := big.NewInt(1)
	pm, qm := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	phi := new(big.Int).Mul(pm, qm)
	lambda := new(big.Int).Div(phi, new(big.Int).GCD(nil, nil, pm, qm))
	d := new(big.Int).ModInverse(big.NewInt(exponent), lambda)
	return &PrivateKey{
		n: new(big.Int).Mul(p, q), d: d, p: p, q: q,
		dp: new(big.Int).Mod(d, pm), dq: new(big.Int).Mod(d, qm),
		qinv: new(big.Int).ModInverse(q, p),
	}
}

// misreadKey returns a key whose minimal form a board misreads. About one in
// 25 is; pairing primes finds one faster than making keys.
func misreadKey(t testing.TB) *PrivateKey {
	t.Helper()
	var primes []*big.Int
	for range 40 {
		made, err := rsa.GenerateKey(rand.Reader, modulusBits)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range made.Primes {
			for _, q := range primes {
				key := keyOf(p, q)
				if !ReadableByFirmware(key.Minimal().Reveal(), key) {
					return key
				}
			}
		}
		primes = append(primes, made.Primes...)
	}
	t.Fatal("no misread key among some thousand")
	return nil
}

// field returns a private key field: der, then what an old key left there.
func field(der []byte) []byte {
	stored := bytes.Repeat([]byte{0xFF}, PrivateKeyStored)
	copy(stored, der)
	return stored
}

// legacySector returns a complete sector without a version block.
func legacySector() []byte {
	raw := bytes.Repeat([]byte{0xFF}, SectorSize)
	clear(raw[:headerSize])
	raw[headerCurrent] = 1
	copy(raw[headerMagic:], sectorMagic)
	return raw
}

// versionedSector returns a sector as the new engine leaves it, with marker as
// the first byte of its area.
func versionedSector(sequence, marker byte) []byte {
	raw := legacySector()
	raw[AreaStart] = marker
	writeVersionBlock(raw, sequence)
	return raw
}

// writeVersionBlock puts a version block with the right CRC into a sector.
func writeVersionBlock(raw []byte, sequence byte) {
	block := raw[versionBlockStart:]
	binary.LittleEndian.PutUint32(block, versionMagic)
	binary.LittleEndian.PutUint32(block[4:], newestSDK<<16)
	block[blockInitial], block[blockSequence], block[14], block[15] = 0, sequence, 0, 0
	binary.LittleEndian.PutUint32(block[blockCRC:], Sector{secret.Of(raw)}.crc())
}

// areaDump returns an area dump from offset 0 with a board in good order.
func areaDump(key *PrivateKey) []byte {
	area := bytes.Repeat([]byte{0xFF}, AreaSize)
	copy(area[PrivateKeyOffset:], key.Fixed().Reveal())
	clear(area[PublicKeyOffset : PublicKeyOffset+PublicKeyReserved])
	copy(area[PublicKeyOffset:], key.SPKI())
	copy(area[ServerKeyOffset:], ParticleServerKey())
	copy(area[ServerAddressOffset:], "\x01\x0fdevice.spark.io\x00")
	copy(area[DeviceIDOffset:], "\x30\x00\x1a\x00\x05\x47\x33\x38\x32\x36\x31\x34")
	return area
}
