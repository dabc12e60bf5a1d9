package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"duogateway/secret"
)

// verbs are those of fmt, and two that fmt does not know: with a verb that
// does not fit it prints the value in a way of its own.
var verbs = []string{
	"%v", "%+v", "%#v", "%s", "%+s", "%#s", "%q", "%+q", "%x", "%X", "%#x", "% x", "%d", "%o", "%b", "%c", "%U",
	"%t", "%e", "%f", "%g", "%p", "%10.3s", "%w", "%y",
}

type (
	exported struct {
		Key   secret.Bytes
		Token secret.Text
	}
	unexported struct {
		key   secret.Bytes
		token secret.Text
	}
	embedded    struct{ secret.Bytes }
	twoEmbedded struct { // no method is promoted, for both have it
		secret.Bytes
		secret.Text
	}
	nested  struct{ inner, again any }
	failure struct{ key secret.Bytes }
)

func (f failure) Error() string { return fmt.Sprintf("%v %v", struct{ key secret.Bytes }(f), f.key) }

// holders keep one secret, of the bytes hush-key or the text hush-token, in
// every way that fmt tells apart.
func holders() map[string]any {
	key, token := secret.Of([]byte("hush-key")), secret.TextOf("hush-token")
	shown, hidden := exported{key, token}, unexported{key, token}
	return map[string]any{
		"bytes":                 key,
		"text":                  token,
		"pointer to bytes":      &key,
		"pointer to text":       &token,
		"exported":              shown,
		"pointer to exported":   &shown,
		"unexported":            hidden,
		"pointer to unexported": &hidden,
		"unexported pointer":    struct{ key *secret.Bytes }{&key},
		"pointers in a row":     struct{ hidden *unexported }{&hidden},
		"embedded":              embedded{key},
		"embedded, unexported":  struct{ e embedded }{embedded{key}},
		"two embedded":          twoEmbedded{key, token},
		"nested":                nested{nested{shown, &shown}, nested{hidden, &hidden}},
		"map":                   map[string]any{"key": key, "hidden": hidden, "pointer": &hidden},
		"unexported map":        struct{ m map[string]secret.Bytes }{map[string]secret.Bytes{"key": key}},
		"slice":                 []any{key, token, shown, hidden, &hidden},
		"slice of secrets":      []secret.Bytes{key},
		"unexported slice":      struct{ s []secret.Bytes }{[]secret.Bytes{key}},
		"unexported array":      struct{ s [1]secret.Text }{[1]secret.Text{token}},
		"error":                 failure{key},
		"wrapped error":         fmt.Errorf("a: %w", errors.Join(failure{key}, fmt.Errorf("%v", hidden))),
		"unexported error":      struct{ err error }{failure{key}},
		"reflected":             reflect.ValueOf(hidden),
		"reflected field":       reflect.ValueOf(hidden).FieldByName("key"),
		"reflected content":     reflect.ValueOf(key).Field(0),
	}
}

// leaks are the looks that the start of a secret could have in an output.
func leaks() []string {
	start := []byte("hush")
	return []string{
		"hush", "hus", fmt.Sprintf("%x", start), fmt.Sprintf("%X", start), fmt.Sprintf("% x", start),
		"104 117", "0x68, 0x75", "0x68 0x75", "150 165", "0150 0165", "1101000 1110101", "h u s", "'h' 'u'", "U+0068",
		"uint8=104", "aHVzaC",
	}
}

func expectNone(t *testing.T, what, output string) {
	t.Helper()
	for _, leak := range leaks() {
		if strings.Contains(output, leak) {
			t.Errorf("%s shows %q: %s", what, leak, output)
		}
	}
}

// P4: a secret that is printed by mistake shows nothing, wherever it is kept.
func TestSecretsNeverPrint(t *testing.T) {
	for name, holder := range holders() {
		for _, verb := range verbs {
			expectNone(t, name+" with "+verb, fmt.Sprintf(verb, holder))
		}
		for mistake, format := range map[string]string{"without a verb": "", "as a width": "%*d", "as a precision": "%.*d", "by a wrong index": "%[3]d"} {
			expectNone(t, name+" "+mistake, fmt.Sprintf(format, holder, 1))
		}
		expectNone(t, name+" by Println", fmt.Sprintln(holder))
	}
}

// Where fmt can call the methods, it says that something was left out.
func TestSecretsSayThatTheyAreRedacted(t *testing.T) {
	key, token := secret.Of([]byte("hush-key")), secret.TextOf("hush-token")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, holder := range []any{key, &key, token, &token, embedded{key}, &embedded{key}, secret.Bytes{}, secret.Text{}} {
			if got := fmt.Sprintf(verb, holder); got != secret.Redacted {
				t.Errorf("%T with %s prints %s", holder, verb, got)
			}
		}
	}
	if got := fmt.Sprintf("%v", exported{key, token}); got != "{[redacted] [redacted]}" {
		t.Errorf("exported fields print as %s", got)
	}
	if key.String() != secret.Redacted || token.String() != secret.Redacted {
		t.Error("String is not redacted")
	}
}

// P4: a secret that is logged or encoded by mistake shows nothing.
func TestSecretsAreNeverEncoded(t *testing.T) {
	h := exported{secret.Of([]byte("hush-key")), secret.TextOf("hush-token")}
	var out bytes.Buffer
	for _, encode := range []func(any) ([]byte, error){json.Marshal, toml.Marshal} {
		encoded, err := encode(h)
		if err != nil || bytes.Count(encoded, []byte(secret.Redacted)) != 2 {
			t.Errorf("encoded as %s, %v", encoded, err)
		}
		out.Write(encoded)
	}
	logs := []*slog.Logger{slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))}
	for name, holder := range holders() {
		for _, log := range logs {
			log.Info("x", name, holder)
		}
	}
	expectNone(t, "an encoding", out.String())
}

func TestBytes(t *testing.T) {
	content := []byte("abc")
	b := secret.Of(content)
	if &b.Reveal()[0] != &content[0] || b.Len() != 3 {
		t.Fatal("Reveal does not return the very bytes")
	}
	same := b
	same.Clear()
	if !bytes.Equal(b.Reveal(), []byte{0, 0, 0}) {
		t.Errorf("Clear left %d", b.Reveal())
	}
	var zero secret.Bytes
	zero.Clear()
	if zero.Reveal() != nil || zero.Len() != 0 {
		t.Error("the zero value is not empty")
	}
}

func TestText(t *testing.T) {
	var config struct{ Password, Absent secret.Text }
	if err := toml.Unmarshal([]byte(`Password = "pass word"`), &config); err != nil {
		t.Fatal(err)
	}
	if config.Password.Reveal() != "pass word" || config.Absent.Reveal() != "" {
		t.Errorf("read %q and %q", config.Password.Reveal(), config.Absent.Reveal())
	}
	if secret.TextOf("t").Reveal() != "t" {
		t.Error("Reveal does not return the text")
	}
}
