package cli_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// demo is a run of `virtualbench demo` in a folder for temporary files that
// nobody else uses.
type demo struct {
	t      *testing.T
	temp   string
	cmd    *exec.Cmd
	stdout lockedBuffer
	stderr lockedBuffer
}

// lockedBuffer may be read while a program writes to it.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// startDemo starts a demo. At the end of the test nothing of it may be left.
func startDemo(t *testing.T, args ...string) *demo {
	t.Helper()
	d := &demo{t: t, temp: t.TempDir()}
	d.cmd = exec.Command(filepath.Join(binaries, "virtualbench"), append([]string{"demo"}, args...)...)
	d.cmd.Env = append(os.Environ(), "TMPDIR="+d.temp)
	d.cmd.Stdout, d.cmd.Stderr = &d.stdout, &d.stderr
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return d
}

// wait waits for the end of the demo, and sees that nothing is left of it: no
// file and no process.
func (d *demo) wait() (code int) {
	d.t.Helper()
	timer := time.AfterFunc(limit, func() { _ = d.cmd.Process.Kill() })
	defer timer.Stop()
	err := d.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		d.t.Fatal(err)
	}
	if left, err := os.ReadDir(d.temp); err != nil || len(left) > 0 {
		d.t.Errorf("files are left: %v %v", left, err)
	}
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		d.t.Fatal(err)
	}
	for _, name := range processes {
		if line, err := os.ReadFile(name); err == nil && bytes.Contains(line, []byte(d.temp)) {
			d.t.Errorf("a process is left: %q", line)
		}
	}
	return d.cmd.ProcessState.ExitCode()
}

// summary is the last line of the demo, as its readers know it.
type summary struct {
	Bays []struct {
		Bay                 *string `json:"bay"`
		Verdict             *string `json:"verdict"`
		Proof               *string `json:"proof"`
		Fault               *string `json:"fault"`
		RecordedFingerprint *string `json:"recorded_fingerprint"`
		BoardFingerprint    *string `json:"board_fingerprint"`
		BackupCommit        *uint64 `json:"backup_commit"`
		FirstWrite          *uint64 `json:"first_write"`
		FactoryResets       *int    `json:"factory_resets"`
		WiFiWipes           *int    `json:"wifi_wipes"`
	} `json:"bays"`
}

// readSummary reads the last line strictly: no field more, none less.
func (d *demo) readSummary() summary {
	d.t.Helper()
	lines := strings.Split(strings.TrimSuffix(d.stdout.String(), "\n"), "\n")
	decoder := json.NewDecoder(strings.NewReader(lines[len(lines)-1]))
	decoder.DisallowUnknownFields()
	var all summary
	if err := decoder.Decode(&all); err != nil || len(all.Bays) != 2 {
		d.t.Fatalf("the last line is %q: %v", lines[len(lines)-1], err)
	}
	var loose struct{ Bays []map[string]any }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &loose); err != nil {
		d.t.Fatal(err)
	}
	for _, bay := range loose.Bays {
		if len(bay) != 10 {
			d.t.Errorf("a bay has the %d fields %v, want 10", len(bay), bay)
		}
	}
	return all
}

func is[T comparable](p *T, want T) bool { return p != nil && *p == want }

// check holds the summary against what the demo is there to show. // P1, P2
func (s summary) check(t *testing.T, fingerprint string) {
	t.Helper()
	lost, hopeless := s.Bays[0], s.Bays[1]
	if !is(lost.Bay, "bay-1") || !is(lost.Verdict, "pass") || !is(lost.Proof, "not-configured") || lost.Fault != nil {
		t.Errorf("bay-1: %+v", lost)
	}
	if lost.RecordedFingerprint == nil || !is(lost.BoardFingerprint, *lost.RecordedFingerprint) || (fingerprint != "" && *lost.BoardFingerprint != fingerprint) {
		t.Errorf("bay-1: recorded %v, board %v, want both to be %q", lost.RecordedFingerprint, lost.BoardFingerprint, fingerprint)
	}
	if lost.BackupCommit == nil || lost.FirstWrite == nil || *lost.BackupCommit >= *lost.FirstWrite {
		t.Errorf("bay-1: backup %v, first write %v", lost.BackupCommit, lost.FirstWrite)
	}
	if !is(hopeless.Bay, "bay-2") || !is(hopeless.Verdict, "fail") || !is(hopeless.Fault, "no-saved-key") || hopeless.Proof != nil ||
		hopeless.FirstWrite != nil || hopeless.BackupCommit == nil || hopeless.BoardFingerprint != nil || hopeless.RecordedFingerprint != nil {
		t.Errorf("bay-2: %+v", hopeless)
	}
	for _, b := range s.Bays {
		if !is(b.FactoryResets, 0) || !is(b.WiFiWipes, 0) {
			t.Errorf("%s: %d factory resets, %d Wi-Fi wipes", *b.Bay, *b.FactoryResets, *b.WiFiWipes)
		}
	}
}

