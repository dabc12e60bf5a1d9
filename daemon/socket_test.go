package daemon_test

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"duogateway/daemon"
	"duogateway/job"
)

func TestListen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", "s")
	listener, err := daemon.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	for place, want := range map[string]os.FileMode{path: os.ModeSocket | 0o660, filepath.Dir(path): os.ModeDir | 0o750} {
		info, err := os.Stat(place)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", place, info.Mode(), want)
		}
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

// staleSocket is what a daemon leaves that was killed.
func staleSocket(t *testing.T, path string) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Close(fd); err != nil {
		t.Fatal(err)
	}
}

func TestListenReplacesAStaleSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	staleSocket(t, path)
	listener, err := daemon.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

func TestListenRefusesALiveSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first, err := daemon.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	if _, err := daemon.Listen(path); !job.HasCode(err, job.StoreInUse) {
		t.Errorf("the second one: %v", err)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("the first one is gone: %v", err)
	}
	_ = conn.Close()
}

// A daemon that is too busy to answer is alive all the same.
func TestListenRefusesABusySocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	for { // fill its backlog
		conn, err := net.Dial("unix", path)
		if err != nil {
			break
		}
		defer func() { _ = conn.Close() }()
	}
	before := inode(t, path)
	if l, err := daemon.Listen(path); err == nil {
		_ = l.Close()
		t.Error("its socket was taken away")
	} else if inode(t, path) != before {
		t.Error("its socket was replaced")
	}
}

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

// A wrong path in the configuration costs no file.
func TestListenLeavesOtherFilesAlone(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(folder, "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(folder, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, empty, link} {
		if l, err := daemon.Listen(path); err == nil {
			_ = l.Close()
			t.Errorf("%s was replaced", path)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s is gone: %v", path, err)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

func TestListenInAFileInsteadOfAFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := daemon.Listen(filepath.Join(file, "s")); err == nil {
		t.Error("it listens")
	}
}
