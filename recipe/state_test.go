package recipe

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"duogateway/duo"
	"duogateway/job"
	virtualduo "duogateway/virtual/duo"
)

// misreadSeed makes a key whose minimal form a board misreads.
const misreadSeed = 94

// state is a board as it comes to the station, and what the station has of it.
type state struct {
	Key     string // what is in the place of the private key
	Both    bool   // the other copy of the DCT holds the same
	Public  string
	Server  string
	Address string
	InDFU   bool
	Records []string
	Kind    job.Kind
}

func drawState(t *rapid.T) state {
	one := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	return state{
		Key:     one("key", "sound", "minimal", "misread", "zeroed", "erased", "first byte erased", "corrupt", "holed", "spoilt D", "garbage"),
		Both:    rapid.Bool().Draw(t, "both copies"),
		Public:  one("public", "own", "erased", "garbage"),
		Server:  one("server", "particle", "custom", "erased", "corrupt"),
		Address: one("address", "domain", "ipv4", "erased", "invalid"),
		InDFU:   rapid.Bool().Draw(t, "in DFU mode"),
		Records: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"own", "own proven", "own other", "nobody's", "another board's", "broken", "keyless"}), 0, 4, rapid.ID).Draw(t, "records"),
		Kind:    rapid.SampledFrom([]job.Kind{job.Diagnose, job.Backup, job.Repair, job.Repair, job.Restore}).Draw(t, "kind"),
	}
}

// Whatever state a board is in, and whatever is saved: the verdict is what the
// board's own firmware would find, no key is lost, none is written without need
// or onto another board, and a fault says what to do. // P1, P3
func TestAnyState(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawState(rt)
		var wrong []string
		synctest.Test(t, func(t *testing.T) { wrong = s.try(t) })
		if len(wrong) > 0 {
			rt.Fatalf("%+v: %q", s, wrong)
		}
	})
}

// try runs one job and tells what was wrong with it.
func (s state) try(t *testing.T) (wrong []string) {
	b := &bench{t: t, board: virtualduo.New(usual), hold: 3400 * time.Millisecond, unopened: map[string]error{}}
	defer b.board.Close()
	b.restart()
	s.apply(t, b)
	before, area, counters := usedKey(b.board), b.board.ApplicationDCT(), b.board.Counters()
	w := b.begin(s.Kind, job.Options{})
	err := w.run()
	time.Sleep(10 * time.Second)
	after, n := usedKey(b.board), b.board.Counters()
	writes := n.HostWrites - counters.HostWrites
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, args...)+fmt.Sprintf(" (ended with %v)", err))
		}
	}

	if err != nil {
		report := job.ReportOf(err)
		check(report.Hint != "" && report.Class == job.Unit || report.Class == job.Demand, "fault %s of class %s, hint %q", report.Code, report.Class, report.Hint)
	}
	if err == nil && s.Kind != job.Backup {
		check(after != "" && s.serverSound(b), "it passed, with key %.8q and server key sound: %v", after, s.serverSound(b))
		check(product(b.board) == duo.ProductRun, "it passed, and the board is on the bus as %04x", product(b.board))
	}
	saved := slices.ContainsFunc(b.records, func(r job.KeyRecord) bool { return r.Info.Fingerprint == before })
	check(before == "" || saved || s.Key == "spoilt D", "key %.8q was not saved", before)
	check(s.Kind == job.Restore || before == "" || after == before, "key %.8q was lost to %.8q", before, after)
	check(after != keyOf(t, 3).Fingerprint(), "the key of another board was written")
	check(writes <= 1, "%d writes", writes)
	check(writes == 0 || s.Kind == job.Repair || s.Kind == job.Restore, "a %s wrote", s.Kind)
	check(writes == 0 || err == nil, "it wrote and failed")
	healthy := before != "" && s.Key != "spoilt D" && s.soundBefore()
	check(writes == 0 || !healthy || s.Kind == job.Restore, "a healthy board was written")
	check(err == nil || !healthy || s.Kind == job.Restore, "a healthy board failed")
	check(writes > 0 || bytes.Equal(area, b.board.ApplicationDCT()), "the DCT has changed without a write")
	check(n.KeyGenerations == counters.KeyGenerations, "the board made a key")
	check(n.FactoryResets == 0 && n.WiFiWipes == 0, "counters %+v", n)
	if err == nil && s.Kind == job.Repair {
		again := b.begin(job.Repair, job.Options{}).run()
		check(again == nil && b.board.Counters().HostWrites == n.HostWrites, "a second repair wrote, or ended with %v", again)
	}
	return wrong
}

