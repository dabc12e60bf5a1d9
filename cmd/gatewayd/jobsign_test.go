package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"duogateway/cloudsync/signature"
	"duogateway/job"
)

// keygen makes a pair of keys and returns the names of their files.
func keygen(t *testing.T) (private, public string) {
	t.Helper()
	private = filepath.Join(t.TempDir(), "ops.key")
	if code, stdout, stderr := offline(t, "jobs", "keygen", private); code != exitPass || !strings.Contains(stdout, "[[mqtt.signer]]") {
		t.Fatalf("exit code %d, %s%s", code, stdout, stderr)
	}
	return private, private + ".pub"
}

func openssl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("openssl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// policyOf takes everything that the key of a file signs.
func policyOf(t *testing.T, public string) signature.Policy {
	t.Helper()
	text, err := os.ReadFile(public)
	if err != nil {
		t.Fatal(err)
	}
	key, err := signature.ReadPublic(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return signature.Policy{Station: "bench-1", Keys: []signature.Key{{ID: "ops", Public: key, Kinds: []job.Kind{signature.All}}}}
}

// OpenSSL reads the keys and verifies the signature; the keys that it makes are
// taken as well.
func TestSignWithOpenSSL(t *testing.T) {
	private, public := keygen(t)
	foreign := filepath.Join(t.TempDir(), "openssl.pem")
	openssl(t, "genpkey", "-algorithm", "ed25519", "-out", foreign)
	openssl(t, "pkey", "-in", foreign, "-pubout", "-out", foreign+".pub")
	if got := openssl(t, "pkey", "-in", private, "-pubout"); got != read(t, public) {
		t.Errorf("the public key is\n%s, OpenSSL says\n%s", read(t, public), got)
	}
	for private, public := range map[string]string{private: public, foreign: foreign + ".pub"} {
		code, stdout, stderr := offline(t, "jobs", "sign", "--key", private, "--key-id", "ops", "--station", "bench-1", "repair", "left")
		if code != exitPass || strings.Count(stdout, "\n") != 1 {
			t.Fatalf("exit code %d, %q %s", code, stdout, stderr)
		}
		parts := strings.Split(strings.TrimSpace(stdout), ".")
		signed, err := base64.RawURLEncoding.DecodeString(parts[2])
		if err != nil {
			t.Fatal(err)
		}
		openssl(t, "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin",
			"-in", saved(t, []byte(parts[0]+"."+parts[1])), "-sigfile", saved(t, signed))
		if r, by, err := policyOf(t, public).Read([]byte(stdout)); err != nil || by != "ops" || r.Kind != job.Repair || r.Bay != "left" || !job.ValidID(r.ID) {
			t.Errorf("a station reads %+v by %q, %v", r, by, err)
		}
	}
}

// The private key is for its owner alone, and neither file is written over.
func TestKeygenWritesNothingOver(t *testing.T) {
	private, _ := keygen(t)
	if info, err := os.Stat(private); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
	before := read(t, private)
	if code, stdout, stderr := offline(t, "jobs", "keygen", private); code != exitInternal || stdout != "" || !strings.Contains(stderr, "there already") {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
	if read(t, private) != before {
		t.Error("the key is another")
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each option comes through as the job commands have it.
func TestSignOptions(t *testing.T) {
	private, public := keygen(t)
	image := saved(t, []byte("an image"))
	for name, c := range map[string]struct {
		args []string
		want string // the options in JSON; %s is the SHA-256 of the image
	}{
		"nothing":     {[]string{"diagnose", "left"}, `{}`},
		"device id":   {[]string{"repair", "left", "--raw", "--device-id", "1A42F7AD164CF1E1F461B076"}, `{"device_id":"1a42f7ad164cf1e1f461b076","raw":true}`},
		"record":      {[]string{"restore", "left", "--record", "abc"}, `{"record":"abc"}`},
		"forget":      {[]string{"factory-dct", "left", "--forget", "wifi", "--forget", "claim"}, `{"forget":["wifi","claim"]}`},
		"server":      {[]string{"server-key", "left", "--server-host", "cloud.example", "--server-port", "5684"}, `{"server_host":"cloud.example","server_port":5684}`},
		"images":      {[]string{"flash", "left", "--image", image, "--factory", image}, `{"images":[{"sha256":"%s"},{"sha256":"%s","place":"factory"}]}`},
		"wifi images": {[]string{"flash", "left", "--wifi", image}, `{"images":[{"sha256":"%s","place":"wifi"}]}`},
	} {
		args := append([]string{"jobs", "sign", "--key", private, "--key-id", "ops", "--station", "bench-1", "--id", "j1", "--not-after", "1h"}, c.args...)
		code, stdout, stderr := offline(t, args...)
		r, _, err := policyOf(t, public).Read([]byte(stdout))
		if err != nil || code != exitPass {
			t.Errorf("%s: exit code %d, %v, %s", name, code, err, stderr)
			continue
		}
		options, err := json.Marshal(r.Options)
		want := strings.ReplaceAll(c.want, "%s", strings.Fields(openssl(t, "dgst", "-sha256", "-r", image))[0])
		if err != nil || string(options) != want {
			t.Errorf("%s: the options are %s, want %s", name, options, want)
		}
		if left := time.Until(*r.NotAfter); r.ID != "j1" || left > time.Hour || left < time.Hour-time.Minute {
			t.Errorf("%s: id %q, it holds for %v", name, r.ID, left)
		}
	}
}

// What no station could take is refused here, and a secret is not shown. // P4
func TestSignRefuses(t *testing.T) {
	private, public := keygen(t)
	rsa := filepath.Join(t.TempDir(), "rsa.pem")
	openssl(t, "genrsa", "-out", rsa, "1024")
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"public key":          {[]string{"--key", public, "repair", "left"}, exitInternal, "want an Ed25519 private key"},
		"RSA key":             {[]string{"--key", rsa, "repair", "left"}, exitInternal, "want an Ed25519 private key"},
		"no file":             {[]string{"--key", private + "x", "repair", "left"}, exitInternal, "opening the file"},
		"unknown kind":        {[]string{"--key", private, "polish", "left"}, exitRejected, `job kind "polish"`},
		"save-key":            {[]string{"--key", private, "save-key", "left"}, exitRejected, `job kind "save-key"`},
		"bad bay":             {[]string{"--key", private, "repair", "a b"}, exitRejected, `bay name "a b"`},
		"bad id":              {[]string{"--key", private, "--id", "request", "repair", "left"}, exitRejected, `job id "request"`},
		"bad station":         {[]string{"--key", private, "--station", "a/b", "repair", "left"}, exitRejected, "--station"},
		"the past":            {[]string{"--key", private, "--not-after=-1s", "repair", "left"}, exitRejected, "--not-after"},
		"bad device id":       {[]string{"--key", private, "--device-id", "zz", "repair", "left"}, exitRejected, "--device-id"},
		"flash of nothing":    {[]string{"--key", private, "flash", "left"}, exitRejected, "at least one image"},
		"no image":            {[]string{"--key", private, "flash", "left", "--image", private + "x"}, exitInternal, "reading the image"},
		"record for a repair": {[]string{"--key", private, "repair", "left", "--record", "x"}, exitRejected, "option record"},
		"private server key":  {[]string{"--key", private, "server-key", "left", "--server-key", rsa}, exitRejected, "--server-key"},
	} {
		args := append([]string{"jobs", "sign", "--station", "bench-1", "--key-id", "ops"}, c.args...)
		code, stdout, stderr := offline(t, args...)
		if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit code %d, want %d; %q does not say %q", name, code, c.code, stderr, c.want)
		}
		for _, secret := range strings.Fields(read(t, private) + read(t, rsa)) {
			if len(secret) > 40 && strings.Contains(stdout+stderr, secret[:40]) {
				t.Errorf("%s: it shows a private key", name)
			}
		}
	}
}

// The jobs themselves are still what `jobs` alone means.
func TestJobsAloneListsTheJobs(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "none.sock")
	for _, args := range [][]string{{"jobs"}, {"jobs", "--json"}, {"jobs", "j1"}, {"jobs", "--cancel", "j1"}, {"jobs", "list", "--limit", "3"}, {"mqtt", "status"}} {
		code, stdout, stderr := offline(t, append([]string{"--socket", socket}, args...)...)
		if code != exitUnreachable || stdout != "" || !strings.Contains(stderr, "no daemon answers") {
			t.Errorf("%v: exit code %d, %q", args, code, stderr)
		}
	}
}