func TestDemoJSON(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "--json")
	if code := d.wait(); code != 0 {
		t.Fatalf("exit code %d\n%s", code, d.stderr.String())
	}
	d.readSummary().check(t, "")
	if strings.Count(d.stdout.String(), "\n") != 1 {
		t.Errorf("more than the summary is on stdout:\n%s", d.stdout.String())
	}
	says := d.stderr.String()
	if !strings.Contains(says, "bay-1  ok   write") {
		t.Errorf("the steps are not on stderr:\n%s", d.stderr.String())
	}
	for _, line := range []string{
		`request   duogateway/v1/demo/jobs/request  {"id":"order-1","kind":"diagnose","bay":"bay-1",`,
		`accepted  duogateway/v1/demo/jobs/order-1  `,
		`result    duogateway/v1/demo/jobs/order-1  verdict pass: private key valid, `,
	} {
		_, rest, ok := strings.Cut(says, " s  "+line)
		if !ok {
			t.Errorf("what is asked over MQTT does not show %q, or not there:\n%s", line, d.stderr.String())
		}
		says = rest
	}
}

// openssl runs openssl, whose opinion on keys is the one that counts.
func openssl(t *testing.T, stdin []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("openssl", args...)
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("openssl %v: %v", args, err)
	}
	return out
}

// newKey makes a private key of 1024 bits, PKCS #1 in DER.
func newKey(t *testing.T) (der []byte) {
	t.Helper()
	return openssl(t, openssl(t, nil, "genrsa", "-traditional", "1024"), "rsa", "-traditional", "-outform", "DER")
}

// fingerprintOf is the SHA-256 of the public key.
func fingerprintOf(t *testing.T, der []byte) string {
	t.Helper()
	sum := sha256.Sum256(openssl(t, der, "rsa", "-inform", "DER", "-pubout", "-outform", "DER"))
	return hex.EncodeToString(sum[:])
}

func keyFile(t *testing.T, content []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "key.der")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// secretsFor are the secrets of a demo that has been given a key.
func secretsFor(t *testing.T, der []byte) map[string][]byte {
	t.Helper()
	secrets, err := secretsOf([][]byte{der})
	if err != nil {
		t.Fatal(err)
	}
	return secrets
}

// A key of the user comes back to the board, in whichever form it was given,
// and is not shown. // P4
func TestDemoKey(t *testing.T) {
	t.Parallel()
	der := newKey(t)
	secrets := secretsFor(t, der)
	for name, content := range map[string][]byte{
		"PKCS1": der,
		"PKCS8": openssl(t, der, "pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t, "--json", "--key", keyFile(t, content))
			if code := d.wait(); code != 0 {
				t.Fatalf("exit code %d\n%s", code, d.stderr.String())
			}
			d.readSummary().check(t, fingerprintOf(t, der))
			if how := leak([]byte(d.stdout.String()+d.stderr.String()), secrets); how != "" {
				t.Errorf("it shows %s", how)
			}
		})
	}
}

