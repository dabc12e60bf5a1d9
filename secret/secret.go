// Package secret holds values that must never be seen by accident: private
// keys, tokens, passwords, Wi-Fi keys and the raw sectors that contain them.
//
// Its types print as [Redacted] with every fmt verb, in JSON, in logs and in
// text encodings. The only way to the value is Reveal, which is easy to find
// in a review. The package knows nothing of what the secrets are for.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what every secret prints as.
const Redacted = "[redacted]"

// Bytes is a secret of bytes.
type Bytes []byte

// Reveal returns the bytes themselves, not a copy.
func (b Bytes) Reveal() []byte { return b }

// Clear overwrites the bytes with zeros once they are no longer needed.
func (b Bytes) Clear() { clear(b) }

// String returns [Redacted].
func (b Bytes) String() string { return Redacted }

// Format writes [Redacted] whatever the verb.
func (b Bytes) Format(state fmt.State, _ rune) { writeRedacted(state) }

// MarshalText returns [Redacted].
func (b Bytes) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// LogValue returns [Redacted].
func (b Bytes) LogValue() slog.Value { return slog.StringValue(Redacted) }

// Text is a secret of text, such as a password or a token.
type Text string

// Reveal returns the text itself.
func (t Text) Reveal() string { return string(t) }

// String returns [Redacted].
func (t Text) String() string { return Redacted }

// Format writes [Redacted] whatever the verb.
func (t Text) Format(state fmt.State, _ rune) { writeRedacted(state) }

// MarshalText returns [Redacted].
func (t Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// LogValue returns [Redacted].
func (t Text) LogValue() slog.Value { return slog.StringValue(Redacted) }

func writeRedacted(w io.Writer) { _, _ = io.WriteString(w, Redacted) }
