package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// offline runs a command line as main would, without a terminal.
func offline(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, complaint bytes.Buffer
	code = run(context.Background(), args, environment{stdout: &out, stderr: &complaint})
	return code, out.String(), complaint.String()
}

// saved writes content to a new file and returns its name.
func saved(t *testing.T, content []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// The list of key records, which needs the daemon, is still what `keys` alone
// means.
func TestKeysAloneListsTheRecords(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "none.sock")
	for _, args := range [][]string{{"keys"}, {"keys", "--json"}, {"keys", "list"}, {"keys", "list", "--json"}} {
		code, stdout, stderr := offline(t, append([]string{"--socket", socket}, args...)...)
		if code != exitUnreachable || stdout != "" || !strings.Contains(stderr, "no daemon answers") {
			t.Errorf("%v: exit code %d, %q", args, code, stderr)
		}
	}
}

// What is no file of the right kind is one line on stderr, and exit code 1.
func TestOfflineRefuses(t *testing.T) {
	folder := t.TempDir()
	text := saved(t, []byte(strings.Repeat("no key and no firmware ", 100)))
	out := filepath.Join(folder, "out")
	for _, args := range [][]string{
		{"keys", "check", filepath.Join(folder, "none")},
		{"keys", "check", saved(t, nil)},
		{"keys", "check", saved(t, []byte("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"))},
		{"keys", "check", saved(t, bytes.Repeat([]byte{1}, 1<<20))},
		{"keys", "convert", text, "--to", "pem"},
		{"keys", "convert", text, "--to", "best", "--out", out},
		{"keys", "salvage", text, "--out", out, "--public", text},
		{"firmware", "inspect", text},
		{"firmware", "inspect", "--json", saved(t, nil)},
		{"dct", "fields", saved(t, []byte("x"))},
		{"dct", "fields", "--system", "9.9", text},
		{"dct", "diff", text},
		{"dct", "diff", text, filepath.Join(folder, "none")},
	} {
		code, stdout, stderr := offline(t, args...)
		if code != exitInternal || stdout != "" || !strings.HasPrefix(stderr, "gatewayd: ") {
			t.Errorf("%v: exit code %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("something was written")
	}
}

func TestWriteNewFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "key")
	if err := writeNewFile(name, []byte("one")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := writeNewFile(name, []byte("two")); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("over a file: %v", err)
	}
	if content, _ := os.ReadFile(name); string(content) != "one" {
		t.Errorf("it holds %q now", content)
	}
	for _, place := range []string{"/dev/stdout", "/dev/null", filepath.Join(t.TempDir(), "none", "key")} {
		if err := writeNewFile(place, []byte("three")); err == nil {
			t.Errorf("%s was written", place)
		}
	}
}
