package keystore_test

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"duogateway/job"
	"duogateway/keystore"
)

func TestOpenMakesAStoreForItsOwnerAlone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "deep", "down")
	s := open(t, folder, keystore.Options{})
	for path, want := range map[string]fs.FileMode{
		"": fs.ModeDir | 0o700, "..": fs.ModeDir | 0o700, keystore.StoreFile: 0o600, keystore.IdentityFile: 0o600,
	} {
		info, err := os.Stat(filepath.Join(folder, path))
		if err != nil || info.Mode() != want {
			t.Errorf("%q has the mode %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	// Behind the header of a page of 16 bytes come the magic number, the
	// version and the page size of bbolt, of 4 bytes each.
	head := read(t, filepath.Join(folder, keystore.StoreFile))
	if size := binary.NativeEndian.Uint32(head[24:]); size != 4096 {
		t.Errorf("the page size is %d", size)
	}
}

// A folder that is there keeps its mode: it may be somebody's choice.
func TestOpenKeepsTheFolder(t *testing.T) {
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	open(t, folder, keystore.Options{})
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o750 {
		t.Errorf("the folder has the mode %v, %v", info.Mode(), err)
	}
}

// What a crash left of the first start is replaced. // P5
func TestOpenReplacesAHalfMadeStore(t *testing.T) {
	for name, left := range map[string][]byte{"empty": nil, "garbage": []byte(strings.Repeat("x", 20000))} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			write(t, filepath.Join(folder, keystore.StoreFile+".new"), left)
			s := open(t, folder, keystore.Options{})
			commit(t, s, entry("a", job.Queued))
			if _, err := os.Stat(filepath.Join(folder, keystore.StoreFile+".new")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the leftover is still there: %v", err)
			}
			if err := s.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOpenedTwice(t *testing.T) {
	t.Parallel() // it waits
	folder := t.TempDir()
	first := open(t, folder, keystore.Options{})
	begin := time.Now()
	_, err := keystore.Open(folder, keystore.Options{})
	expectCode(t, err, job.StoreInUse)
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("it took %v to say so", took)
	}
	commit(t, first, entry("a", job.Queued)) // the first one is not disturbed
}

// While a process opens a store, making perhaps what is missing, others wait.
func TestOpenWaitsForOneThatOpens(t *testing.T) {
	t.Parallel() // it waits
	folder := t.TempDir()
	other, err := os.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(other.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	_, err = keystore.Open(folder, keystore.Options{})
	expectCode(t, err, job.StoreInUse)
	if entries, _ := os.ReadDir(folder); len(entries) != 0 {
		t.Errorf("meanwhile it made %v", entries)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, folder, keystore.Options{})
}

// Of several processes that start at once on a fresh folder one gets the
// store, and what it stores is not lost to the others. // P5
func TestOpenedAtOnceOnAFreshFolder(t *testing.T) {
	for range 2 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(t.TempDir(), "store")
			id := openAtOnce(t, folder)
			if _, err := open(t, folder, keystore.Options{}).Record(id); err != nil {
				t.Errorf("what was acknowledged is lost: %v", err)
			}
		})
	}
}

// openAtOnce opens a store several times at once, has each that succeeds store
// a record, and closes what is open. It returns the id of the record.
func openAtOnce(t *testing.T, folder string) (id string) {
	t.Helper()
	r := record(device(1), 1)
	var work sync.WaitGroup
	winners := make(chan *keystore.Store, 4)
	for range cap(winners) {
		work.Go(func() {
			s, err := keystore.Open(folder, keystore.Options{})
			if err != nil {
				expectCode(t, err, job.StoreInUse)
				return
			}
			winners <- s
			e := entry("a", job.Succeeded)
			e.Records = []job.KeyRecord{r}
			if err := s.Commit(e); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	if len(winners) != 1 {
		t.Errorf("%d have the store open", len(winners))
	}
	for range len(winners) {
		if err := (<-winners).Close(); err != nil {
			t.Error(err)
		}
	}
	return r.ContentID()
}

// A link that leads nowhere is a store on a disk that is not there now.
func TestStoreElsewhere(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, keystore.StoreFile)
	if err := os.Symlink(filepath.Join(folder, "missing", "store.db"), path); err != nil {
		t.Fatal(err)
	}
	_, err := keystore.Open(folder, keystore.Options{})
	expectCode(t, err, job.RecordUnreadable) // for there is no identity either
	identity := filepath.Join(fill(t), keystore.IdentityFile)
	write(t, filepath.Join(folder, keystore.IdentityFile), read(t, identity))
	_, err = keystore.Open(folder, keystore.Options{})
	expectCode(t, err, job.StoreFailed)
	if _, err := os.Readlink(path); err != nil {
		t.Errorf("the link was replaced: %v", err)
	}
}

// A new identity could open none of the records, so none is made.
func TestStoreWithoutIdentity(t *testing.T) {
	folder := fill(t)
	identity := filepath.Join(folder, keystore.IdentityFile)
	kept := filepath.Join(folder, "kept")
	if err := os.Rename(identity, kept); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "not an identity"} {
		if text != "" {
			write(t, identity, []byte(text))
		}
		_, err := keystore.Open(folder, keystore.Options{})
		expectCode(t, err, job.RecordUnreadable)
		if _, err := os.Stat(identity); (err == nil) != (text != "") {
			t.Errorf("an identity was made or lost: %v", err)
		}
	}
	if err := os.Rename(kept, identity); err != nil {
		t.Fatal(err)
	}
	if list, err := open(t, folder, keystore.Options{}).AllRecords(); err != nil || len(list) != 3 {
		t.Errorf("with the right one again: %d records, %v", len(list), err)
	}
}

// An identity without a store, as after the loss of the file, begins a new one.
func TestIdentityWithoutStore(t *testing.T) {
	folder := fill(t)
	identity := string(read(t, filepath.Join(folder, keystore.IdentityFile)))
	if err := os.Remove(filepath.Join(folder, keystore.StoreFile)); err != nil {
		t.Fatal(err)
	}
	if list, err := open(t, folder, keystore.Options{}).Jobs(9); err != nil || len(list) != 0 {
		t.Errorf("%d jobs, %v", len(list), err)
	}
	if string(read(t, filepath.Join(folder, keystore.IdentityFile))) != identity {
		t.Error("the identity is another one")
	}
}

func TestWrongEscrow(t *testing.T) {
	folder := t.TempDir()
	_, err := keystore.Open(folder, keystore.Options{Escrow: []string{"age1x"}})
	if err == nil {
		t.Fatal("a wrong escrow recipient is not refused")
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 0 {
		t.Errorf("what failed left %v", entries)
	}
}

func TestFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, nil)
	for _, folder := range []string{file, filepath.Join(file, "below"), "/proc/no/such", strings.Repeat("x", 300)} {
		_, err := keystore.Open(folder, keystore.Options{})
		expectCode(t, err, job.StoreFailed)
	}
}

