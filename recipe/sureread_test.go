package recipe

import (
	"testing"
	"time"

	"duogateway/dfu"
	"duogateway/duo"
	"duogateway/job"
	virtualduo "duogateway/virtual/duo"
)

// A block that comes as zeros a few times is read again; one that always does
// is a fault, and no record is made of it. // P1
func TestReadsThatComeAsZeros(t *testing.T) {
	key := keyOf(t, 1)
	for _, test := range []struct {
		name    string
		alt     uint8
		address uint32
		times   int
		code    job.Code
	}{
		{"the block of the key, some times", duo.AltInternal, 0x0800A000, readTries - 1, ""},
		{"the block of the key, always", duo.AltInternal, 0x0800A000, 1000, job.USBRefused},
		{"the bootloader's version, some times", duo.AltInternal, duo.VersionAddrBootloader, readTries - 1, ""},
		{"the bootloader's version, always", duo.AltInternal, duo.VersionAddrBootloader, 1000, job.USBRefused},
		{"what the bootloader shows, some times", duo.AltDCT, duo.BlockOffset, readTries - 1, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBench(t, usual, func(t *testing.T, b *bench) {
				left := test.times
				b.open = func(transport dfu.Transport) dfu.Transport {
					zeroed := &tamper{Transport: transport}
					zeroed.upload = func(alt uint8, address uint32, data []byte) error {
						if alt == test.alt && address == test.address && left > 0 {
							left--
							clear(data)
						}
						return nil
					}
					return zeroed
				}
				w := b.begin(job.ServerKey, job.Options{ServerHost: "10.0.0.7"})
				hasCode(t, w.run(), test.code)
				for _, r := range b.records {
					if r.Info.Fingerprint != key.Fingerprint() {
						t.Errorf("a key that is %s was saved", r.Info.KeyState)
					}
				}
				if (len(b.records) == 0) != (test.code != "") || b.board.FirmwareFingerprint() != key.Fingerprint() {
					t.Errorf("%d records", len(b.records))
				}
			})
		})
	}
}

// What comes up in DFU mode long after the gesture, and does not tell its name,
// may be another board than the one that ran before: nothing is done to it. // P1
func TestABoardThatComesUpLate(t *testing.T) {
	for _, test := range []struct {
		name   string
		config virtualduo.Config
		late   time.Duration
		code   job.Code
	}{
		{"r4 in time", nameless, sureTime / 2, ""},
		{"r4 late", nameless, 2 * sureTime, job.BoardChanged},
		{"r4 after the first gesture was given up", nameless, appearTime + sureTime, job.BoardChanged},
		{"r6 late", usual, 2 * sureTime, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBench(t, test.config, func(t *testing.T, b *bench) {
				var since time.Time // the board is in DFU mode
				b.look = func(seen dfu.Attachment, present bool) (dfu.Attachment, bool, error) {
					if seen.Product == duo.ProductDFU && since.IsZero() {
						since = time.Now()
					}
					hidden := seen.Product == duo.ProductDFU && time.Since(since) < test.late
					return seen, present && !hidden, nil
				}
				hasCode(t, b.begin(job.ServerKey, job.Options{ServerHost: "10.0.0.7"}).run(), test.code)
				if written := b.board.Counters().HostWrites > 0; written != (test.code == "") {
					t.Errorf("written: %v", written)
				}
			})
		})
	}
}
