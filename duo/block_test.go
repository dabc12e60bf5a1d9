package duo

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"duogateway/secret"
)

func TestBlockBounds(t *testing.T) {
	if BlockOffset != 34 || BlockLen != 2560 {
		t.Fatalf("%d bytes at %d", BlockLen, BlockOffset)
	}
	if CheckWrite(R6, AltDCT, BlockOffset, BlockLen) != nil {
		t.Error("the block may not be written")
	}
	for _, size := range []int{0, BlockLen - 1, BlockLen + 1} {
		if _, err := NewBlock(make([]byte, size)); err == nil {
			t.Errorf("%d bytes are accepted", size)
		}
	}
	var zero Block
	if zero.PrivateKey().Reveal() != nil || zero.PublicKey() != nil || zero.ServerKey() != nil || zero.ServerAddress() != nil {
		t.Error("a block without bytes has fields")
	}
}

// Each change touches its own field and nothing else, and the block it began
// with stays as it was.
func TestBlockChanges(t *testing.T) {
	key := newKey(t)
	rapid.Check(t, func(t *rapid.T) {
		fill := rapid.SliceOfN(rapid.Byte(), BlockLen, BlockLen).Draw(t, "before")
		before, err := NewBlock(fill)
		if err != nil {
			t.Fatal(err)
		}
		check := func(name string, after Block, spans ...[2]int) {
			if !bytes.Equal(before.Reveal(), fill) {
				t.Fatalf("%s changes the block itself", name)
			}
			want := bytes.Clone(fill)
			for _, span := range spans {
				copy(want[span[0]-34:span[1]-34], after.Reveal()[span[0]-34:span[1]-34])
			}
			if !bytes.Equal(after.Reveal(), want) {
				t.Fatalf("%s changes more than its field", name)
			}
		}
		withKey := before.WithKey(key)
		check("WithKey", withKey, [2]int{34, 34 + 611}, [2]int{1250, 1634})
		if state := classifyPublicKey(withKey.PublicKey(), key, true); state != PublicKeyOK {
			t.Fatalf("public key %v", state)
		}
		if report, _ := ClassifyPrivateKey(withKey.PrivateKey().Reveal()); report.State != PrivateKeyValid || report.Form != FormFixed {
			t.Fatalf("private key %+v", report)
		}
		check("WithErasedKey", before.WithErasedKey(), [2]int{34, 1250})

		withServer, err := before.WithServerKey(ParticleServerKey())
		if err != nil {
			t.Fatal(err)
		}
		check("WithServerKey", withServer, [2]int{2082, 2466})
		if state, _ := ReadServerKey(withServer.ServerKey()); state != ServerKeyParticle || !allBytes(withServer.ServerKey()[294:], 0xFF) {
			t.Fatalf("server key %v", state)
		}
		withAddress, err := before.WithServerAddress("cloud.example", 8000)
		if err != nil {
			t.Fatal(err)
		}
		check("WithServerAddress", withAddress, [2]int{2466, 2594})
		if got := ParseServerAddress(withAddress.ServerAddress()); got != (ServerAddress{AddressDomain, "cloud.example", 8000}) {
			t.Fatalf("address %+v", got)
		}
	})
	var block Block
	if _, err := block.WithServerKey(GenericPublicKey()); err == nil {
		t.Error("a board's key is accepted as server key")
	}
	if _, err := block.WithServerAddress("", 0); err == nil {
		t.Error("no host is accepted")
	}
}

func TestResetBlob(t *testing.T) {
	if report, _ := ClassifyPrivateKey(ResetBlob()); report.State != PrivateKeyErased {
		t.Errorf("it leaves a key %v", report.State)
	}
	if !bytes.Equal(ResetBlob(), testdata(t, "reset_device_private_key.bin")) {
		t.Error("it is not the published file")
	}
}

func TestAreaFields(t *testing.T) {
	area := Area{Bytes: secret.Of(make([]byte, 100)), Start: 50}
	for _, test := range []struct {
		offset, length int
		ok             bool
	}{{50, 100, true}, {50, 101, false}, {49, 1, false}, {149, 1, true}, {150, 0, true}, {150, 1, false}, {151, 0, false}, {60, -1, false}, {-1, 1, false}} {
		if field, ok := area.Field(test.offset, test.length); ok != test.ok || ok && len(field) != test.length {
			t.Errorf("%d bytes at %d: %v", test.length, test.offset, ok)
		}
	}
	full := Area{Bytes: secret.Of(bytes.Repeat([]byte{0xFF}, AreaSize))}
	if _, ok := full.DeviceID(); ok {
		t.Error("an erased field is a device id")
	}
	copy(full.Reveal()[DeviceIDOffset:], "\xff\x00\x1a\x00\x05\x47\x33\x38\x32\x36\x31\x34")
	if _, ok := full.DeviceID(); ok {
		t.Error("a field that the firmware takes for erased is a device id")
	}
	if full.WicedApplication(R6) || full.WicedApplication(R5) {
		t.Error("an erased area is a bare WICED board")
	}
	copy(full.Reveal()[8391:], "\xa5\x5a")
	if !full.WicedApplication(R6) || full.WicedApplication(R5) {
		t.Error("the mark of r6 is read elsewhere")
	}
	copy(full.Reveal()[8391:], "\x34\x12")
	copy(full.Reveal()[4258:], "\xa5\x5a")
	if full.WicedApplication(R6) || !full.WicedApplication(R3) || !full.WicedApplication(R5) {
		t.Error("the mark of r3 to r5 is read elsewhere")
	}
	if _, ok := area.Block(); ok {
		t.Error("a part of the area has a block")
	}
}
