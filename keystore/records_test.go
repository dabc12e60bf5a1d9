package keystore_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"duogateway/job"
	"duogateway/keystore"
	"duogateway/keystore/seal"
	"duogateway/secret"
)

// commitRecord stores one record with a job of its own, and returns the id.
func commitRecord(t testing.TB, s *keystore.Store, id string, r job.KeyRecord) string {
	t.Helper()
	e := entry(id, job.Succeeded)
	e.Records = []job.KeyRecord{r}
	commit(t, s, e)
	return r.ContentID()
}

func expectSame(t testing.TB, got, want job.KeyRecord) {
	t.Helper()
	if !bytes.Equal(got.Raw.Reveal(), want.Raw.Reveal()) || !bytes.Equal(got.Block.Reveal(), want.Block.Reveal()) {
		t.Errorf("the bytes are not those that were stored")
	}
	info := want.Info
	info.ID = want.ContentID()
	if !reflect.DeepEqual(got.Info, info) {
		t.Errorf("the record is\n%+v, want\n%+v", got.Info, info)
	}
}

// What was sealed before is opened after a restart. // P1, P5
func TestRecordIsReadBack(t *testing.T) {
	folder := t.TempDir()
	proven, offered := stamp(30), stamp(20)
	full := record(device(1), 1)
	full.Info.ProvenAt, full.Info.OfferedAt = &proven, &offered
	noBlock := record("", 2)
	noBlock.Block, noBlock.Info.Fingerprint = secret.Bytes{}, ""
	onlyKey := record(device(3), 3)
	onlyKey.Raw = secret.Bytes{}
	all := []job.KeyRecord{full, noBlock, onlyKey}

	s, err := keystore.Open(folder, keystore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := entry("a", job.Succeeded)
	e.Records = all
	commit(t, s, e)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(t, folder, keystore.Options{})
	for _, want := range all {
		got, err := s.Record(want.ContentID())
		if err != nil {
			t.Fatal(err)
		}
		expectSame(t, got, want)
	}
	list, err := s.AllRecords()
	if err != nil || len(list) != 3 {
		t.Fatalf("%d records, %v", len(list), err)
	}
	for i, info := range list { // oldest first
		if info.Stored != all[i].Info.Stored {
			t.Errorf("record %d was stored at %v", i, info.Stored.At)
		}
	}
	for device, want := range map[string]int{device(1): 1, "": 1, device(3): 1, device(2): 0} {
		if list, err := s.Records(device); err != nil || len(list) != want {
			t.Errorf("%d records of %q, %v", len(list), device, err)
		}
	}
}

// The same state of the same board is one record, however often it is read:
// what was known of it stays, and what is new about it is told once.
func TestRecordsAreStoredOnce(t *testing.T) {
	s := open(t, t.TempDir(), keystore.Options{Post: true})
	proven := stamp(10)
	first := record(device(1), 1)
	first.Info.ProvenAt = &proven
	id := commitRecord(t, s, "a", first)
	before, err := s.AllRecords()
	if err != nil {
		t.Fatal(err)
	}

	again := record(device(1), 1)
	again.Info.Job, again.Info.Stored, again.Info.KeyState = "b", stamp(50), "erased"
	e := entry("b", job.Succeeded)
	e.Records = []job.KeyRecord{again, again}
	commit(t, s, e)
	if err := s.Import([]job.KeyRecord{again}, job.AuditNote{Who: "somebody"}); err != nil {
		t.Fatal(err)
	}
	after, err := s.AllRecords()
	if err != nil || !reflect.DeepEqual(after, before) || after[0].ProvenAt == nil {
		t.Errorf("the records changed from\n%+v to\n%+v, %v", before, after, err)
	}
	if got, err := s.Record(id); err != nil || got.Info.ProvenAt == nil || *got.Info.ProvenAt != proven {
		t.Errorf("%+v, %v", got.Info, err)
	}

	other := record(device(2), 1) // the same bytes on another board
	two := commitRecord(t, s, "c", other)
	if two == id {
		t.Error("two boards share a record")
	}
	var told []string
	events, err := s.Events(0, 99)
	for _, event := range events {
		if event.What == job.RecordStored {
			told = append(told, event.Job+" "+event.Detail)
		}
	}
	if want := []string{"a record " + id + ", key valid", "c record " + two + ", key valid"}; err != nil || !slices.Equal(told, want) {
		t.Errorf("told %q, %v", told, err)
	}
	if letters, err := s.Outbox(99); err != nil || len(letters) != len(events)+3 { // and 3 jobs
		t.Errorf("%d letters of %d events, %v", len(letters), len(events), err)
	}
}

// The event of a new record comes before those of the entry.
func TestRecordEventIsNumbered(t *testing.T) {
	s := open(t, t.TempDir(), keystore.Options{})
	e := entry("a", job.Running)
	e.Records = []job.KeyRecord{record(device(1), 1)}
	commit(t, s, e)
	if len(e.Events) != 2 || e.Events[0].What != job.RecordStored || e.Events[0].Number != 1 || e.Events[1].Number != 2 ||
		e.Events[0].Job != "a" || e.Events[0].Bay != "bay-1" || e.Events[0].At != stamp(1) {
		t.Errorf("events %+v", e.Events)
	}
}

func TestImport(t *testing.T) {
	s := open(t, t.TempDir(), keystore.Options{Post: true})
	r := record(device(1), 1)
	note := job.AuditNote{At: stamp(1), Who: "operator", What: "import", Detail: "from a backup"}
	if err := s.Import([]job.KeyRecord{r}, note); err != nil {
		t.Fatal(err)
	}
	got, err := s.Record(r.ContentID())
	if err != nil {
		t.Fatal(err)
	}
	expectSame(t, got, r)
	if audit, err := s.Audit(0, 9); err != nil || !reflect.DeepEqual(audit, []job.AuditNote{note}) {
		t.Errorf("audit %+v, %v", audit, err)
	}
	events, err := s.Events(0, 9)
	if err != nil || len(events) != 1 || events[0].What != job.RecordStored || events[0].Job != "" {
		t.Errorf("events %+v, %v", events, err)
	}
	if jobs, err := s.Jobs(9); err != nil || len(jobs) != 0 {
		t.Errorf("jobs %+v, %v", jobs, err)
	}
	note.At.At = note.At.At.AddDate(9000, 0, 0)
	expectCode(t, s.Import([]job.KeyRecord{record(device(2), 2)}, note), job.StoreFailed)
	if list, err := s.AllRecords(); err != nil || len(list) != 1 {
		t.Errorf("%d records without their audit, %v", len(list), err)
	}
}

// A record can be opened whatever clock its time was read from.
func TestRecordOfAnyTimeZone(t *testing.T) {
	s := open(t, t.TempDir(), keystore.Options{})
	for i, at := range []time.Time{
		time.Now(), time.Now().UTC(), stamp(0).At.In(time.FixedZone("", 5*3600+1800)), stamp(0).At.In(time.FixedZone("UTC", 0)), {},
	} {
		r := record(device(i), i)
		r.Info.Stored.At = at
		id := commitRecord(t, s, fmt.Sprint(i), r)
		if got, err := s.Record(id); err != nil || !got.Info.Stored.At.Equal(at) {
			t.Errorf("stored at %v, opened %v, %v", at, got.Info.Stored.At, err)
		}
	}
}

// What could not be opened again is not taken in: a backup that cannot be read
// is none. // P1
func TestRecordThatCouldNotBeOpened(t *testing.T) {
	s := open(t, t.TempDir(), keystore.Options{})
	for name, spoil := range map[string]func(*job.KeyRecord){
		"far too long":       func(r *job.KeyRecord) { r.Raw = secret.Of(make([]byte, 2<<20)) },
		"a name of no text":  func(r *job.KeyRecord) { r.Info.DeviceID = "\xff" },
		"a state of no text": func(r *job.KeyRecord) { r.Info.KeyState = "\xff" },
	} {
		r := record(device(1), 1)
		spoil(&r)
		e := entry("a", job.Running)
		e.Records = []job.KeyRecord{r}
		err := s.Commit(e)
		if err == nil {
			_, err = s.Record(r.ContentID())
			t.Errorf("%s: it was taken in, and opening it gives %v", name, err)
			continue
		}
		if !job.HasCode(err, job.StoreFailed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list, err := s.AllRecords(); err != nil || len(list) != 0 {
		t.Errorf("%d records, %v", len(list), err)
	}
}

// What the index says must be what is sealed inside: a record that was moved
// to another board, or whose bytes were changed or exchanged, is not used.
func TestTamperedRecords(t *testing.T) {
	one, two := small(device(1), 1), small(device(2), 2)
	id, other := []byte(one.ContentID()), []byte(two.ContentID())
	index := func(change func(*job.RecordInfo)) func(tx *bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte("records"))
			var info job.RecordInfo
			if err := json.Unmarshal(b.Get(id), &info); err != nil {
				return err
			}
			change(&info)
			text, err := json.Marshal(info)
			if err != nil {
				return err
			}
			return b.Put(id, text)
		}
	}
	sealed := func(change func([]byte) []byte) func(tx *bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte("sealed"))
			return b.Put(id, change(bytes.Clone(b.Get(id))))
		}
	}
	for name, change := range map[string]func(tx *bolt.Tx) error{
		"device id":      index(func(i *job.RecordInfo) { i.DeviceID = device(2) }),
		"no device id":   index(func(i *job.RecordInfo) { i.DeviceID = "" }),
		"fingerprint":    index(func(i *job.RecordInfo) { i.Fingerprint = two.Info.Fingerprint }),
		"key state":      index(func(i *job.RecordInfo) { i.KeyState = "erased" }),
		"bootloader":     index(func(i *job.RecordInfo) { i.Bootloader = 3 }),
		"job":            index(func(i *job.RecordInfo) { i.Job = "other" }),
		"bay":            index(func(i *job.RecordInfo) { i.Bay = "other" }),
		"presence":       index(func(i *job.RecordInfo) { i.Presence++ }),
		"time":           index(func(i *job.RecordInfo) { i.Stored.At = i.Stored.At.Add(time.Nanosecond) }),
		"trust in time":  index(func(i *job.RecordInfo) { i.Stored.Trusted = true }),
		"boot":           index(func(i *job.RecordInfo) { i.Stored.Boot = "other" }),
		"id inside":      index(func(i *job.RecordInfo) { i.ID = string(other) }),
		"no index":       func(tx *bolt.Tx) error { return tx.Bucket([]byte("records")).Delete(id) },
		"nothing sealed": func(tx *bolt.Tx) error { return tx.Bucket([]byte("sealed")).Delete(id) },
		"exchanged": func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte("sealed"))
			mine, theirs := bytes.Clone(b.Get(id)), bytes.Clone(b.Get(other))
			if err := b.Put(id, theirs); err != nil {
				return err
			}
			return b.Put(other, mine)
		},
		"whole record renamed": func(tx *bolt.Tx) error {
			for _, name := range []string{"records", "sealed", "marks"} {
				b := tx.Bucket([]byte(name))
				if err := b.Put(id, bytes.Clone(b.Get(other))); err != nil {
					return err
				}
			}
			return nil
		},
		"sealed: first byte": sealed(func(b []byte) []byte { b[0] ^= 1; return b }),
		"sealed: last byte":  sealed(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }),
		"sealed: cut":        sealed(func(b []byte) []byte { return b[:len(b)-1] }),
		"sealed: empty":      sealed(func([]byte) []byte { return []byte{} }),
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			s, err := keystore.Open(folder, keystore.Options{})
			if err != nil {
				t.Fatal(err)
			}
			commitRecord(t, s, "a", one)
			commitRecord(t, s, "b", two)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			tamper(t, folder, change)
			_, err = open(t, folder, keystore.Options{}).Record(string(id))
			expectCode(t, err, job.RecordUnreadable)
		})
	}
}

