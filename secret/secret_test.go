package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"duogateway/secret"
)

// P4: a secret that is printed, logged or encoded by mistake shows nothing.
func TestSecretsNeverPrint(t *testing.T) {
	type holder struct {
		Key   secret.Bytes
		Token secret.Text
	}
	h := holder{Key: secret.Bytes("hush-key"), Token: "hush-token"}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+"\n", h)
		fmt.Fprintf(&out, verb+"\n", h.Key)
		fmt.Fprintf(&out, verb+"\n", h.Token)
		fmt.Fprintf(&out, verb+"\n", &h)
	}
	encoded, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", h.Key, "token", h.Token, "all", h)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", h.Key, "token", h.Token, "all", h)

	forbidden := []string{"hush", fmt.Sprintf("%x", "hush-key"), fmt.Sprintf("%X", "hush-key"), fmt.Sprint([]byte("hush")), "104 117"}
	for _, leak := range forbidden {
		if strings.Contains(out.String(), leak) {
			t.Errorf("output holds %q:\n%s", leak, out.String())
		}
	}
	if !strings.Contains(out.String(), secret.Redacted) {
		t.Error("nothing was printed at all")
	}
}

func TestRevealAndClear(t *testing.T) {
	b := secret.Bytes("abc")
	if string(b.Reveal()) != "abc" || secret.Text("t").Reveal() != "t" {
		t.Fatal("Reveal does not return the value")
	}
	b.Clear()
	if !bytes.Equal(b, []byte{0, 0, 0}) {
		t.Errorf("Clear left %d", []byte(b.Reveal()))
	}
}
