package job

import (
	"crypto/rand"
	"regexp"
	"strings"
)

var validName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// ValidName tells whether s may be a job id or a bay name: 1 to 64 letters,
// digits, dots, underscores and hyphens.
func ValidName(s string) bool { return validName.MatchString(s) }

// NewID makes a job id that nobody else will make.
func NewID() string { return strings.ToLower(rand.Text()) }
