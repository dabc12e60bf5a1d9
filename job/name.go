package job

import (
	"crypto/rand"
	"regexp"
	"slices"
	"strings"
)

var validName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// ValidName tells whether s may be a bay name: 1 to 64 letters, digits, dots,
// underscores and hyphens.
func ValidName(s string) bool { return validName.MatchString(s) }

// reservedIDs are names that no job can have: a path of the local API that ends
// in the first two leads elsewhere, and the topic of a job with the last one
// would be that of the requests.
var reservedIDs = []string{".", "..", "request"}

// ValidID tells whether s may be a job id: a name that is not reserved.
func ValidID(s string) bool { return ValidName(s) && !slices.Contains(reservedIDs, s) }

// NewID makes a job id that nobody else will make.
func NewID() string { return strings.ToLower(rand.Text()) }