// usedKey is the key that the firmware would use. It takes a key that begins
// with FF for none, and makes another one.
func usedKey(board *virtualduo.Board) string {
	if board.ApplicationDCT()[duo.PrivateKeyOffset] == 0xFF {
		return ""
	}
	return board.FirmwareFingerprint()
}

func (s state) soundBefore() bool {
	return (s.Server == "particle" || s.Server == "custom") && (s.Address == "domain" || s.Address == "ipv4")
}

// serverSound looks at the board with eyes of its own.
func (s state) serverSound(b *bench) bool {
	area := b.board.ApplicationDCT()
	key := area[duo.ServerKeyOffset:][:duo.ServerKeyLen]
	address := area[duo.ServerAddressOffset:]
	return (bytes.Equal(key, duo.ParticleServerKey()) || bytes.Equal(key, customServerKey())) && (address[0] == 1 || address[0] == 0)
}

func customServerKey() []byte {
	key := duo.ParticleServerKey()
	for i := range key[33:289] { // its modulus
		key[33+i] ^= 0x55
	}
	return key
}

func (s state) apply(t *testing.T, b *bench) {
	t.Helper()
	b.must(b.board.InstallKey(keyOf(t, 1).Fixed().Reveal()))
	b.must(b.board.Commission())
	if s.InDFU || s.Key == "erased" || s.Key == "first byte erased" {
		b.intoDFU()
	} else {
		b.board.PowerOn()
		time.Sleep(5 * time.Second)
	}
	b.field(duo.ServerKeyOffset, map[string][]byte{"custom": customServerKey(), "erased": ff(duo.ServerKeyReserved), "corrupt": make([]byte, 40)}[s.Server])
	b.field(duo.ServerAddressOffset, map[string][]byte{"ipv4": {0, 4, 10, 0, 0, 1}, "erased": ff(duo.ServerAddressReserved), "invalid": {9, 9}}[s.Address])
	b.field(duo.PublicKeyOffset, map[string][]byte{"erased": ff(duo.PublicKeyReserved), "garbage": ramp(duo.PublicKeyReserved, 7)}[s.Public])
	b.field(duo.PrivateKeyOffset, s.key(t))
	if s.Both {
		b.field(duo.PrivateKeyOffset, s.key(t))
	}
	for _, name := range s.Records {
		b.store(namedRecord(t, b, name))
	}
}

func (b *bench) field(offset int, data []byte) {
	b.t.Helper()
	if data != nil {
		b.must(b.board.WriteDCT(offset, data))
	}
}

// key is what stands in the place of the private key; nil leaves it sound.
func (s state) key(t *testing.T) []byte {
	field := bytes.Clone(keyOf(t, 1).Fixed().Reveal())
	switch s.Key {
	case "minimal":
		return keyOf(t, 1).Minimal().Reveal()
	case "misread":
		return keyOf(t, misreadSeed).Minimal().Reveal()
	case "zeroed":
		return make([]byte, duo.PrivateKeyReserved)
	case "erased":
		return duo.ResetBlob()
	case "first byte erased":
		return []byte{0xFF}
	case "corrupt":
		return append(field[:145], ramp(duo.PrivateKeyStored-145, 3)...)
	case "holed":
		clear(field[350:420])
		return field
	case "spoilt D":
		clear(field[160:200])
		return field
	case "garbage":
		return ramp(duo.PrivateKeyStored, 5)
	}
	return nil
}

func ff(length int) []byte { return bytes.Repeat([]byte{0xFF}, length) }

func ramp(length int, step byte) []byte {
	data := make([]byte, length)
	for i := range data {
		data[i] = byte(i)*step + 1
	}
	return data
}

func namedRecord(t *testing.T, b *bench, name string) job.KeyRecord {
	t.Helper()
	now := &job.Stamp{At: time.Now()}
	own := idOf(b.board)
	switch name {
	case "own":
		return recordOf(t, 1, own)
	case "own proven":
		r := recordOf(t, 1, own)
		r.Info.ProvenAt, r.Block = now, secretCopy(r.Block)
		r.Block.Reveal()[duo.BlockLen-1] = 1
		return r
	case "own other":
		return recordOf(t, 2, own)
	case "nobody's":
		return recordOf(t, 1, "")
	case "another board's":
		return recordOf(t, 3, otherID)
	case "broken":
		r := recordOf(t, 4, own)
		r.Info.OfferedAt = now
		clear(r.Block.Reveal()[200:])
		return r
	default:
		r := recordOf(t, 5, own)
		r.Info.Fingerprint, r.Info.KeyState = "", string(duo.PrivateKeyErased)
		clear(r.Block.Reveal())
		return r
	}
}
