package recipe_test

import (
	"bytes"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/test/rig"
	virtualduo "duogateway/virtual/duo"
)

// usual is the board of most tests.
var usual = virtualduo.Config{Seed: 1, FactoryImage: true, WiFi: true}

// misreadSeed makes a key whose minimal form a board misreads.
const misreadSeed = 94

var keys sync.Map // seed: func() *duo.PrivateKey

// keyOf is the same key for the same seed. Making one takes a while.
func keyOf(t *testing.T, seed uint64) *duo.PrivateKey {
	t.Helper()
	made, _ := keys.LoadOrStore(seed, sync.OnceValue(func() *duo.PrivateKey {
		key, err := duo.ImportPrivateKey(virtualduo.GenerateKey(seed).Reveal())
		if err != nil {
			panic(err)
		}
		return key
	}))
	return made.(func() *duo.PrivateKey)()
}

// bubble runs a scenario in fake time.
func bubble(t *testing.T, scenario func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, scenario)
}

// running is a rig whose board has the key of seed 1 and runs its firmware.
func running(t *testing.T) (*rig.Rig, *duo.PrivateKey) {
	t.Helper()
	r := rig.New(t, usual)
	key := keyOf(t, 1)
	install(r, key)
	r.Board.PowerOn()
	r.AwaitRunning()
	return r, key
}

// kept is running with a backup of the board in the store.
func kept(t *testing.T) (*rig.Rig, *duo.PrivateKey) {
	t.Helper()
	r, key := running(t)
	r.Keep()
	return r, key
}

func install(r *rig.Rig, key *duo.PrivateKey) {
	r.T.Helper()
	r.Must(r.Board.InstallKey(key.Fixed().Reveal()))
}

// A damage is what happened to a board before it came to the station.
type damage func(r *rig.Rig)

func none(*rig.Rig) {}

func zeroed(r *rig.Rig) { r.Lose(make([]byte, duo.PrivateKeyReserved)) }

// corrupt leaves the modulus of the key, and nothing behind it.
func corrupt(r *rig.Rig) {
	field := r.Board.ApplicationDCT()[duo.PrivateKeyOffset:][:duo.PrivateKeyStored]
	for i := 145; i < len(field); i++ {
		field[i] ^= 0xFF
	}
	r.Lose(field)
}

// misread leaves the key of misreadSeed on the board as openssl writes it.
func misread(r *rig.Rig) { r.Must(r.Board.InstallKey(keyOf(r.T, misreadSeed).Minimal().Reveal())) }

// erased leaves the board in DFU mode: running, it would make a new key.
func erased(r *rig.Rig) {
	r.Board.PowerOff()
	r.Lose(duo.ResetBlob())
	intoDFU(r, r.Board)
}

func both(damages ...damage) damage {
	return func(r *rig.Rig) {
		for _, d := range damages {
			d(r)
		}
	}
}

func wrote(offset int, data ...byte) damage {
	return func(r *rig.Rig) { r.Must(r.Board.WriteDCT(offset, data)) }
}

func filled(offset int, value byte, length int) damage {
	return wrote(offset, bytes.Repeat([]byte{value}, length)...)
}

// customServerKey is well formed and not Particle's.
func customServerKey() []byte {
	key := duo.ParticleServerKey()
	for i := range key[33:289] { // its modulus
		key[33+i] ^= 0x55
	}
	return key
}

// intoDFU brings a board into DFU mode as a technician's thumbs do.
func intoDFU(r *rig.Rig, board *virtualduo.Board) {
	r.T.Helper()
	board.PowerOff()
	board.SetSetup(true)
	board.PowerOn()
	time.Sleep(3400 * time.Millisecond)
	board.SetSetup(false)
	time.Sleep(time.Second)
	if product(board) != duo.ProductDFU {
		r.T.Fatal("the board is not in DFU mode")
	}
}

// product is what the board shows on the bus; 0 when it is not there.
func product(board *virtualduo.Board) uint16 {
	attached, _ := board.Attached()
	return attached.Product
}

// do asks for a job that must end with this fault code, or pass without one.
func do(r *rig.Rig, request job.Request, code job.Code) job.Job {
	r.T.Helper()
	j := r.Do(request)
	ended(r, j, code)
	return j
}

