package job_test

import (
	"strings"
	"testing"

	"duogateway/job"
)

// allowed says in another way what a name may be.
func allowed(s string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	return len(s) >= 1 && len(s) <= 64 && strings.Trim(s, letters) == "" && strings.IndexFunc(s, func(r rune) bool {
		return !strings.ContainsRune(letters, r)
	}) < 0
}

func FuzzValidName(f *testing.F) {
	for _, s := range []string{
		"", "a", "bay-1", "A.b_c-9", ".", "..", strings.Repeat("x", 64), strings.Repeat("x", 65), "a\n", "\na", "a\nb", "a\r", "a ", "a/b",
		"ä", "\xff", "a\x00", "K", "ſ", "a:b", "a\u200b", "１",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := job.ValidName(s); got != allowed(s) {
			t.Errorf("%q: %v", s, got)
		}
	})
}

func TestNewID(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		id := job.NewID()
		if !job.ValidName(id) || seen[id] || len(id) < 20 || strings.ToLower(id) != id {
			t.Fatalf("%q is no new id", id)
		}
		seen[id] = true
	}
}
