package keystore_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	bolt "go.etcd.io/bbolt"

	"duogateway/job"
	"duogateway/keystore"
)

const page = 4096

// sound is a store as fill makes it.
func sound(t testing.TB) (folder string, file []byte) {
	folder = fill(t)
	return folder, read(t, filepath.Join(folder, keystore.StoreFile))
}

func TestDamagedFile(t *testing.T) {
	whole, good := sound(t)
	identity := read(t, filepath.Join(whole, keystore.IdentityFile))
	random := make([]byte, 3*page)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(random)
	for name, file := range map[string][]byte{
		"empty":               {},
		"one byte":            {1},
		"text":                []byte("this is not a store\n"),
		"one page":            good[:page],
		"a byte short of two": good[:2*page-1],
		"random":              random,
		"zeros":               make([]byte, 8*page),
		"erased":              bytes.Repeat([]byte{0xFF}, 8*page),
		"a SQLite file":       append([]byte("SQLite format 3\x00"), random...),
		"only its start":      good[:2*page],
		"both metas zeroed":   append(make([]byte, 2*page), good[2*page:]...),
		"metas, then zeros":   append(bytes.Clone(good[:2*page]), make([]byte, len(good)-2*page)...),
		"metas, then erased":  append(bytes.Clone(good[:2*page]), bytes.Repeat([]byte{0xFF}, len(good)-2*page)...),
		"half of it":          good[:len(good)/2],
		"three pages":         good[:3*page],
		"its second half":     good[len(good)/2:],
		"moved by one":        append([]byte{0}, good...),
		"root beyond the end": forge(good, 16, 1<<40),
		"root at a meta page": forge(good, 16, 0),
		"free list beyond":    forge(good, 32, 1<<30),
		"free list at a leaf": forge(good, 32, 3),
		"huge page size":      forge(good, 8, 1<<31|6),
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			write(t, filepath.Join(folder, keystore.IdentityFile), identity)
			write(t, filepath.Join(folder, keystore.StoreFile), file)
			expectDamaged(t, folder)
			if !strings.HasPrefix(name, "free list") { // bbolt gives that memory back only when it exits
				expectUnmapped(t, folder)
			}
		})
	}
}

// forge changes a field of both meta pages, by its offset in the meta data, and
// makes their checksums right: bbolt believes it.
func forge(file []byte, offset int, value uint64) []byte {
	forged := bytes.Clone(file)
	for _, at := range []int{16, page + 16} {
		meta := forged[at : at+64]
		binary.NativeEndian.PutUint64(meta[offset:], value)
		sum(meta)
	}
	return forged
}

// sum puts the checksum behind the first 56 bytes of a meta page.
func sum(meta []byte) {
	hash := fnv.New64a()
	hash.Write(meta[:56])
	binary.NativeEndian.PutUint64(meta[56:], hash.Sum64())
}

// expectDamaged opens a store that is not to be opened: the error says so, the
// file stays as it is, and is not held afterwards.
func expectDamaged(t *testing.T, folder string) {
	t.Helper()
	path := filepath.Join(folder, keystore.StoreFile)
	before := read(t, path)
	_, err := keystore.Open(folder, keystore.Options{})
	expectCode(t, err, job.StoreDamaged)
	if string(read(t, path)) != string(before) {
		t.Error("the file has changed")
	}
	expectClosed(t, folder)
}

// expectClosed fails the test when this process still has a file of the folder
// open, and so perhaps locked.
func expectClosed(t *testing.T, folder string) {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range open {
		if target, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(target, folder) {
			t.Errorf("%s is still open", target)
		}
	}
}

// expectUnmapped fails the test when a file of the folder is still mapped.
func expectUnmapped(t *testing.T, folder string) {
	t.Helper()
	if strings.Contains(string(read(t, "/proc/self/maps")), folder) {
		t.Error("a file is still mapped")
	}
}

// Cut anywhere, a store opens only if all that it uses is there.
func TestCutStore(t *testing.T) {
	folder := fill(t)
	path := filepath.Join(folder, keystore.StoreFile)
	var used int64
	tamper(t, folder, func(tx *bolt.Tx) error { used = tx.Size(); return nil })
	good := read(t, path)
	for size := 0; size <= len(good); size += page {
		t.Run(fmt.Sprintf("%d pages", size/page), func(t *testing.T) {
			write(t, path, good[:size])
			if int64(size) < used {
				expectDamaged(t, folder)
			} else if list, err := open(t, folder, keystore.Options{}).AllRecords(); err != nil || len(list) != 3 {
				t.Errorf("%d records, %v", len(list), err)
			}
		})
	}
}

