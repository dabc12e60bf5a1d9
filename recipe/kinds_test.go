package recipe

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"duogateway/dfu"
	"duogateway/duo"
	"duogateway/job"
	virtualduo "duogateway/virtual/duo"
)

// images are firmware by its SHA-256.
type images map[string][]byte

func (i images) Image(sum string) ([]byte, error) {
	if content, ok := i[sum]; ok {
		return content, nil
	}
	return nil, job.Failf(job.ImageRefused, "image %s: there is none", sum)
}

// give puts an image where the station keeps them.
func (b *bench) give(content []byte, place job.Place) job.Image {
	if b.book.Images == nil {
		b.book.Images = images{}
	}
	sum := sha256.Sum256(content)
	name := hex.EncodeToString(sum[:])
	b.book.Images.(images)[name] = content
	return job.Image{SHA256: name, Place: place}
}

// module cuts a module out of a memory.
func (b *bench) module(memory []byte) []byte {
	b.t.Helper()
	info, err := duo.ParseModuleInfo(memory)
	b.must(err)
	return memory[:info.Len()+4]
}

const factoryAt = 0x140000

// otherApplication is a factory image that the board does not have.
func (b *bench) otherApplication() []byte {
	other := virtualduo.New(virtualduo.Config{Seed: 8, FactoryImage: true})
	defer other.Close()
	return b.module(other.SerialFlash()[factoryAt:])
}

func TestFlashOfTheFactoryImage(t *testing.T) {
	onBench(t, usual, func(t *testing.T, b *bench) {
		content := b.otherApplication()
		options := job.Options{Images: []job.Image{b.give(content, job.Factory)}}
		hasCode(t, b.begin(job.Flash, options).run(), "")
		if !bytes.HasPrefix(b.board.SerialFlash()[factoryAt:], content) || product(b.board) != duo.ProductRun {
			t.Errorf("it is not there, or the board is on the bus as %04x", product(b.board))
		}
		erases := b.board.Counters().HostErases
		hasCode(t, b.begin(job.Flash, options).run(), "")
		if b.board.Counters().HostErases != erases {
			t.Error("what was there was written again")
		}
	})
}

// A set with one bad image is refused as a whole, and the board runs again.
func TestFlashRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		images func(b *bench) []job.Image
	}{
		{"what is not there", func(b *bench) []job.Image { b.give(nil, ""); return []job.Image{{SHA256: "none"}} }},
		{"what is no module", func(b *bench) []job.Image { return []job.Image{b.give([]byte("text"), "")} }},
		{"no application for the factory image", func(b *bench) []job.Image {
			return []job.Image{b.give(b.otherApplication(), job.Factory), b.give([]byte("text"), job.Factory)}
		}},
		{"no Wi-Fi firmware", func(b *bench) []job.Image { return []job.Image{b.give([]byte("text"), job.WiFi)} }},
		{"the same place twice", func(b *bench) []job.Image {
			part := b.give(b.module(b.board.Flash()[duo.AddrPart1-duo.InternalStart:]), "")
			return []job.Image{part, part}
		}},
		{"one system part of two", func(b *bench) []job.Image {
			other := virtualduo.New(virtualduo.Config{SystemVersion: 10})
			defer other.Close()
			return []job.Image{b.give(b.module(other.Flash()[duo.AddrPart2-duo.InternalStart:]), "")}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBench(t, usual, func(t *testing.T, b *bench) {
				err := b.begin(job.Flash, job.Options{Images: test.images(b)}).run()
				hasCode(t, err, job.ImageRefused)
				time.Sleep(time.Minute)
				if n := b.board.Counters(); n.HostWrites != 0 || n.HostErases != 0 || product(b.board) != duo.ProductRun {
					t.Errorf("counters %+v, product %04x", n, product(b.board))
				}
			})
		})
	}
}

