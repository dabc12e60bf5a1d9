package daemon_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"duogateway/daemon"
	"duogateway/duo"
	"duogateway/job"
)

// A private key that comes where another value belongs is refused, neither
// journalled nor repeated. // P4
func TestAPIKeepsNoMisplacedKey(t *testing.T) {
	key, err := duo.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	text := base64.StdEncoding.EncodeToString(key.Fixed().Reveal())
	for name, request := range map[string]struct {
		target string
		body   any
	}{
		"as server key": {"/v1/jobs", job.Request{ID: "j1", Kind: job.ServerKey, Bay: "bay-1", Options: job.Options{ServerKey: text}}},
		"as device id":  {"/v1/keys", daemon.KeyImport{DeviceID: text, PrivateKey: text}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			body, err := json.Marshal(request.body)
			if err != nil {
				t.Fatal(err)
			}
			answer := b.ask("POST", request.target, string(body))
			if answer.Code != 400 || strings.Contains(answer.Body.String(), text[:20]) {
				t.Errorf("%d %s", answer.Code, answer.Body)
			}
			if n := b.jobs(t); n != 0 {
				t.Errorf("%d jobs were admitted", n)
			}
		})
	}
}
