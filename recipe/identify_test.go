package recipe

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"duogateway/duo"
	"duogateway/job"
	virtualduo "duogateway/virtual/duo"
)

// nameless is a board whose bootloader does not tell its id.
var nameless = virtualduo.Config{Bootloader: virtualduo.BootloaderR4(), Seed: 1, FactoryImage: true, WiFi: true}

const otherID = "0123456789abcdef01234567"

func idOf(board *virtualduo.Board) string {
	uid := board.UID()
	return hex.EncodeToString(uid[:])
}

// lose puts data in place of the private key in both copies of the DCT, so that
// nothing of the old one is left.
func (b *bench) lose(data []byte) {
	b.t.Helper()
	for range 2 {
		b.must(b.board.WriteDCT(duo.PrivateKeyOffset, data))
	}
}

func (b *bench) zero() {
	b.t.Helper()
	b.lose(make([]byte, duo.PrivateKeyReserved))
}

// swap puts another board in the place of the first, in DFU mode. It has a DCT
// of its own.
func (b *bench) swap(config virtualduo.Config) {
	b.t.Helper()
	b.board.Close()
	b.board = virtualduo.New(config)
	b.must(b.board.WriteDCT(duo.ClaimCodeOffset, []byte("another board")))
	b.must(b.board.WriteDCT(duo.FlashModulesOffset+20, []byte("another board")))
	b.intoDFU()
}

// The id comes from the bootloader, else from the firmware before DFU mode, else
// from the DCT, else from the operator, whose word is audited.
func TestIdentify(t *testing.T) {
	inDCT := func(b *bench) {
		uid := b.board.UID()
		b.must(b.board.WriteDCT(duo.DeviceIDOffset, uid[:]))
	}
	r5 := virtualduo.Config{Bootloader: virtualduo.BootloaderR5(), Seed: 1, FactoryImage: true, WiFi: true}
	own := idOf(virtualduo.New(usual))
	for _, test := range []struct {
		name    string
		board   virtualduo.Config
		inDFU   bool
		before  func(b *bench)
		stated  string
		want    string
		audited bool
		code    job.Code
	}{
		{"r6", usual, true, nil, "", own, false, ""},
		{"r6, stated", usual, true, nil, own, own, false, ""},
		{"r6, stated in capitals", usual, true, nil, strings.ToUpper(own), own, false, ""},
		{"r6, another stated", usual, true, nil, otherID, "", false, job.NotThisBoard},
		{"r5", r5, true, nil, "", own, false, ""},
		{"r4 that ran", nameless, false, nil, "", own, false, ""},
		{"r4 that ran, another stated", nameless, false, nil, otherID, "", false, job.NotThisBoard},
		{"r4 with an id in its DCT", nameless, true, inDCT, "", own, false, ""},
		{"r4 with an id in its DCT, stated", nameless, true, inDCT, own, own, false, ""},
		{"r4 with an id in its DCT, another stated", nameless, true, inDCT, otherID, "", false, job.NotThisBoard},
		{"r4, stated", nameless, true, nil, strings.ToUpper(own), own, true, ""},
		{"r4", nameless, true, nil, "", "", false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBench(t, test.board, func(t *testing.T, b *bench) {
				if test.inDFU {
					b.intoDFU()
				}
				if test.before != nil {
					test.before(b)
				}
				hasCode(t, b.begin(job.Backup, job.Options{DeviceID: test.stated}).run(), test.code)
				if test.code != "" {
					if len(b.records) != 0 {
						t.Error("the board was saved")
					}
					return
				}
				if len(b.records) != 1 || b.records[0].Info.DeviceID != test.want {
					t.Fatalf("%d records, want one of board %q", len(b.records), test.want)
				}
				if audited := len(b.audit) > 0; audited != test.audited {
					t.Errorf("audit %+v", b.audit)
				}
			})
		})
	}
}

// A device id that is none is refused before the board is touched.
func TestPlanRefusesADeviceIDThatIsNone(t *testing.T) {
	b := &bench{t: t}
	b.restart()
	for _, id := range []string{"00000000010C", strings.Repeat("f", 24), "no id"} {
		_, err := b.book.Plan(job.Job{Request: job.Request{Kind: job.Repair, Bay: "bay-1", Options: job.Options{DeviceID: id}}})
		hasCode(t, err, job.BadRequest)
	}
}

func TestPlanRefusesWhatItDoesNotKnow(t *testing.T) {
	b := &bench{t: t}
	b.restart()
	_, err := b.book.Plan(job.Job{Request: job.Request{Kind: job.Repair, Bay: "bay-2"}})
	hasCode(t, err, job.UnknownBay)
	_, err = b.book.Plan(job.Job{Request: job.Request{Kind: "dance", Bay: "bay-1"}})
	hasCode(t, err, job.UnknownKind)
}