// Firmware that is not read back as it was written keeps the board in DFU mode,
// and one that is canceled before it leaves it as it came.
func TestFlashFails(t *testing.T) {
	for name, test := range map[string]struct {
		upload, download func(alt uint8, address uint32, data []byte) error
		code             job.Code
	}{
		"spoilt":  {download: func(_ uint8, _ uint32, data []byte) error { data[10] ^= 1; return nil }, code: job.WriteNotVerified},
		"refused": {download: func(uint8, uint32, []byte) error { return fault{stalled: true} }, code: job.USBRefused},
		"unread": {upload: func(alt uint8, _ uint32, _ []byte) error {
			return when(alt == duo.AltSerial, fault{stalled: true})
		}, code: job.USBRefused},
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, usual, func(t *testing.T, b *bench) {
				b.open = func(transport dfu.Transport) dfu.Transport {
					return &tamper{Transport: transport, upload: test.upload, download: test.download}
				}
				options := job.Options{Images: []job.Image{b.give(b.otherApplication(), job.Factory)}}
				hasCode(t, b.begin(job.Flash, options).run(), test.code)
				time.Sleep(time.Minute)
				if product(b.board) != duo.ProductDFU {
					t.Errorf("the board is on the bus as %04x", product(b.board))
				}
			})
		})
	}
	onBench(t, usual, func(t *testing.T, b *bench) {
		w := b.begin(job.Flash, job.Options{Images: []job.Image{b.give(b.otherApplication(), job.Factory)}})
		b.must(w.runTo(stepProgram))
		w.close(job.Canceled)
		time.Sleep(time.Minute)
		if product(b.board) != duo.ProductRun {
			t.Errorf("canceled, the board is on the bus as %04x", product(b.board))
		}
	})
}

// A board whose key is erased is flashed, and is not started to make one.
func TestFlashOfAnErasedBoard(t *testing.T) {
	onBench(t, usual, func(t *testing.T, b *bench) {
		b.intoDFU()
		b.lose(duo.ResetBlob())
		options := job.Options{Images: []job.Image{b.give(b.otherApplication(), job.Factory)}}
		hasCode(t, b.begin(job.Flash, options).run(), "")
		time.Sleep(time.Minute)
		if n := b.board.Counters().KeyGenerations; n != 0 || product(b.board) != duo.ProductDFU {
			t.Errorf("the board made %d keys and is on the bus as %04x", n, product(b.board))
		}
	})
}

// The cloud's key and address are those that the job names. One that no board
// would take is refused before anything is written.
func TestServerKey(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(customServerKey())
	for _, test := range []struct {
		name    string
		options job.Options
		code    job.Code
		host    string
	}{
		{"named", job.Options{ServerKey: good, ServerHost: "10.1.2.3", ServerPort: 5700}, "", "10.1.2.3"},
		{"no base64", job.Options{ServerKey: "***"}, job.BadRequest, duo.DefaultHost},
		{"no key", job.Options{ServerKey: "AAAA"}, job.BadRequest, duo.DefaultHost},
		{"no host", job.Options{ServerHost: strings.Repeat("x", 200)}, job.BadRequest, duo.DefaultHost},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBench(t, usual, func(t *testing.T, b *bench) {
				hasCode(t, b.begin(job.ServerKey, test.options).run(), test.code)
				time.Sleep(10 * time.Second)
				area := b.board.ApplicationDCT()
				address := duo.ParseServerAddress(area[duo.ServerAddressOffset:][:duo.ServerAddressReserved])
				if custom := bytes.Equal(area[duo.ServerKeyOffset:][:duo.ServerKeyLen], customServerKey()); custom != (test.code == "") || address.Host != test.host {
					t.Errorf("custom key %v, address %+v", custom, address)
				}
				if b.board.FirmwareFingerprint() != keyOf(t, 1).Fingerprint() || product(b.board) != duo.ProductRun {
					t.Error("the key of the board has changed, or it does not run")
				}
			})
		})
	}
}

