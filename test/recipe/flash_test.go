package recipe_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/test/rig"
	virtualduo "duogateway/virtual/duo"
)

// modules gives the station the system parts of a release, as they lie on a
// board that has it, and names them.
func modules(r *rig.Rig, version uint16) []job.Image {
	r.T.Helper()
	board := virtualduo.New(virtualduo.Config{Seed: 9, SystemVersion: version})
	defer board.Close()
	var images []job.Image
	for _, start := range []uint32{duo.AddrPart1, duo.AddrPart2} {
		image := board.Flash()[start-duo.InternalStart:]
		module, err := duo.ParseModuleInfo(image)
		r.Must(err)
		images = append(images, give(r, image[:module.Len()+4]))
	}
	return images
}

// give puts an image where the station keeps them.
func give(r *rig.Rig, image []byte) job.Image {
	r.T.Helper()
	sum := sha256.Sum256(image)
	name := hex.EncodeToString(sum[:])
	r.Must(os.MkdirAll(r.Config.ImagesFolder(), 0o700))
	r.Must(os.WriteFile(filepath.Join(r.Config.ImagesFolder(), name), image, 0o600))
	return job.Image{SHA256: name}
}

func TestFlashMendsTheSystem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, key := running(t)
		images := modules(r, 11)
		r.Must(r.Board.SetFlash(duo.AddrPart2+0x1000, make([]byte, 4096)))
		intoDFU(r, r.Board)
		r.Start()
		j := r.Do(job.Request{Kind: job.Flash, Options: job.Options{Images: images}})
		if j.Verdict != job.Pass || r.Board.FirmwareFingerprint() != key.Fingerprint() {
			t.Errorf("verdict %s, fault %+v", j.Verdict, j.Fault)
		}
	})
}

func TestFlashRefusesWhatWouldDestroyTheBootloader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := running(t)
		images := modules(r, 7)
		before := r.Board.Flash()
		r.Start()
		j := r.Do(job.Request{Kind: job.Flash, Options: job.Options{Images: images}})
		if j.State != job.Rejected || j.Fault.Code != job.ImageRefused {
			t.Errorf("state %s, fault %+v", j.State, j.Fault)
		}
		if string(before) != string(r.Board.Flash()) {
			t.Error("the board was written")
		}
	})
}

// An upgrade across system 0.3.0 puts the bootloader over the first copy of the
// DCT. With the second one current the keys come along.
func TestFlashAcrossTheMoveOfTheDCT(t *testing.T) {
	for _, copy2 := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := rig.New(t, virtualduo.Config{Seed: 5, Bootloader: virtualduo.BootloaderR4(), UpdatesBootloader: true, FactoryImage: true, WiFi: true})
			key := r.Commission()
			for currentCopy(r, duo.R4) != map[bool]int{false: 1, true: 2}[copy2] {
				r.Must(r.Board.WriteDCT(duo.ClaimCodeOffset, []byte{byte(r.Board.Counters().FlashOps) | 1}))
				r.Must(r.Board.WriteDCT(duo.ClaimCodeOffset, []byte{0xFF}))
			}
			images := modules(r, 9)
			r.Start()
			j := r.Do(job.Request{Kind: job.Flash, Options: job.Options{Images: images}})
			if !copy2 {
				if j.State != job.Rejected || j.Fault.Code != job.ImageRefused {
					t.Errorf("copy 1 is current: state %s, fault %+v", j.State, j.Fault)
				}
				return
			}
			if j.Verdict != job.Pass {
				t.Fatalf("verdict %s, fault %+v, steps %+v", j.Verdict, j.Fault, j.Steps)
			}
			if got := r.Board.FirmwareFingerprint(); got != key.Fingerprint() {
				t.Errorf("the board has key %.8q, want %.8q", got, key.Fingerprint())
			}
			if version := r.Board.Flash()[duo.VersionAddrBootloader-duo.InternalStart]; version != byte(duo.R5) {
				t.Errorf("the bootloader is r%d", version)
			}
		})
	}
}

func currentCopy(r *rig.Rig, gen duo.Generation) int {
	r.T.Helper()
	start := duo.RawStart - duo.InternalStart
	sectors, err := duo.ParseRaw(r.Board.Flash()[start:start+uint32(duo.RawSize)], gen)
	r.Must(err)
	index, ok := sectors.Current(duo.EngineOld)
	if !ok {
		r.T.Fatal("no copy of the DCT is current")
	}
	return index + 1
}