// Without an id a key fits only a board that has its public key, whoever's the
// record is.
func TestRepairOfANamelessBoard(t *testing.T) {
	record := func(seed uint64, id string) func(t *testing.T, b *bench) {
		return func(t *testing.T, b *bench) { b.store(recordOf(t, seed, id)) }
	}
	for _, test := range []struct {
		name   string
		record func(t *testing.T, b *bench)
		code   job.Code
	}{
		{"nobody's record of its key", record(1, ""), ""},
		{"a board's record of its key", record(1, otherID), ""},
		{"nobody's record of another key", record(2, ""), job.NoDeviceID},
		{"a board's record of another key", record(2, otherID), job.NoDeviceID},
	} {
		t.Run(test.name, func(t *testing.T) {
			onBench(t, nameless, func(t *testing.T, b *bench) {
				b.intoDFU()
				b.zero()
				test.record(t, b)
				hasCode(t, b.begin(job.Repair, job.Options{}).run(), test.code)
				if restored := b.board.FirmwareFingerprint() == keyOf(t, 1).Fingerprint(); restored != (test.code == "") {
					t.Errorf("the key is restored: %v", restored)
				}
			})
		})
	}
}

// recordOf is a saved key.
func recordOf(t *testing.T, seed uint64, id string) job.KeyRecord {
	t.Helper()
	block, err := duo.NewBlock(make([]byte, duo.BlockLen))
	if err != nil {
		t.Fatal(err)
	}
	key := keyOf(t, seed)
	return job.KeyRecord{
		Info:  job.RecordInfo{DeviceID: id, KeyState: string(duo.PrivateKeyValid), Fingerprint: key.Fingerprint()},
		Block: block.WithKey(key).Bytes,
	}
}

// A job that is taken up with another board in the bay does nothing to that
// one, and a board that cannot tell its id gets no other's. // P1
func TestResumeWithAnotherBoard(t *testing.T) {
	other := usual
	other.Seed = 2
	otherNameless := nameless
	otherNameless.Seed = 2
	for _, test := range []struct {
		name         string
		board, other virtualduo.Config
		at           []string // each step before which the station ends
		code         job.Code
	}{
		{"r6", usual, other, []string{stepBackup, stepDiagnose, stepDecide, stepWrite, stepReadBack, stepLeave}, job.BoardChanged},
		{"r4", nameless, otherNameless, []string{stepDiagnose, stepDecide, stepWrite, stepReadBack, stepLeave}, job.BoardChanged},
		{"r4 before its backup", nameless, otherNameless, []string{stepIdentify, stepBackup}, job.NoDeviceID},
	} {
		for _, step := range test.at {
			t.Run(test.name+" "+step, func(t *testing.T) {
				onBench(t, test.board, func(t *testing.T, b *bench) {
					b.zero()
					b.store(recordOf(t, 1, idOf(b.board)))
					w := b.begin(job.Repair, job.Options{})
					b.must(w.runTo(step))
					w.crash()
					b.swap(test.other)
					b.lose(duo.ResetBlob())
					saved := len(b.records)
					hasCode(t, w.resume(), test.code)
					if n := b.board.Counters().HostWrites; n != 0 {
						t.Errorf("%d blocks were written to the other board", n)
					}
					time.Sleep(time.Minute)
					if n := b.board.Counters().KeyGenerations; n != 0 || product(b.board) != duo.ProductDFU {
						t.Errorf("the other board was started: it made %d keys", n)
					}
					for _, r := range b.records[saved:] {
						if r.Info.DeviceID != "" {
							t.Errorf("the other board was saved as %s", r.Info.DeviceID)
						}
					}
				})
			})
		}
	}
}

// A job that is taken up with the same board goes on, wherever it was, also
// when the board has been restarted meanwhile.
func TestResumeWithTheSameBoard(t *testing.T) {
	for name, config := range map[string]virtualduo.Config{"r6": usual, "r4": nameless} {
		for _, restarted := range []bool{false, true} {
			for _, step := range []string{stepIdentify, stepBackup, stepDiagnose, stepDecide, stepWrite, stepReadBack, stepLeave, stepRunning} {
				t.Run(name+" "+step+map[bool]string{true: " restarted"}[restarted], func(t *testing.T) {
					onBench(t, config, func(t *testing.T, b *bench) {
						b.zero()
						b.store(recordOf(t, 1, idOf(b.board)))
						w := b.begin(job.Repair, job.Options{})
						b.must(w.runTo(step))
						if step != stepRunning {
							_, err := w.do(w.index(step)) // and its outcome is not committed
							b.must(err)
						}
						w.crash()
						if restarted {
							b.board.PowerOff()
							b.board.PowerOn()
							time.Sleep(5 * time.Second)
						}
						hasCode(t, w.resume(), "")
						if b.board.FirmwareFingerprint() != keyOf(t, 1).Fingerprint() || product(b.board) != duo.ProductRun {
							t.Errorf("key %q, product %04x", b.board.FirmwareFingerprint(), product(b.board))
						}
						if !slices.Contains(w.done, stepRunning) {
							t.Errorf("steps %v", w.done)
						}
					})
				})
			}
		}
	}
}