// One flipped bit in a meta page costs at most the last transaction: bbolt has
// the one before in the other.
func TestFlippedMeta(t *testing.T) {
	folder, good := sound(t)
	step := 1
	if checked { // which is slow
		step = 7
	}
	for _, start := range []int{0, page} {
		for at := 0; at < 16+64; at += step {
			file := bytes.Clone(good)
			file[start+at] ^= 1 << (at % 8)
			write(t, filepath.Join(folder, keystore.StoreFile), file)
			judge(t, folder)
		}
	}
	for at := 0; at < 64; at += step { // in both
		file := bytes.Clone(good)
		file[16+at] ^= 1
		file[page+16+at] ^= 1
		write(t, filepath.Join(folder, keystore.StoreFile), file)
		expectDamaged(t, folder)
	}
}

// judge opens a store of doubtful content. It opens or is damaged, and stays
// as it is; what opens can be read without a crash.
func judge(t *testing.T, folder string) {
	t.Helper()
	path := filepath.Join(folder, keystore.StoreFile)
	before := read(t, path)
	s, err := keystore.Open(folder, keystore.Options{})
	if err != nil {
		expectCode(t, err, job.StoreDamaged)
	} else {
		readAll(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if !bytes.Equal(read(t, path), before) {
		t.Error("the file has changed")
	}
	expectClosed(t, folder)
}

// readAll reads what there is. Errors have codes that tell what is wrong.
func readAll(t *testing.T, s *keystore.Store) {
	t.Helper()
	_, _, _, errJob := s.Job("job-1")
	_, errUnfinished := s.Unfinished()
	_, errJobs := s.Jobs(99)
	_, _, errBay := s.Bay("bay-1")
	_, errEvents := s.Events(0, 99)
	_, errOutbox := s.Outbox(99)
	_, errAudit := s.Audit(0, 99)
	records, errRecords := s.AllRecords()
	for _, err := range []error{errJob, errUnfinished, errJobs, errBay, errEvents, errOutbox, errAudit, errRecords} {
		if err != nil {
			expectCode(t, err, job.StoreDamaged)
		}
	}
	for _, r := range records[:min(len(records), 1)] { // each takes its time
		_, err := s.Record(r.ID)
		if err != nil && !job.HasCode(err, job.StoreDamaged) && !job.HasCode(err, job.UnknownRecord) {
			expectCode(t, err, job.RecordUnreadable)
		}
	}
}

// A page that the disk has lost, mixed up or filled with anything is found
// when it is met, and the store does not crash over it.
func TestDamagedPages(t *testing.T) {
	folder, good := sound(t)
	random := make([]byte, page)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(random)
	for at := 2 * page; at < len(good); at += page {
		other := (at + page) % len(good)
		for _, content := range [][]byte{make([]byte, page), bytes.Repeat([]byte{0xFF}, page), random, good[other : other+page]} {
			file := bytes.Clone(good)
			copy(file[at:], content)
			write(t, filepath.Join(folder, keystore.StoreFile), file)
			judge(t, folder)
		}
	}
}

// The same for single bytes, most of them in the tables at the start of pages.
func TestDamagedBytes(t *testing.T) {
	if checked {
		t.Skip("the race detector does not let bbolt stumble")
	}
	folder, good := sound(t)
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		file := bytes.Clone(good)
		for range 1 + random.IntN(4) {
			at := 2*page + random.IntN(len(file)-2*page)
			if random.IntN(2) == 0 {
				at = at/page*page + random.IntN(100)
			}
			file[at] = byte(random.Uint32())
		}
		write(t, filepath.Join(folder, keystore.StoreFile), file)
		judge(t, folder)
	}
}

// What is damaged is said to be damaged, not that it could not be written.
func TestDamagedValues(t *testing.T) {
	folder := fill(t)
	tamper(t, folder, func(tx *bolt.Tx) error {
		for _, bucket := range []string{"jobs", "bays", "records", "events", "outbox", "audit"} {
			b := tx.Bucket([]byte(bucket))
			key, _ := b.Cursor().First()
			if err := b.Put(bytes.Clone(key), []byte("{")); err != nil {
				return err
			}
		}
		return nil
	})
	s := open(t, folder, keystore.Options{})
	_, _, _, errJob := s.Job("job-0")
	_, errJobs := s.Jobs(99)
	_, _, errBay := s.Bay("bay-1")
	_, errEvents := s.Events(0, 99)
	_, errOutbox := s.Outbox(99)
	_, errAudit := s.Audit(0, 99)
	_, errRecords := s.AllRecords()
	_, errOfOne := s.Records(device(0))
	for i, err := range []error{errJob, errJobs, errBay, errEvents, errOutbox, errAudit, errRecords, errOfOne, s.Commit(entry("job-0", job.Failed))} {
		if !job.HasCode(err, job.StoreDamaged) {
			t.Errorf("case %d: %v", i, err)
		}
	}
}

// A job that is listed and is not there is damage, not a job without a name.
func TestLostJob(t *testing.T) {
	folder := fill(t)
	tamper(t, folder, func(tx *bolt.Tx) error { return tx.Bucket([]byte("jobs")).Delete([]byte("job-2")) })
	s := open(t, folder, keystore.Options{})
	_, errJobs := s.Jobs(9)
	_, errUnfinished := s.Unfinished()
	expectCode(t, errJobs, job.StoreDamaged)
	expectCode(t, errUnfinished, job.StoreDamaged)
}

// A store that loses pages while it is open reports it, and goes on when they
// are back.
func TestDamagedWhileRead(t *testing.T) {
	folder, good := sound(t)
	s := open(t, folder, keystore.Options{})
	path := filepath.Join(folder, keystore.StoreFile)
	if err := os.Truncate(path, 2*page); err != nil {
		t.Fatal(err)
	}
	_, err := s.Jobs(9)
	expectCode(t, err, job.StoreDamaged)
	expectCode(t, s.Check(), job.StoreDamaged)
	write(t, path, good)
	if jobs, err := s.Jobs(9); err != nil || len(jobs) != 3 {
		t.Errorf("%d jobs, %v", len(jobs), err)
	}
}

// In writing it is the end: nobody waits then for a lock that bbolt keeps.
func TestDamagedWhileWritten(t *testing.T) {
	folder := fill(t)
	s, err := keystore.Open(folder, keystore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(folder, keystore.StoreFile), 2*page); err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	for range 3 {
		work.Go(func() { expectCode(t, s.Commit(entry("job-2", job.Running)), job.StoreDamaged) })
	}
	work.Wait()
	expectCode(t, s.Delivered(1), job.StoreDamaged)
	expectCode(t, s.Close(), job.StoreDamaged)
}

func TestCheckFindsDamage(t *testing.T) {
	folder, good := sound(t)
	for at := 2 * page; at < len(good); at += page {
		file := bytes.Clone(good)
		file[at] ^= 1 // the number of the page
		write(t, filepath.Join(folder, keystore.StoreFile), file)
		s, err := keystore.Open(folder, keystore.Options{})
		if err == nil {
			err = s.Check()
			if closing := s.Close(); closing != nil {
				t.Error(closing)
			}
		}
		if err != nil && !job.HasCode(err, job.StoreDamaged) {
			t.Errorf("page %d: %v", at/page, err)
		}
	}
}

// FuzzOpenStore takes an input as a list of changes to a sound store, of three
// bytes each: two for the place and one for the value. The first byte of the
// input cuts the file.
func FuzzOpenStore(f *testing.F) {
	folder, good := sound(f)
	path := filepath.Join(folder, keystore.StoreFile)
	f.Add([]byte{})
	f.Add([]byte{2})
	f.Add([]byte{0, 0, 24, 1})
	f.Add([]byte("\x00" + strings.Repeat("\x30\x0a\x01", 3)))
	f.Fuzz(func(t *testing.T, changes []byte) {
		if checked {
			t.Skip("the race detector does not let bbolt stumble")
		}
		file := bytes.Clone(good)
		if len(changes) > 0 && changes[0] > 0 {
			file = file[:min(len(file), int(changes[0])*page/4)]
			changes = changes[1:]
		}
		for ; len(changes) >= 3; changes = changes[3:] {
			if at := int(binary.BigEndian.Uint16(changes)); at < len(file) {
				file[at] = changes[2]
			}
		}
		for _, at := range []int{16, page + 16} { // bbolt is to believe its metas
			if len(file) >= at+64 {
				sum(file[at : at+64])
			}
		}
		write(t, path, file)
		judge(t, folder)
	})
}