// Who knows the public key of the station can seal what they like. Still the
// id says what is inside.
func TestForgedRecords(t *testing.T) {
	for name, forge := range map[string]func(*job.KeyRecord){
		"other bytes": func(r *job.KeyRecord) { r.Raw.Reveal()[0] ^= 1 },
		"other name":  func(r *job.KeyRecord) { r.Info.ID = "other" },
		"unchanged":   func(*job.KeyRecord) {},
	} {
		t.Run(name, func(t *testing.T) {
			folder := fill(t)
			sealer, err := seal.Load(filepath.Join(folder, keystore.IdentityFile), nil)
			if err != nil {
				t.Fatal(err)
			}
			r := small(device(1), 1)
			id := r.ContentID()
			r.Info.ID = id
			forge(&r)
			var plain bytes.Buffer
			w := gzip.NewWriter(&plain)
			content := map[string]any{"Info": r.Info, "Raw": r.Raw.Reveal(), "Block": r.Block.Reveal()}
			if err := errors.Join(json.NewEncoder(w).Encode(content), w.Close()); err != nil {
				t.Fatal(err)
			}
			sealed, err := sealer.Seal(secret.Of(plain.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			index, err := json.Marshal(r.Info)
			if err != nil {
				t.Fatal(err)
			}
			tamper(t, folder, func(tx *bolt.Tx) error {
				return errors.Join(
					tx.Bucket([]byte("records")).Put([]byte(id), index),
					tx.Bucket([]byte("sealed")).Put([]byte(id), sealed),
				)
			})
			_, err = open(t, folder, keystore.Options{}).Record(id)
			if name == "unchanged" {
				if err != nil {
					t.Errorf("what was not forged does not open: %v", err)
				}
				return
			}
			expectCode(t, err, job.RecordUnreadable)
		})
	}
}

// A record that this station sealed, but to somebody else's identity only.
func TestRecordOfAnotherStation(t *testing.T) {
	folder, elsewhere := t.TempDir(), t.TempDir()
	r := record(device(1), 1)
	for _, f := range []string{folder, elsewhere} {
		s, err := keystore.Open(f, keystore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		commitRecord(t, s, "a", r)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(folder, keystore.IdentityFile), read(t, filepath.Join(elsewhere, keystore.IdentityFile)))
	_, err := open(t, folder, keystore.Options{}).Record(r.ContentID())
	expectCode(t, err, job.RecordUnreadable)
}

// A record takes little more room than what cannot be compressed in it.
func TestSizeOfARecord(t *testing.T) {
	const records = 25
	size := func(with bool) int64 {
		folder := t.TempDir()
		s := open(t, folder, keystore.Options{})
		for i := range records {
			e := entry(fmt.Sprint("job-", i), job.Succeeded)
			if with {
				e.Records = []job.KeyRecord{record(device(i), i)}
			}
			commit(t, s, e)
		}
		return inUse(t, s, folder)
	}
	with, without := size(true), size(false)
	each := (with - without) / records
	t.Logf("a record takes %d bytes of the file, a job with one event %d", each, without/records)
	if each > 10<<10 {
		t.Errorf("a record takes %d bytes of the file", each)
	}
}

// inUse is the size of a store after it was compacted.
func inUse(t *testing.T, s *keystore.Store, folder string) int64 {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	from, err := bolt.Open(filepath.Join(folder, keystore.StoreFile), 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "compact")
	to, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	if err := bolt.Compact(to, from, 0); err != nil {
		t.Fatal(err)
	}
	_ = to.View(func(tx *bolt.Tx) error { size = tx.Size(); return nil })
	_, _ = from.Close(), to.Close()
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Fatal(err)
	}
	return size
}
