package recipe_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/keystore"
	"duogateway/test/rig"
)

// wifiPassword stands where a board keeps its Wi-Fi settings, before the
// application's part of the DCT.
const wifiPassword = "correct horse battery"

// After jobs of all kinds nothing that a station stores, logs or tells holds a
// byte of a private key or of a Wi-Fi password: not the journal with what jobs
// remember, not the events, the audit, the log, nor the file of the store. // P4
func TestSecretsStayInside(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := rig.New(t, usual)
		r.Must(r.Board.SetFlash(0x08008000+0x1A40, []byte(wifiPassword)))
		install(r, keyOf(t, 1))
		r.Board.PowerOn()
		r.AwaitRunning()
		r.Start()
		ids := bring(r, saved{key: keyOf(t, 2), board: idOf(r.Board)})
		do(r, job.Request{ID: "1", Kind: job.Diagnose}, "")
		do(r, job.Request{ID: "2", Kind: job.Backup}, "")
		r.Must(r.Board.DamageKey(300, 40))
		do(r, job.Request{ID: "3", Kind: job.Repair}, "")
		do(r, job.Request{ID: "4", Kind: job.Restore, Options: job.Options{Record: ids[0]}}, "")
		zeroed(r)
		do(r, job.Request{ID: "5", Kind: job.Repair}, "")
		do(r, job.Request{ID: "6", Kind: job.Regenerate}, "")
		made := r.Board.FirmwareKey()

		secrets := []string{wifiPassword, string(made.P.Reveal()), string(made.QInv.Reveal())}
		for seed := range uint64(2) {
			secrets = append(secrets, string(keyOf(t, seed+1).Fixed().Reveal()[150:]))
		}
		for name, text := range told(r) {
			for i, secret := range secrets {
				if form := formIn(text, []byte(secret)); form != "" {
					t.Errorf("%s holds secret %d, as %s", name, i, form)
				}
			}
		}
	})
}

// told is all that a station has to tell.
func told(r *rig.Rig) map[string][]byte {
	r.T.Helper()
	all := map[string][]byte{"the log": bytes.Clone(r.Log.Bytes())}
	keep := func(name string, v any) {
		text, err := json.Marshal(v)
		r.Must(err)
		all[name] = append(text, fmt.Sprintf("%+v %#v", v, v)...)
	}
	for i := range 6 {
		id := fmt.Sprint(i + 1)
		j, memory, _, err := r.Store.Job(id)
		r.Must(err)
		keep("job "+id, j)
		all["the memory of job "+id] = memory
	}
	events, err := r.Store.Events(0, 1000)
	r.Must(err)
	keep("the events", events)
	audit, err := r.Store.Audit(0, 1000)
	r.Must(err)
	keep("the audit", audit)
	records, err := r.Store.AllRecords()
	r.Must(err)
	keep("the records", records)
	for _, info := range records {
		record, err := r.Store.Record(info.ID)
		r.Must(err)
		keep("record "+info.ID, record)
	}
	file, err := os.ReadFile(filepath.Join(r.Config.Store, keystore.StoreFile))
	r.Must(err)
	all["the store"] = file
	return all
}

// formIn says in which form a text holds a part of a secret; empty when it
// holds none. Parts of 18 bytes are looked for.
func formIn(text, secret []byte) string {
	const part = 18
	for at := 0; at+part <= len(secret); at += part {
		piece := secret[at : at+part]
		for name, form := range map[string]string{
			"bytes":   string(piece),
			"hex":     hex.EncodeToString(piece),
			"HEX":     fmt.Sprintf("%X", piece),
			"numbers": strings.Trim(fmt.Sprint(piece), "[]"),
			"base64":  base64.StdEncoding.EncodeToString(piece)[:20],
			"base64+": base64.StdEncoding.EncodeToString(piece[1:])[:20],
			"base64-": base64.StdEncoding.EncodeToString(piece[2:])[:20],
		} {
			if bytes.Contains(text, []byte(form)) {
				return name
			}
		}
	}
	return ""
}

func TestFormIn(t *testing.T) {
	secret := keyOf(t, 1).Fixed().Reveal()
	for _, text := range []string{
		string(secret[200:240]), hex.EncodeToString(secret[201:250]), fmt.Sprintf("%X", secret), fmt.Sprint(secret),
		base64.StdEncoding.EncodeToString(secret), base64.StdEncoding.EncodeToString(secret[1:]), base64.StdEncoding.EncodeToString(secret[2:]),
	} {
		if formIn([]byte(text), secret) == "" {
			t.Errorf("not found in %.60q", text)
		}
	}
	if form := formIn(duo.ParticleServerKey(), secret); form != "" {
		t.Errorf("found as %s where it is not", form)
	}
}
