package keystore_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"duogateway/job"
	"duogateway/keystore"
	"duogateway/secret"
)

// open opens a store and closes it at the end of the test.
func open(t testing.TB, folder string, opts keystore.Options) *keystore.Store {
	t.Helper()
	s, err := keystore.Open(folder, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// fill makes a store with two finished jobs, one that is not, and a record of
// each, and returns its folder.
func fill(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	s, err := keystore.Open(folder, keystore.Options{Post: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, state := range []job.State{job.Succeeded, job.Failed, job.Running} {
		e := entry(fmt.Sprintf("job-%d", i), state)
		e.Records = []job.KeyRecord{record(device(i), i)}
		e.Audit = []job.AuditNote{{At: stamp(i), Who: "tester", What: "test"}}
		commit(t, s, e)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return folder
}

func commit(t testing.TB, s *keystore.Store, e *job.Entry) {
	t.Helper()
	if err := s.Commit(e); err != nil {
		t.Fatal(err)
	}
}

// entry is a transaction of a job, with one event.
func entry(id string, state job.State) *job.Entry {
	return &job.Entry{
		Job: job.Job{
			Request: job.Request{ID: id, Kind: job.Backup, Bay: "bay-1", Source: job.FromCommand},
			State:   state, Presence: 1, Steps: []job.StepOutcome{}, Admitted: stamp(0),
		},
		Memory: json.RawMessage(`{"at":"` + string(state) + `"}`),
		Events: []job.Event{{At: stamp(0), What: job.StepDone, Job: id, Bay: "bay-1", Detail: string(state)}},
	}
}

func stamp(second int) job.Stamp {
	return job.Stamp{At: time.Date(2026, 3, 1, 12, 0, second, 123456789, time.UTC), Boot: "boot"}
}

func device(i int) string { return fmt.Sprintf("%024x", 0x300000+i) }

// Where things lie in the raw bytes of a board whose DCT is in the two sectors
// of 16 KiB at 0x08004000 and 0x08008000.
const (
	rawSize   = 48 << 10
	blockAt   = 7548 + 34 // header and SDK part, then offset 34 of the application DCT
	blockSize = 2560
	keySize   = 611
)

// dump is what the flash of a board looks like: erased, but for a DCT in each
// of two sectors, the second one older, with a private key, a public key, a
// server key and Wi-Fi settings that cannot be compressed.
func dump(seed int) (raw, block []byte) {
	random := rand.New(rand.NewPCG(uint64(seed), 1))
	raw = make([]byte, rawSize)
	for i := range raw {
		raw[i] = 0xFF
	}
	scatter := func(at, size int) {
		for i := range size {
			raw[at+i] = byte(random.Uint32())
		}
	}
	for _, sector := range []int{0, 16 << 10} {
		clear(raw[sector : sector+blockAt])
		scatter(sector, 60)              // header
		scatter(sector+1000, 300)        // Wi-Fi
		scatter(sector+blockAt, keySize) // private key
		clear(raw[sector+blockAt+keySize : sector+blockAt+1216])
		scatter(sector+blockAt+1216, 162) // public key
	}
	return raw, raw[blockAt : blockAt+blockSize]
}

func record(device string, seed int) job.KeyRecord {
	raw, block := dump(seed)
	return job.KeyRecord{
		Info: job.RecordInfo{
			DeviceID: device, KeyState: "valid", Fingerprint: fmt.Sprintf("%064x", seed), Bootloader: 6,
			Job: "some-job", Bay: "bay-1", Presence: 3, Stored: stamp(seed % 60),
		},
		Raw: secret.Of(raw), Block: secret.Of(block),
	}
}

// small is a record that is quick to seal.
func small(device string, seed int) job.KeyRecord {
	r := record(device, seed)
	r.Raw, r.Block = secret.Of(r.Raw.Reveal()[:500]), secret.Of(r.Block.Reveal()[:100])
	return r
}

// tamper changes a closed store behind its back.
func tamper(t testing.TB, folder string, change func(*bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(filepath.Join(folder, keystore.StoreFile), 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(change); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func write(t testing.TB, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// expectCode fails the test unless err carries the code.
func expectCode(t testing.TB, err error, code job.Code) {
	t.Helper()
	if !job.HasCode(err, code) {
		t.Errorf("got %v, want the fault %s", err, code)
	}
}
