package virtualduo

import (
	"bytes"
	"testing"
)

func TestFactoryDCTIsThePublishedOne(t *testing.T) {
	want := published(t, "fac-dct-r1.bin")
	sameImage(t, FactoryDCT(published(t, "server_public_key.der")), want)
}

func TestBoardLeavesTheFactoryWithThatDCT(t *testing.T) {
	want := published(t, "fac-dct-r1.bin")
	board := New(Config{})
	defer board.Close()
	sameImage(t, board.Flash()[0x8000:0x8000+ImageSize], want)
}

func TestNewEngineMakesTheGoldenImages(t *testing.T) {
	image := Image(published(t, "fac-dct-r1.bin"))
	steps := []struct {
		offset     int
		data, want string
	}{
		{34, "reset_device_private_key.bin", "new-1-facdct-then-reset34.bin"},
		{2082, "server_public_key.der", "new-2-then-serverkey2082.bin"},
	}
	for _, step := range steps {
		if err := (Wiced37{}).Write(image, step.offset, published(t, step.data)); err != nil {
			t.Fatal(err)
		}
		sameImage(t, image, published(t, step.want))
	}
}

func TestNewEngineInitialisesBlankFlash(t *testing.T) {
	image := BlankImage()
	if current, err := (Wiced37{}).Current(image); err != nil || current != 0 {
		t.Fatalf("current copy %d, error %v", current, err)
	}
	sameImage(t, image, published(t, "new-init-from-blank.bin"))
}

func sameImage(t *testing.T, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	if len(got) != len(want) {
		t.Fatalf("%d bytes, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("first difference at %#x: %#x, want %#x", i, got[i], want[i])
		}
	}
}
