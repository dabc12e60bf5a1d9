// Package secret holds values that must never be seen by accident: private
// keys, tokens, passwords, Wi-Fi keys and the raw sectors that contain them.
//
// Its types print as [Redacted] with every fmt verb, in JSON, in logs and in
// text encodings. The only way to the value is Reveal, which is easy to find
// in a review. The package knows nothing of what the secrets are for.
//
// The value is kept in a function. fmt cannot call the methods of a type in an
// unexported field and walks into it instead, with a verb that does not fit
// even through a pointer; into a function it cannot walk, and prints an address.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what every secret prints as.
const Redacted = "[redacted]"

// Bytes is a secret of bytes. Copies of it share the bytes. The zero value is
// empty. Secrets cannot be compared; what Reveal returns can.
type Bytes struct{ hidden func() []byte }

// Of makes b a secret. It takes b over and does not copy it.
func Of(b []byte) Bytes { return Bytes{func() []byte { return b }} }

// Reveal returns the bytes themselves, not a copy; nil for the zero value.
func (b Bytes) Reveal() []byte {
	if b.hidden == nil {
		return nil
	}
	return b.hidden()
}

// Len returns the number of bytes.
func (b Bytes) Len() int { return len(b.Reveal()) }

// Clear overwrites the bytes with zeros once they are no longer needed.
func (b Bytes) Clear() { clear(b.Reveal()) }

// String returns [Redacted].
func (b Bytes) String() string { return Redacted }

// Format writes [Redacted] whatever the verb.
func (b Bytes) Format(state fmt.State, _ rune) { writeRedacted(state) }

// MarshalText returns [Redacted].
func (b Bytes) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// LogValue returns [Redacted].
func (b Bytes) LogValue() slog.Value { return slog.StringValue(Redacted) }

// Text is a secret of text, such as a password or a token. The zero value is
// empty. Secrets cannot be compared; what Reveal returns can.
type Text struct{ hidden func() string }

// TextOf makes s a secret.
func TextOf(s string) Text { return Text{func() string { return s }} }

// Reveal returns the text itself; "" for the zero value.
func (t Text) Reveal() string {
	if t.hidden == nil {
		return ""
	}
	return t.hidden()
}

// UnmarshalText makes text the secret, so that a configuration file can hold
// one. It never fails.
func (t *Text) UnmarshalText(text []byte) error {
	*t = TextOf(string(text))
	return nil
}

// String returns [Redacted].
func (t Text) String() string { return Redacted }

// Format writes [Redacted] whatever the verb.
func (t Text) Format(state fmt.State, _ rune) { writeRedacted(state) }

// MarshalText returns [Redacted].
func (t Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// LogValue returns [Redacted].
func (t Text) LogValue() slog.Value { return slog.StringValue(Redacted) }

func writeRedacted(w io.Writer) { _, _ = io.WriteString(w, Redacted) }
