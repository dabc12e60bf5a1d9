//go:build vm

package vm_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"duogateway/test/vm"
)

// boot starts a guest that ends with the test.
func boot(t *testing.T, o vm.Options) *vm.Guest {
	t.Helper()
	guest, err := vm.Boot(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(guest.Kill)
	return guest
}

// run runs a guest to its end, expects the exit code and returns what the guest
// said.
func run(t *testing.T, want int, o vm.Options) string {
	t.Helper()
	guest := boot(t, o)
	code, err := guest.Wait()
	t.Logf("the guest said:\n%s", guest.Output())
	if err != nil || code != want {
		t.Fatalf("the guest ended with code %d, error %v; want code %d", code, err, want)
	}
	return guest.Output()
}

// writeFile returns the name of a file that holds text.
func writeFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// serve answers each request with text, and returns the port of the loopback.
func serve(t *testing.T, text string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(server.Close)
	return server.URL[strings.LastIndexByte(server.URL, ':')+1:]
}