// asNobody runs something with the rights of a user who owns nothing.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		do()
		return
	}
	// The user for files is a property of the thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Setfsuid(65534); err != nil {
		t.Skipf("cannot act as another user: %v", err)
	}
	defer func() {
		if err := unix.Setfsuid(0); err != nil {
			panic(err)
		}
	}()
	do()
}

// foreign makes a folder that nobody may change, with what is in another one.
func foreign(t *testing.T, from string, mode fs.FileMode) string {
	t.Helper()
	parent, err := os.MkdirTemp("", "keystore")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = os.Chmod(filepath.Join(parent, "store"), 0o700)
		_ = os.RemoveAll(parent)
	})
	folder := filepath.Join(parent, "store")
	if err := os.CopyFS(folder, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(parent, 0o755), os.Chmod(folder, mode)); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestFolderThatIsReadOnly(t *testing.T) {
	folder := foreign(t, t.TempDir(), 0o555)
	asNobody(t, func() {
		_, err := keystore.Open(folder, keystore.Options{})
		expectCode(t, err, job.StoreFailed)
	})
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 {
		t.Errorf("it holds %v, %v", entries, err)
	}
}

// P5: a folder that cannot be put on the disk is no place for a store.
func TestFolderThatCannotBeSynced(t *testing.T) {
	folder := foreign(t, t.TempDir(), 0o333)
	asNobody(t, func() {
		_, err := keystore.Open(folder, keystore.Options{})
		expectCode(t, err, job.StoreFailed)
	})
}

func TestFileThatMayNotBeWritten(t *testing.T) {
	folder := foreign(t, fill(t), 0o777)
	path := filepath.Join(folder, keystore.StoreFile)
	identity := filepath.Join(folder, keystore.IdentityFile)
	if err := errors.Join(os.Chmod(path, 0o444), os.Chmod(identity, 0o600)); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(identity, 65534, -1); err != nil {
			t.Fatal(err)
		}
	}
	asNobody(t, func() {
		_, err := keystore.Open(folder, keystore.Options{})
		expectCode(t, err, job.StoreFailed)
	})
	expectClosed(t, folder)
	expectUnmapped(t, folder)
}

// onReadOnlyDisk runs something while a folder is read-only. Only the thread
// that runs it sees that, and it dies afterwards.
func onReadOnlyDisk(t *testing.T, folder string, do func()) {
	t.Helper()
	mounted := make(chan error)
	go func() {
		defer close(mounted)
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS)
		for _, flags := range []uintptr{unix.MS_REC | unix.MS_PRIVATE, unix.MS_BIND, unix.MS_REMOUNT | unix.MS_BIND | unix.MS_RDONLY} {
			target := folder
			if flags&unix.MS_PRIVATE != 0 {
				target = "/"
			}
			if err == nil {
				err = unix.Mount(folder, target, "", flags, "")
			}
		}
		if err != nil {
			mounted <- err
			return
		}
		do()
	}()
	if err := <-mounted; err != nil {
		t.Skipf("cannot make a folder read-only: %v", err)
	}
}

// A disk that the kernel has made read-only after errors is the usual end of a
// card. The store on it is not damaged for that.
func TestDiskThatIsReadOnly(t *testing.T) {
	for name, folder := range map[string]string{"a store": fill(t), "nothing": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			onReadOnlyDisk(t, folder, func() {
				_, err := keystore.Open(folder, keystore.Options{})
				expectCode(t, err, job.StoreFailed)
			})
			expectClosed(t, folder)
		})
	}
}

func TestOtherFormat(t *testing.T) {
	for name, text := range map[string]string{"newer": "2", "older": "0", "no number": `"one"`, "no JSON": "{", "none": ""} {
		t.Run(name, func(t *testing.T) {
			folder := fill(t)
			tamper(t, folder, func(tx *bolt.Tx) error {
				if text == "" {
					return tx.DeleteBucket([]byte("meta"))
				}
				return tx.Bucket([]byte("meta")).Put([]byte("format"), []byte(text))
			})
			expectDamaged(t, folder)
			expectUnmapped(t, folder)
		})
	}
}

// The number of a connection is never given twice.
func TestNextSession(t *testing.T) {
	folder := t.TempDir()
	for want := uint64(1); want <= 3; want++ {
		s, err := keystore.Open(folder, keystore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.NextSession(); err != nil || got != want {
			t.Errorf("session %d, %v, want %d", got, err, want)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
