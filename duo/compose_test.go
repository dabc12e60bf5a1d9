package duo

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"duogateway/secret"
)

// The factory's DCT, composed from the layout, is the published one.
func TestFactorySector(t *testing.T) {
	published := testdata(t, "fac-dct-r1.bin")
	both := append(bytes.Clone(FactorySector().Reveal()), bytes.Repeat([]byte{0xFF}, SectorSize)...)
	if !bytes.Equal(both, published) {
		t.Error("it differs from fac-dct-r1.bin")
	}
}

func TestFactorySectorIsSound(t *testing.T) {
	sectors := Sectors{FactorySector()}
	for _, engine := range []Engine{EngineOld, EngineNew} {
		d := DiagnoseSectors(sectors, engine, SectorSize)
		if d.Current != 1 || d.PrivateKey.State != PrivateKeyErased || d.ServerKey.State != ServerKeyParticle ||
			d.ServerAddress != (ServerAddress{AddressDomain, DefaultHost, DefaultPort}) || d.DeviceID != "" {
			t.Errorf("%v: %+v", engine, d)
		}
	}
}

// carry does a step on the flash of two sectors, of its data only the first
// part bytes, as a power cut in it would; a cut erase leaves half.
func (f flash) carry(step RawStep, part int) {
	copyOf := f[(step.Copy-1)*SectorSize : step.Copy*SectorSize]
	if step.Erase {
		fillBytes(copyOf[:min(part, SectorSize)], 0xFF)
		return
	}
	data := step.Data.Reveal()
	for i, b := range data[:min(part, len(data))] {
		copyOf[step.Offset+i] &= b // flash: bits can only be cleared
	}
}

const wholeStep = SectorSize

// Raw writes of the vendor's own two changes make the very bytes that the
// vendor's engine makes.
func TestPlanRawAgainstTheVendor(t *testing.T) {
	f := flash(bytes.Clone(testdata(t, "fac-dct-r1.bin")))
	for _, write := range []struct {
		offset     int
		data, want []byte
	}{
		{PrivateKeyOffset, testdata(t, "reset_device_private_key.bin"), testdata(t, "new-1-facdct-then-reset34.bin")},
		{ServerKeyOffset, testdata(t, "server_public_key.der"), testdata(t, "new-2-then-serverkey2082.bin")},
	} {
		current, _ := f.sectors().Current(EngineNew)
		content, err := f.sectors()[current].WithArea(write.offset, write.data)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := f.sectors().PlanRaw(EngineNew, content)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range plan.Steps {
			f.carry(step, wholeStep)
		}
		if !bytes.Equal(f, write.want) {
			t.Fatalf("the write at %d differs", write.offset)
		}
	}
}