// The factory DCT of a board that has none keeps no key, so the board is not
// started; a DCT of another board is not carried over.
func TestFactoryDCT(t *testing.T) {
	onBench(t, usual, func(t *testing.T, b *bench) {
		b.intoDFU()
		b.must(b.board.SetFlash(0x08008000, ff(2*duo.SectorSize)))
		hasCode(t, b.begin(job.FactoryDCT, job.Options{}).run(), "")
		time.Sleep(time.Minute)
		key := b.board.ApplicationDCT()[duo.ServerKeyOffset:][:duo.ServerKeyLen]
		if !bytes.Equal(key, duo.ParticleServerKey()) || product(b.board) != duo.ProductDFU || b.board.Counters().KeyGenerations != 0 {
			t.Errorf("product %04x, counters %+v", product(b.board), b.board.Counters())
		}
	})
	onBench(t, usual, func(t *testing.T, b *bench) {
		b.must(b.board.WriteDCT(duo.DeviceIDOffset, make([]byte, 11)))
		hasCode(t, b.begin(job.FactoryDCT, job.Options{}).run(), job.ForeignDCT)
		if n := b.board.Counters().HostErases; n != 0 {
			t.Errorf("%d sectors were erased", n)
		}
	})
}

// What is read back wrong is written again, once.
func TestFactoryDCTReadBack(t *testing.T) {
	for _, times := range []int{1, 2} {
		onBench(t, usual, func(t *testing.T, b *bench) {
			b.must(b.board.WriteDCT(duo.ServerAddressOffset, []byte("\x01\x07elsewhe")))
			w := b.begin(job.FactoryDCT, job.Options{})
			for range times {
				b.must(w.runTo(stepReadBack))
				b.must(b.board.WriteDCT(duo.ServerAddressOffset, []byte("\x01\x07elsewhe")))
				if err := w.next(); times == 2 && w.plan.Memory.(*memory).Attempts == 2 {
					hasCode(t, err, job.WriteNotVerified)
					w.close(job.Failed)
					return
				}
			}
			hasCode(t, w.run(), "")
		})
	}
}

// The bus, or the handle of a board, may fail at any time.
func TestBusFails(t *testing.T) {
	failed := job.Failf(job.USBFailed, "the bus is gone")
	for name, when := range map[string]func(b *bench, looks int) bool{
		"at first":            func(*bench, int) bool { return true },
		"behind the gestures": func(b *bench, _ int) bool { return b.gestures > 0 },
	} {
		t.Run(name, func(t *testing.T) {
			onBench(t, usual, func(t *testing.T, b *bench) {
				looks := 0
				b.look = func(seen dfu.Attachment, present bool) (dfu.Attachment, bool, error) {
					if looks++; when(b, looks) {
						return seen, false, failed
					}
					return seen, present, nil
				}
				hasCode(t, b.begin(job.Diagnose, job.Options{}).run(), job.USBFailed)
			})
		})
	}
	onBench(t, usual, func(t *testing.T, b *bench) {
		w := b.begin(job.Diagnose, job.Options{})
		b.must(w.runTo(stepRunning))
		b.look = func(seen dfu.Attachment, _ bool) (dfu.Attachment, bool, error) { return seen, false, failed }
		hasCode(t, w.run(), job.USBFailed)
	})
	onBench(t, usual, func(t *testing.T, b *bench) {
		b.open = func(transport dfu.Transport) dfu.Transport { return closing{transport} }
		hasCode(t, b.begin(job.Diagnose, job.Options{}).run(), "") // it is only logged
	})
	onBench(t, usual, func(t *testing.T, b *bench) {
		w := b.begin(job.Diagnose, job.Options{})
		b.must(w.runTo(stepLeave))
		b.board.PowerOff()
		hasCode(t, w.run(), job.BoardLeft)
	})
}

// closing is a transport that cannot be closed well.
type closing struct{ dfu.Transport }

func (c closing) Close() error {
	_ = c.Transport.Close()
	return fault{}
}
