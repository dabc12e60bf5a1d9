package signature

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"duogateway/job"
	"duogateway/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keyNumber makes a key that is the same each time.
func keyNumber(n byte) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = n
	return ed25519.NewKeyFromSeed(seed)
}

func public(n byte) ed25519.PublicKey { return keyNumber(n).Public().(ed25519.PublicKey) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func policy() Policy {
	return Policy{
		Station:  "bench-7",
		Unsigned: DefaultUnsigned(),
		Keys: []Key{
			{ID: "ops", Public: public(1), Kinds: []job.Kind{All}},
			{ID: "field", Public: public(2), Kinds: []job.Kind{job.Repair, job.Restore}, Bays: []string{"A"}},
		},
	}
}

func repair(bay string) job.Request {
	return job.Request{ID: "the-job", Kind: job.Repair, Bay: bay, NotAfter: &noon}
}

// sign signs with key n under a key id.
func sign(t *testing.T, r job.Request, station, keyID string, n byte) string {
	t.Helper()
	text, err := Sign(r, station, keyID, secret.Of(keyNumber(n)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// jws makes a signed text of any header and payload, with key n.
func jws(header, payload string, n byte) string {
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(header)) + "." + encode([]byte(payload))
	return signed + "." + encode(ed25519.Sign(keyNumber(n), []byte(signed)))
}

func TestSignedRequestIsRead(t *testing.T) {
	want := repair("A")
	want.Options.DeviceID = "0123456789abcdef01234567"
	for keyID, n := range map[string]byte{"ops": 1, "field": 2} {
		r, by, err := policy().Read([]byte("\n" + sign(t, want, "bench-7", keyID, n) + "\n"))
		if err != nil || by != keyID {
			t.Fatalf("signed by %q: key %q, error %v", keyID, by, err)
		}
		if r.ID != want.ID || r.Kind != want.Kind || r.Bay != want.Bay || !r.NotAfter.Equal(noon) || r.Options.DeviceID != want.Options.DeviceID {
			t.Errorf("the request is %+v, want %+v", r, want)
		}
		if r.Source != job.FromMQTT {
			t.Errorf("the source is %q", r.Source)
		}
	}
}

// What a key may not do, and what is no signature.
func TestWrongSignatures(t *testing.T) {
	const header = `{"alg":"EdDSA","kid":"ops","typ":"duogateway-request"}`
	const payload = `{"id":"the-job","kind":"repair","bay":"A","not_after":"2026-03-01T12:00:00Z","aud":"bench-7"}`
	good := jws(header, payload, 1)
	if _, _, err := policy().Read([]byte(good)); err != nil {
		t.Fatalf("the model of all these is refused itself: %v", err)
	}
	part := strings.Split(good, ".")
	encode := base64.RawURLEncoding.EncodeToString
	cases := []struct {
		what, text string
		code       job.Code
	}{
		{"another kind than listed", sign(t, job.Request{ID: "j", Kind: job.Regenerate, Bay: "A", NotAfter: &noon}, "bench-7", "field", 2), job.NotAllowed},
		{"another bay than listed", sign(t, repair("B"), "bench-7", "field", 2), job.NotAllowed},
		{"for another station", sign(t, repair("A"), "bench-8", "ops", 1), job.NotAllowed},
		{"for no station", jws(header, `{"id":"j","kind":"repair","bay":"A"}`, 1), job.NotAllowed},
		{"for several stations", jws(header, `{"id":"j","kind":"repair","bay":"A","aud":["bench-7"]}`, 1), job.NotAllowed},
		{"save-key", jws(header, `{"id":"j","kind":"save-key","bay":"A","aud":"bench-7"}`, 1), job.NotAllowed}, // P4
		{"by another key", sign(t, repair("A"), "bench-7", "ops", 2), job.BadSignature},
		{"by an unknown key", sign(t, repair("A"), "bench-7", "who", 1), job.BadSignature},
		{"with the payload changed", part[0] + "." + encode([]byte(strings.Replace(payload, "repair", "backup", 1))) + "." + part[2], job.BadSignature},
		{"with the signature cut", good[:len(good)-4], job.BadSignature},
		{"without a signature", part[0] + "." + part[1] + ".", job.BadSignature},
		{"without an algorithm", jws(`{"alg":"none","kid":"ops","typ":"duogateway-request"}`, payload, 1), job.BadSignature},
		{"with another algorithm", jws(`{"alg":"HS256","kid":"ops","typ":"duogateway-request"}`, payload, 1), job.BadSignature},
		{"without a type", jws(`{"alg":"EdDSA","kid":"ops"}`, payload, 1), job.BadSignature},
		{"with the type of something else", jws(`{"alg":"EdDSA","kid":"ops","typ":"JWT"}`, payload, 1), job.BadSignature},
		{"with a key of its own", jws(fmt.Sprintf(`{"alg":"EdDSA","kid":"ops","typ":"duogateway-request","jwk":{"kty":"OKP","crv":"Ed25519","x":"%s"}}`, encode(public(3))), payload, 3), job.BadSignature},
		{"with the address of a key", jws(`{"alg":"EdDSA","kid":"ops","typ":"duogateway-request","jku":"https://e.example"}`, payload, 1), job.BadSignature},
		{"with a certificate", jws(`{"alg":"EdDSA","kid":"ops","typ":"duogateway-request","x5c":[]}`, payload, 1), job.BadSignature},
		{"with something critical", jws(`{"alg":"EdDSA","kid":"ops","typ":"duogateway-request","crit":["exp"],"exp":1}`, payload, 1), job.BadSignature},
		{"of a text that is no request", jws(header, `"hello"`, 1), job.BadRequest},
		{"of a request with a misspelt option", jws(header, `{"id":"j","kind":"repair","bay":"A","aud":"bench-7","options":{"rekord":"x"}}`, 1), job.BadRequest},
		{"nothing", "", job.BadSignature},
		{"too much", strings.Repeat("A", job.LargestRequest+1), job.TooLarge},
	}
	for _, c := range cases {
		r, keyID, err := policy().Read([]byte(c.text))
		if !job.HasCode(err, c.code) {
			t.Errorf("%s: %v, want the code %s", c.what, err, c.code)
		}
		if c.code == job.BadSignature && (keyID != "" || r.Kind != "" || r.Bay != "") {
			t.Errorf("%s: something of it is believed: %+v by %q", c.what, r, keyID)
		}
	}
}

func TestUnsignedRequests(t *testing.T) {
	for _, kind := range job.Kinds() {
		text, err := json.Marshal(job.Request{ID: "j", Kind: kind, Bay: "A"})
		if err != nil {
			t.Fatal(err)
		}
		_, keyID, err := policy().Read(text)
		harmless := kind == job.Diagnose || kind == job.Backup
		if keyID != "" || harmless && err != nil || !harmless && !job.HasCode(err, job.NotAllowed) {
			t.Errorf("an unsigned %s: key %q, error %v", kind, keyID, err)
		}
	}
}

func TestPolicyIsChecked(t *testing.T) {
	if err := policy().Check(); err != nil {
		t.Errorf("a sound policy: %v", err)
	}
	cases := []struct {
		change func(*Policy)
		want   string
	}{
		{func(p *Policy) { p.Station = "a/b" }, "station"},
		{func(p *Policy) { p.Keys[0].ID = "field" }, "two keys"},
		{func(p *Policy) { p.Keys[0].ID = "" }, "want an id"},
		{func(p *Policy) { p.Keys[0].Public = nil }, "public key"},
		{func(p *Policy) { p.Keys[0].Kinds = nil }, "want the kinds"},
		{func(p *Policy) { p.Keys[0].Kinds = []job.Kind{"sing"} }, "sing"},
		{func(p *Policy) { p.Keys[0].Kinds = []job.Kind{"save-key"} }, "never"},
		{func(p *Policy) { p.Keys[0].Bays = []string{"#"} }, "bay"},
		{func(p *Policy) { p.Unsigned = []job.Kind{All} }, "without a signature"},
		{func(p *Policy) { p.Unsigned = []job.Kind{"save-key"} }, "without a signature"},
	}
	for _, c := range cases {
		p := policy()
		c.change(&p)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want an error about %q, got %v", c.want, err)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	key := secret.Of(keyNumber(1))
	endless, unknown := repair("A"), repair("A")
	endless.NotAfter, unknown.Kind = nil, "sing"
	for what, try := range map[string]func() (string, error){
		"a request without an end":    func() (string, error) { return Sign(endless, "bench-7", "ops", key) },
		"a kind that there is not":    func() (string, error) { return Sign(unknown, "bench-7", "ops", key) },
		"a key that is none":          func() (string, error) { return Sign(repair("A"), "bench-7", "ops", secret.Of([]byte("x"))) },
		"a key that is not even read": func() (string, error) { return Sign(repair("A"), "bench-7", "ops", secret.Bytes{}) },
	} {
		if text, err := try(); err == nil {
			t.Errorf("%s: signed as %s", what, text)
		}
	}
}

// openssl makes keys and signatures that the package reads, and takes its own.
func TestOpenSSLAgrees(t *testing.T) {
	folder := t.TempDir()
	file := func(name string) string { return filepath.Join(folder, name) }
	openssl := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("openssl", args...).CombinedOutput(); err != nil {
			t.Fatalf("openssl %v: %v\n%s", args, err, out)
		}
	}
	openssl("genpkey", "-algorithm", "ed25519", "-out", file("key.pem"))
	openssl("pkey", "-in", file("key.pem"), "-pubout", "-out", file("public.pem"))
	private, err := ReadPrivate(secret.Of(read(t, file("key.pem"))))
	if err != nil {
		t.Fatal(err)
	}
	publicKey, err := ReadPublic(string(read(t, file("public.pem"))))
	if err != nil {
		t.Fatal(err)
	}
	p := policy()
	p.Keys = []Key{{ID: "k", Public: publicKey, Kinds: []job.Kind{job.Repair}}}
	text, err := Sign(repair("A"), "bench-7", "k", private)
	if err != nil {
		t.Fatal(err)
	}
	if _, keyID, err := p.Read([]byte(text)); err != nil || keyID != "k" {
		t.Errorf("key %q: %v", keyID, err)
	}
	cut := strings.LastIndex(text, ".")
	signature, err := base64.RawURLEncoding.DecodeString(text[cut+1:])
	if err != nil {
		t.Fatal(err)
	}
	write(t, file("signed"), []byte(text[:cut]))
	write(t, file("signature"), signature)
	openssl("pkeyutl", "-verify", "-rawin", "-in", file("signed"), "-sigfile", file("signature"), "-pubin", "-inkey", file("public.pem"))
}

func TestKeysAreRead(t *testing.T) {
	der, err := x509.MarshalPKCS8PrivateKey(keyNumber(1))
	if err != nil {
		t.Fatal(err)
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if key, err := ReadPublic(" " + base64.StdEncoding.EncodeToString(public(1)) + "\n"); err != nil || !key.Equal(public(1)) {
		t.Errorf("a public key in base64: %v", err)
	}
	for _, text := range []string{"", "x", private, "AAAA", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if _, err := ReadPublic(text); err == nil {
			t.Errorf("%.20q is taken for a public key", text)
		} else if len(text) > 20 && strings.Contains(err.Error(), text[30:40]) {
			t.Errorf("the error repeats the key: %v", err) // P4
		}
	}
	for _, text := range []string{"", "x", strings.Replace(private, "M", "N", 1), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY"}))} {
		if _, err := ReadPrivate(secret.Of([]byte(text))); err == nil {
			t.Errorf("%.20q is taken for a private key", text)
		}
	}
}

func TestRemoteKinds(t *testing.T) {
	for kind, want := range map[job.Kind][2]bool{
		job.Diagnose: {true, true}, job.Repair: {true, false}, "save-key": {false, false},
	} {
		if remote, unsigned := policy().Remote(kind); remote != want[0] || unsigned != want[1] {
			t.Errorf("%s: remote %v, unsigned %v, want %v", kind, remote, unsigned, want)
		}
	}
	if remote, _ := (Policy{Unsigned: DefaultUnsigned()}).Remote(job.Repair); remote {
		t.Error("without keys a repair can be asked for from afar")
	}
}

// What is taken is signed by the key that is named, or needs no signature.
func FuzzRead(f *testing.F) {
	const payload = `{"id":"the-job","kind":"repair","bay":"A","aud":"bench-7"}`
	f.Add([]byte(payload))
	f.Add([]byte(`{"id":"j","kind":"backup","bay":"A"}`))
	f.Add([]byte(jws(`{"alg":"EdDSA","kid":"ops","typ":"duogateway-request"}`, payload, 1)))
	f.Add([]byte(jws(`{"alg":"EdDSA","kid":"field","typ":"duogateway-request","jwk":{}}`, payload, 2)))
	f.Add([]byte("a.b.c"))
	p := policy()
	f.Fuzz(func(t *testing.T, text []byte) {
		r, keyID, err := p.Read(text)
		switch {
		case err != nil:
			return
		case keyID == "":
			if r.Kind != job.Diagnose && r.Kind != job.Backup {
				t.Errorf("an unsigned %s is taken", r.Kind)
			}
		default:
			signed := strings.TrimSpace(string(text))
			cut := strings.LastIndex(signed, ".")
			signature, err := base64.RawURLEncoding.DecodeString(signed[cut+1:])
			key := map[string]ed25519.PublicKey{"ops": public(1), "field": public(2)}[keyID]
			if err != nil || !ed25519.Verify(key, []byte(signed[:cut]), signature) {
				t.Errorf("taken as signed by %s, which it is not", keyID)
			}
		}
	})
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
