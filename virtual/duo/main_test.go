package virtualduo

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// published returns a file of the vendor's published data.
func published(t *testing.T, name string) []byte {
	t.Helper()
	folder := os.Getenv("DUOGATEWAY_TESTDATA")
	if folder == "" {
		t.Skip("DUOGATEWAY_TESTDATA does not name the folder of published data")
	}
	data, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