// P1: a raw write leaves the old content or the new one current, wherever the
// power goes off in it, on both engines, and the new one at its end.
func TestPlanRawPowerCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		engine := rapid.SampledFrom([]Engine{EngineOld, EngineNew, EngineUnknown}).Draw(t, "engine")
		start := legacySector()
		if engine != EngineOld && rapid.Bool().Draw(t, "versioned") {
			start = versionedSector(rapid.SampledFrom([]byte{0, 1, 128, 254, 255}).Draw(t, "sequence"), 0)
		}
		other := rapid.SampledFrom([][]byte{
			bytes.Repeat([]byte{0xFF}, SectorSize), bytes.Repeat([]byte{0x5A}, SectorSize),
		}).Draw(t, "other")
		f := flash(append(bytes.Clone(start), other...))
		if rapid.Bool().Draw(t, "second is current") {
			f = append(bytes.Clone(other), start...)
		}
		for range rapid.IntRange(1, 4).Draw(t, "writes") {
			current, ok := f.sectors().Current(engine)
			if !ok {
				t.Fatal("no current copy")
			}
			before := bytes.Clone(f.sectors()[current].Area().Reveal())
			data := rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "data")
			content, err := f.sectors()[current].WithArea(rapid.IntRange(0, AreaSize-len(data)).Draw(t, "offset"), data)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := f.sectors().PlanRaw(engine, content)
			if err != nil || plan.Copy == current+1 {
				t.Fatalf("copy %d is written, %v", plan.Copy, err)
			}
			if old, ok := f.sectors()[current].VersionBlock(); ok && engine != EngineOld {
				if next, ok := plan.Sector.VersionBlock(); !ok || !next.CRCOK || next.Sequence != old.Sequence+1 {
					t.Fatalf("version block %+v follows %+v", next, old)
				}
			}
			cut := rapid.IntRange(0, len(plan.Steps)).Draw(t, "cut")
			part := rapid.IntRange(0, 4099).Draw(t, "words") * 4
			for i, step := range plan.Steps {
				if i < cut {
					f.carry(step, wholeStep)
				} else if i == cut {
					f.carry(step, part)
				}
			}
			now, ok := f.sectors().Current(engine)
			switch {
			case !ok:
				t.Fatalf("cut in step %d of %d: no current copy", cut, len(plan.Steps))
			case now == current && !bytes.Equal(f.sectors()[now].Area().Reveal(), before):
				t.Fatalf("cut in step %d of %d: the old content changed", cut, len(plan.Steps))
			case now != current && !bytes.Equal(f.sectors()[now].Reveal(), plan.Sector.Reveal()):
				t.Fatalf("cut in step %d of %d: the new copy counts before it is whole", cut, len(plan.Steps))
			case now == current && cut == len(plan.Steps):
				t.Fatal("at the end the new copy is not the current one")
			case cut == len(plan.Steps) && engine == EngineOld && !allBytes(f.sectors()[current].Reveal(), 0xFF):
				t.Fatal("the old engine keeps one copy, and there are two")
			}
		}
	})
}

// A copy that claims to be a first one wins until its claim is taken back.
func TestPlanRawRetiresAnInitialCopy(t *testing.T) {
	initial := versionedSector(9, 1)
	block := initial[versionBlockStart:]
	block[blockInitial] = 1
	clear(block[blockCRC : blockCRC+4])
	f := flash(append(initial, bytes.Repeat([]byte{0xFF}, SectorSize)...))
	content, err := f.sectors()[0].WithArea(0, []byte{2})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := f.sectors().PlanRaw(EngineNew, content)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range plan.Steps {
		f.carry(step, wholeStep)
	}
	if area, ok := f.sectors().CurrentArea(EngineNew); !ok || area.Reveal()[0] != 2 {
		t.Error("the new content is not current")
	}
}

func TestPlanRawWithoutCurrentCopy(t *testing.T) {
	for _, engine := range []Engine{EngineOld, EngineNew} {
		f := flash(make([]byte, 2*SectorSize))
		plan, err := f.sectors().PlanRaw(engine, FactorySector())
		if err != nil || plan.Copy != 1 {
			t.Fatalf("copy %d, %v", plan.Copy, err)
		}
		for _, step := range plan.Steps {
			f.carry(step, wholeStep)
		}
		if d := DiagnoseSectors(f.sectors(), engine, 0); d.Current != 1 || d.ServerKey.State != ServerKeyParticle {
			t.Errorf("%v: %+v", engine, d)
		}
		if class := f.sectors()[0].Class(); (class == ClassLegacy) != (engine == EngineOld) {
			t.Errorf("%v: class %v", engine, class)
		}
	}
}

func TestComposeRefuses(t *testing.T) {
	for _, content := range []Sector{{}, {secret.Of(make([]byte, 100))}} {
		if _, err := ComposeSector(EngineNew, content, 1); !errors.Is(err, ErrCompose) {
			t.Error(err)
		}
		if _, err := content.WithArea(0, nil); !errors.Is(err, ErrCompose) {
			t.Error(err)
		}
		if _, err := (Sectors{FactorySector()}).PlanRaw(EngineOld, content); !errors.Is(err, ErrCompose) {
			t.Error(err)
		}
	}
	for offset, size := range map[int]int{-1: 1, AreaSize: 1, AreaSize - 3: 4, 0: AreaSize + 1} {
		if _, err := FactorySector().WithArea(offset, make([]byte, size)); !errors.Is(err, ErrCompose) {
			t.Errorf("%d bytes at %d: %v", size, offset, err)
		}
	}
}
