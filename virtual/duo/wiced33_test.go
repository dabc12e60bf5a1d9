package virtualduo

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

func TestOldEngineMakesTheGoldenImage(t *testing.T) {
	image := Image(published(t, "fac-dct-r1.bin"))
	if err := (Wiced33{}).Write(image, privateKeyOffset, published(t, "reset_device_private_key.bin")); err != nil {
		t.Fatal(err)
	}
	sameImage(t, image, published(t, "old-1-facdct-then-reset34.bin"))
}

func TestOldEngineWritesItsOwnDefault(t *testing.T) {
	image := BlankImage()
	image[CopySize+100] = 0
	want := slices.Clone(image)
	clear(want[:headerSize])
	copy(want[8:], "\x00\x01\x01\x00BRCM")
	if current, err := (Wiced33{}).Current(image); err != nil || current != 0 {
		t.Fatalf("current copy %d, error %v", current, err)
	}
	sameImage(t, image, want)
}

func TestOldEngineSwapsOnlyForOnes(t *testing.T) {
	engine, image := Wiced33{}, FactoryDCT(nil)
	for i, step := range []struct {
		value   byte
		current int
	}{{0xF0, 0}, {0x30, 0}, {0x31, 1}, {0x01, 1}, {0xFF, 0}} {
		if err := engine.Write(image, 34, []byte{step.value}); err != nil {
			t.Fatal(err)
		}
		current, _ := engine.Current(image)
		got, _ := ReadApplication(engine, image, 34, 1)
		if current != step.current || got[0] != step.value {
			t.Errorf("step %d: copy %d has %#x, want %d and %#x", i, current, got[0], step.current, step.value)
		}
		if other := (1 - current) * CopySize; !isBlank(image[other : other+CopySize]) {
			t.Errorf("step %d: the other copy is not blank", i)
		}
	}
}

// What runs over the end is programmed into what follows: the other copy.
func TestOldEngineSpillsOverTheSectorsEnd(t *testing.T) {
	engine, image := Wiced33{}, FactoryDCT(nil)
	data := bytes.Repeat([]byte{0}, 16)
	if err := engine.Write(image, Limit33-8, data); err != nil {
		t.Errorf("a spill over blank flash: %v", err)
	}
	if got := image[CopySize-8 : CopySize+9]; !bytes.Equal(got, append(slices.Clone(data), 0xFF)) {
		t.Errorf("at the border % x", got)
	}
	if err := engine.Write(image, Limit33-8, bytes.Repeat([]byte{1}, 16)); !errors.Is(err, ErrSpilled) {
		t.Errorf("a spill that needs a swap: %v", err)
	}
	if err := engine.Write(image, -1, data); !errors.Is(err, ErrRejected) {
		t.Errorf("an offset before the DCT: %v", err)
	}
}

// The new engine takes over what the old one left, and the other way round.
func TestEnginesReadEachOther(t *testing.T) {
	image := FactoryDCT(nil)
	engines := []Engine{Wiced33{}, Wiced37{}, Wiced33{}, Wiced33{}, Wiced37{}, Wiced37{}, Wiced33{}}
	for i, engine := range engines {
		value := []byte{byte(0x55 + 17*i)}
		if err := engine.Write(image, 34, value); err != nil {
			t.Fatal(err)
		}
		for _, reader := range []Engine{Wiced33{}, Wiced37{}} {
			if got, err := ReadApplication(reader, image, 34, 1); err != nil || got[0] != value[0] {
				t.Errorf("write %d by %T, read by %T: %#x, %v, want %#x", i, engine, reader, got[0], err, value[0])
			}
		}
	}
}
