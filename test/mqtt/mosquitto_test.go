package mqtt

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mosquitto is a broker of its own, with its files in a folder of the test.
type mosquitto struct {
	t      testing.TB
	config string // file
	port   int
	log    *os.File
	run    *exec.Cmd
}

// newMosquitto writes a configuration. The broker is not started.
func newMosquitto(t testing.TB, folder, config string, port int) *mosquitto {
	t.Helper()
	if os.Geteuid() == 0 {
		config += "\nuser root\n" // or it would not be allowed to read the files of the test
	}
	config += fmt.Sprintf("\npersistence true\npersistence_location %s/\nlog_dest stderr\n", folder)
	m := &mosquitto{t: t, config: filepath.Join(folder, "mosquitto.conf"), port: port}
	if err := os.WriteFile(m.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	m.log = newLog(t, "broker")
	t.Cleanup(func() { m.end(syscall.SIGKILL) })
	return m
}

// newLog makes a file for what a process says. The end of it is shown when the
// test fails.
func newLog(t testing.TB, who string) *os.File {
	t.Helper()
	log, err := os.CreateTemp(t.TempDir(), who)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = log.Close()
		text, err := os.ReadFile(log.Name())
		if err != nil {
			t.Error(err)
		}
		if t.Failed() {
			lines := strings.Split(string(text), "\n")
			t.Logf("the end of what the %s said:\n%s", who, strings.Join(lines[max(0, len(lines)-60):], "\n"))
		}
	})
	return log
}

// start starts the broker, and returns when it listens.
func (m *mosquitto) start() {
	m.t.Helper()
	path, err := mosquittoPath()
	if err != nil {
		m.t.Fatal(err)
	}
	m.run = exec.Command(path, "-c", m.config)
	m.run.Stdout, m.run.Stderr = m.log, m.log
	if err := m.run.Start(); err != nil {
		m.t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", m.port)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		line, err := net.Dial("tcp", address)
		if err == nil {
			_ = line.Close()
			return
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("the broker does not listen on %s: %v", address, err)
		}
	}
}

// end ends the broker.
func (m *mosquitto) end(signal syscall.Signal) {
	if m.run == nil {
		return
	}
	_ = m.run.Process.Signal(signal)
	_ = m.run.Wait()
	m.run = nil
}

// freePort finds a port that nobody listens on. It is none of those that the
// kernel gives to clients (32768 and up), which could take it while a broker is
// away.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 20_000 + rand.N(12_000)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		return port
	}
	t.Fatal("there is no free port")
	return 0
}