// ended checks how a job has ended, and that it tells what to do when it has
// not passed.
func ended(r *rig.Rig, j job.Job, code job.Code) {
	r.T.Helper()
	if code == "" {
		if j.State != job.Succeeded || j.Verdict != job.Pass || j.Fault != nil {
			r.T.Errorf("the %s is %s, verdict %q, fault %+v\n%s", j.Kind, j.State, j.Verdict, j.Fault, r.Log.String())
		}
		return
	}
	if j.Fault == nil || j.Fault.Code != code {
		r.T.Fatalf("the %s is %s, fault %+v, want %s\n%s", j.Kind, j.State, j.Fault, code, r.Log.String())
	}
	if want := j.Fault.Class.Verdict(); j.Verdict != want || j.State != want.State() || j.Fault.Hint == "" {
		r.T.Errorf("the %s is %s, verdict %s, fault %+v", j.Kind, j.State, j.Verdict, j.Fault)
	}
}

// seen is a board as it was once.
type seen struct {
	flash       []byte
	area        []byte
	fingerprint string
	counters    virtualduo.Counters
}

func look(r *rig.Rig) seen {
	return seen{r.Board.Flash(), r.Board.ApplicationDCT(), r.Board.FirmwareFingerprint(), r.Board.Counters()}
}

// untouched checks that no host has written since.
func (s seen) untouched(r *rig.Rig) {
	r.T.Helper()
	if now := r.Board.Counters(); now.HostWrites != s.counters.HostWrites || now.HostErases != s.counters.HostErases {
		r.T.Errorf("%d blocks were written and %d sectors erased", now.HostWrites-s.counters.HostWrites, now.HostErases-s.counters.HostErases)
	}
	if !bytes.Equal(r.Board.ApplicationDCT(), s.area) {
		r.T.Error("the DCT has changed")
	}
}

// changed checks that one block was written, and that nothing on the board has
// changed by it but the given fields of the DCT.
func (s seen) changed(r *rig.Rig, fields ...field) {
	r.T.Helper()
	if n := r.Board.Counters().HostWrites - s.counters.HostWrites; n != 1 {
		r.T.Errorf("%d blocks were written, want 1", n)
	}
	want := bytes.Clone(s.area)
	for _, f := range fields {
		copy(want[f.offset:], f.data)
	}
	if got := r.Board.ApplicationDCT(); !bytes.Equal(got, want) {
		r.T.Errorf("the DCT is not what it should be, from offset %d on", firstDifference(got, want))
	}
	now := r.Board.Flash()
	if !bytes.Equal(now[:0x8000], s.flash[:0x8000]) || !bytes.Equal(now[0x10000:], s.flash[0x10000:]) {
		r.T.Error("the flash has changed beside the two copies of the DCT")
	}
	s.sameWiFi(r)
}

// sameWiFi checks what both copies of the DCT hold before the application's
// part: it is what the current copy held.
func (s seen) sameWiFi(r *rig.Rig) {
	r.T.Helper()
	const mfgInfo, application = 0x184, 0x1D7C
	now := r.Board.Flash()
	old := [][]byte{s.flash[0x8000+mfgInfo : 0x8000+application], s.flash[0xC000+mfgInfo : 0xC000+application]}
	for _, base := range []int{0x8000, 0xC000} {
		part := now[base+mfgInfo : base+application]
		if !bytes.Equal(part, old[0]) && !bytes.Equal(part, old[1]) {
			r.T.Errorf("the Wi-Fi settings in the copy at %#x have changed", base)
		}
	}
}

type field struct {
	offset int
	data   []byte
}

// keyFields are the fields that hold a key in the board's own form.
func keyFields(key *duo.PrivateKey) []field {
	public := make([]byte, duo.PublicKeyReserved)
	copy(public, key.SPKI())
	return []field{{duo.PrivateKeyOffset, key.Fixed().Reveal()}, {duo.PublicKeyOffset, public}}
}

func firstDifference(a, b []byte) int {
	for i := range a {
		if a[i] != b[i] {
			return i
		}
	}
	return len(a)
}

// hasKey checks which key the board's firmware would use.
func hasKey(r *rig.Rig, key *duo.PrivateKey) {
	r.T.Helper()
	if r.Board.FirmwareFingerprint() != key.Fingerprint() {
		r.T.Error("the right key is not on the board")
	}
}