func TestDemoRefusesBadKeys(t *testing.T) {
	t.Parallel()
	der := newKey(t)
	for name, content := range map[string][]byte{
		"no key":     []byte("this is no key\n"),
		"empty":      {},
		"cut short":  der[:len(der)-9],
		"2048 bits":  openssl(t, openssl(t, nil, "genrsa", "-traditional", "2048"), "rsa", "-traditional", "-outform", "DER"),
		"public key": openssl(t, der, "rsa", "-inform", "DER", "-pubout", "-outform", "DER"),
		"other kind": openssl(t, openssl(t, nil, "ecparam", "-name", "prime256v1", "-genkey", "-noout"), "ec", "-outform", "DER"),
		"one bit": func() []byte {
			spoilt := bytes.Clone(der)
			spoilt[200] ^= 1
			return spoilt
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := keyFile(t, content)
			d := startDemo(t, "--json", "--key", file)
			if code := d.wait(); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			says := d.stderr.String()
			if d.stdout.String() != "" || strings.Count(says, "\n") != 1 || !strings.HasPrefix(says, "virtualbench: "+file+": ") {
				t.Errorf("stdout %q, stderr %q", d.stdout.String(), says)
			}
		})
	}
	t.Run("no file", func(t *testing.T) {
		t.Parallel()
		d := startDemo(t, "--key", "/nowhere/key.der")
		if code := d.wait(); code != 1 || d.stdout.String() != "" || !strings.HasPrefix(d.stderr.String(), "virtualbench: reading the key of bay-1: open /nowhere/key.der: ") {
			t.Errorf("exit code %d, stdout %q, stderr %q", code, d.stdout.String(), d.stderr.String())
		}
	})
}

// Ctrl-C ends the demo at any time, and leaves nothing behind.
func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	for _, shown := range []string{"Two virtual Duos", "brown-out", "presses the button", "identify", "accepted"} {
		t.Run(shown, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			if err := await("the demo to show "+shown, func() bool { return strings.Contains(d.stdout.String(), shown) }); err != nil {
				t.Error(err)
			}
			if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
				t.Error(err)
			}
			if code := d.wait(); code != 1 || d.stderr.String() != "virtualbench: interrupted\n" {
				t.Errorf("exit code %d, stderr %q", code, d.stderr.String())
			}
		})
	}
}

// With --stay the demo can be used as it says. What it has on the disk shows no
// secret. // P4
func TestDemoStays(t *testing.T) {
	t.Parallel()
	der := newKey(t)
	d := startDemo(t, "--stay", "--key", keyFile(t, der))
	said := regexp.MustCompile(`export GATEWAYD_SOCKET=(\S+)`)
	if err := await("the demo to say how to use it", func() bool { return said.MatchString(d.stdout.String()) }); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for _, args := range [][]string{{"bays"}, {"diagnose", "bay-1"}, {"keys"}, {"events"}} {
		cmd := exec.CommandContext(ctx, filepath.Join(binaries, "gatewayd"), args...)
		cmd.Env = append(os.Environ(), "GATEWAYD_SOCKET="+said.FindStringSubmatch(d.stdout.String())[1])
		if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("bay-1")) && args[0] != "keys" {
			t.Errorf("gatewayd %v: %v\n%s", args, err, out)
		}
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"mosquitto_sub", "mosquitto_pub"} {
		line := regexp.MustCompile(` -p \d+ `).ReplaceAllString(typed(t, d.stdout.String(), command), " -p 18830 ")
		if !strings.Contains(string(readme), "\n    "+line+"\n") {
			t.Errorf("the README does not say to type %s", line)
		}
	}
	heard := listenTo(t, d.stdout.String())
	say(ctx, t, d.stdout.String())
	err = await("the job to be over", func() bool {
		return regexp.MustCompile(`(?m)^duogateway/v1/demo/jobs/by-hand-\d+ .*"state":"succeeded"`).MatchString(heard.String())
	})
	if err != nil {
		t.Errorf("%v\n%s", err, heard.String())
	}
	if how := leak([]byte(heard.String()), secretsFor(t, der)); how != "" {
		t.Errorf("over MQTT it tells %s", how)
	}
	if err := (&place{folder: d.temp, keys: [][]byte{der}}).findSecrets(); err != nil {
		t.Error(err)
	}
	if err := d.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Error(err)
	}
	if code := d.wait(); code != 0 || d.stderr.String() != "" {
		t.Errorf("exit code %d, stderr %q", code, d.stderr.String())
	}
}
