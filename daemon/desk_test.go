package daemon_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/cloudsync"
	"duogateway/cloudsync/signature"
	"duogateway/daemon"
	"duogateway/job"
	"duogateway/keystore"
	"duogateway/secret"
)

// signer is a key that is the same each time, by its number.
func signer(n byte) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = n
	return ed25519.NewKeyFromSeed(seed)
}

// signed is a request that key 1 has signed, or another.
func signed(t *testing.T, id string, kind job.Kind, keyID string, n byte) string {
	t.Helper()
	until := time.Now().Add(time.Hour)
	r := job.Request{ID: id, Kind: kind, Bay: "bay-1", NotAfter: &until}
	text, err := signature.Sign(r, "station", keyID, secret.Of(signer(n)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// newDeskBench makes a daemon with a desk and two signers. Its broker is nowhere.
func newDeskBench(t testing.TB, adapt ...func(*daemon.Config)) *bench {
	return newBenchWith(t, func(c *daemon.Config) {
		public := func(n byte) string {
			return base64.StdEncoding.EncodeToString(signer(n).Public().(ed25519.PublicKey))
		}
		c.MQTT.Broker = "mqtt://127.0.0.1:1"
		c.MQTT.Unsigned = []string{"diagnose"}
		c.MQTT.Signers = []daemon.SignerConfig{
			{ID: "ops", Public: public(1), Kinds: []string{"*"}},
			{ID: "line", Public: public(2), Kinds: []string{"backup"}, Bays: []string{"bay-2"}},
		}
		for _, do := range adapt {
			do(c)
		}
	})
}

// request brings a request to the desk.
func (b *bench) request(t *testing.T, payload string, about cloudsync.Meta) error {
	t.Helper()
	return b.Desk().Request(t.Context(), []byte(payload), about)
}

// told empties the outbox, and gives in short what it told.
func (b *bench) told(t *testing.T) (list []string) {
	t.Helper()
	letters, err := b.store.Outbox(1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range letters {
		switch {
		case l.Job != nil:
			list = append(list, fmt.Sprintf("job %s %s %s", l.Job.ID, l.Job.State, faultOf(l.Job.Fault)))
		case l.Answer != nil:
			list = append(list, fmt.Sprintf("answer to %s %s %s %s", l.Answer.To, l.Answer.ID, l.Answer.Ruling, faultOf(l.Answer.Fault)))
			if l.Answer.To == job.AskedJob && len(l.Answer.RequestSHA256) != 64 {
				t.Errorf("the answer does not name the request: %+v", l.Answer)
			}
		}
		if err := b.store.Delivered(l.Number); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func faultOf(report *job.Report) string {
	if report == nil {
		return "-"
	}
	return string(report.Code)
}

// What is asked from afar, who may ask it, and what is told.
func TestDeskRequest(t *testing.T) {
	for name, c := range map[string]struct {
		payload func(t *testing.T) string
		about   cloudsync.Meta
		want    string
		spends  bool // the id is spent
		audit   string
	}{
		"unsigned, allowed": {func(*testing.T) string { return request("j", job.Diagnose, "bay-1") }, cloudsync.Meta{}, "job j queued -", true, ""},
		// P3: what nobody has signed does not spend an id that somebody may sign for.
		"unsigned, not allowed":  {func(*testing.T) string { return request("j", job.Repair, "bay-1") }, cloudsync.Meta{}, "answer to request j rejected not-allowed", false, ""},
		"unsigned, unknown kind": {func(*testing.T) string { return request("j", "save-key", "bay-1") }, cloudsync.Meta{}, "answer to request j rejected not-allowed", false, ""},
		"signed":                 {func(t *testing.T) string { return signed(t, "j", job.Repair, "ops", 1) }, cloudsync.Meta{}, "job j queued -", true, "key ops"},
		"signed by another":      {func(t *testing.T) string { return signed(t, "j", job.Repair, "ops", 2) }, cloudsync.Meta{}, "answer to request j rejected bad-signature", false, ""},
		"signed, not allowed":    {func(t *testing.T) string { return signed(t, "j", job.Backup, "line", 2) }, cloudsync.Meta{}, "job j rejected not-allowed", true, "key line"},
		"retained":               {func(t *testing.T) string { return signed(t, "j", job.Repair, "ops", 1) }, cloudsync.Meta{Retained: true}, "answer to request j rejected retained", false, ""},
		"too long":               {func(*testing.T) string { return `{"id":"j","x":"` }, cloudsync.Meta{TooLong: true}, "answer to request  rejected too-large", false, ""},
		"no JSON":                {func(*testing.T) string { return `{"id":"j",` }, cloudsync.Meta{}, "answer to request  rejected bad-request", false, ""},
		"no bay of ours":         {func(*testing.T) string { return request("j", job.Diagnose, "bay-9") }, cloudsync.Meta{}, "job j rejected unknown-bay", true, ""},
		"no device id": {func(*testing.T) string {
			return strings.Replace(request("j", job.Diagnose, "bay-1"), "}", `,"options":{"device_id":"zz"}}`, 1)
		}, cloudsync.Meta{}, "job j rejected bad-request", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newDeskBench(t)
			payload := c.payload(t)
			if err := b.request(t, payload, c.about); err != nil {
				t.Fatal(err)
			}
			if got := b.told(t); len(got) != 1 || got[0] != c.want {
				t.Errorf("told is %q, want %q", got, c.want)
			}
			if spent := b.jobs(t) == 1; spent != c.spends {
				t.Errorf("the id is spent: %v", spent)
			}
			notes, err := b.store.Audit(0, 10)
			if err != nil || (c.audit == "") != (len(notes) == 0) || len(notes) == 1 && notes[0].Who != c.audit {
				t.Errorf("the audit is %+v, %v, want %q", notes, err, c.audit)
			}
			// P3: again it gets the same answer, and spends and audits nothing more.
			if err := b.request(t, payload, c.about); err != nil {
				t.Fatal(err)
			}
			if got := b.told(t); len(got) != 1 || got[0] != c.want {
				t.Errorf("told again is %q, want %q", got, c.want)
			}
			if again, err := b.store.Audit(0, 10); err != nil || len(again) != len(notes) {
				t.Errorf("the audit is now %+v, %v", again, err)
			}
			if !c.spends && b.request(t, signed(t, "j", job.Repair, "ops", 1), cloudsync.Meta{}) == nil {
				if got := b.told(t); len(got) != 1 || got[0] != "job j queued -" {
					t.Errorf("the id cannot be signed for any more: %q", got)
				}
			}
		})
	}
}

// A private key in the place of a public one comes neither into the journal nor
// into what is told. // P4
func TestDeskKeepsPrivateKeys(t *testing.T) {
	b := newDeskBench(t, func(c *daemon.Config) { c.MQTT.Unsigned = []string{"server-key"} })
	private := base64.StdEncoding.EncodeToString([]byte("0123456789 not a public key, but all the same a secret"))
	payload := strings.Replace(request("j", job.ServerKey, "bay-1"), "}", `,"options":{"server_key":"`+private+`"}}`, 1)
	if err := b.request(t, payload, cloudsync.Meta{}); err != nil {
		t.Fatal(err)
	}
	j, _, _, err := b.store.Job("j")
	if err != nil || j.State != job.Rejected || j.Options.ServerKey != "" || strings.Contains(fmt.Sprint(j.Fault), private) {
		t.Errorf("the job is %+v, %v", j, err)
	}
	if strings.Contains(b.log.String(), private) {
		t.Error("it stands in the log")
	}
}

// P5: without room for an answer nothing is taken in, and the broker keeps the
// request.
func TestDeskWithoutRoom(t *testing.T) {
	b := newDeskBench(t, func(c *daemon.Config) { c.MQTT.Letters = 100 })
	for i := range 101 {
		// Rejections are never dropped.
		if _, _, err := b.Station().AdmitRemote(job.Request{ID: fmt.Sprint(i), Kind: job.Repair, Bay: "bay-9", Source: job.FromMQTT}, nil); err != nil {
			t.Fatal(err)
		}
	}
	before := b.jobs(t)
	if err := b.request(t, request("j", job.Diagnose, "bay-1"), cloudsync.Meta{}); !job.HasCode(err, job.OutboxFull) || b.jobs(t) != before {
		t.Errorf("the error is %v, %d jobs of %d", err, b.jobs(t), before)
	}
	b.told(t)
	if err := b.request(t, request("j", job.Diagnose, "bay-1"), cloudsync.Meta{}); err != nil || b.jobs(t) != before+1 {
		t.Errorf("with room the error is %v", err)
	}
}

// cancel brings the wish to cancel a job to the desk.
func (b *bench) cancel(ctx context.Context, id string) error {
	return b.Desk().Cancel(ctx, id, nil, cloudsync.Meta{})
}

func TestDeskCancel(t *testing.T) {
	b := newDeskBench(t)
	if err := b.request(t, request("j", job.Diagnose, "bay-1"), cloudsync.Meta{}); err != nil {
		t.Fatal(err)
	}
	b.told(t)
	for _, c := range []struct {
		id    string
		about cloudsync.Meta
		want  []string
	}{
		{"j", cloudsync.Meta{Retained: true}, []string{"answer to cancel j rejected retained"}},
		{"j", cloudsync.Meta{}, []string{"job j canceled -", "answer to cancel j accepted -"}},
		{"j", cloudsync.Meta{Duplicate: true}, []string{"answer to cancel j known -"}},
		{"k", cloudsync.Meta{}, []string{"answer to cancel k rejected unknown-job"}},
		{"a b", cloudsync.Meta{}, []string{"answer to cancel  rejected unknown-job"}},
	} {
		if err := b.Desk().Cancel(t.Context(), c.id, nil, c.about); err != nil {
			t.Fatal(err)
		}
		if got := b.told(t); strings.Join(got, "; ") != strings.Join(c.want, "; ") {
			t.Errorf("cancel %q: told is %q, want %q", c.id, got, c.want)
		}
	}
}

// A step that does not give up soon keeps nobody waiting for long. The wish is
// not acknowledged then, so that it comes again and is answered.
func TestDeskCancelOfAStubbornStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newDeskBench(t)
		b.gestures.takes = 25 * time.Second
		stop := b.Station().Run
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			stop(ctx)
		}()
		b.bus.plug("1-1.1")
		if err := b.request(t, request("j", job.Diagnose, "bay-1"), cloudsync.Meta{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		b.told(t)
		began := time.Now()
		for range 2 {
			if err := b.cancel(t.Context(), "j"); err == nil {
				t.Error("the wish is acknowledged, and the job goes on")
			}
		}
		if took := time.Since(began); took > 21*time.Second {
			t.Errorf("the desk was busy for %v", took)
		}
		if got := b.told(t); len(got) != 0 {
			t.Errorf("told is %q", got)
		}
		if err := b.cancel(t.Context(), "j"); err != nil {
			t.Error(err)
		}
		if got := strings.Join(b.told(t), "; "); got != "job j canceled -; answer to cancel j accepted -" {
			t.Errorf("told is %q", got)
		}
		end()
		<-done
	})
}

// A station that stops takes nothing in: what it could not answer comes again.
func TestDeskThatStops(t *testing.T) {
	b := newDeskBench(t)
	if err := b.request(t, request("j", job.Diagnose, "bay-1"), cloudsync.Meta{}); err != nil {
		t.Fatal(err)
	}
	b.told(t)
	b.HangUp()
	if b.cancel(t.Context(), "j") == nil || b.request(t, request("k", job.Diagnose, "bay-1"), cloudsync.Meta{}) == nil {
		t.Error("it takes something in")
	}
	if got := b.told(t); len(got) != 0 || b.jobs(t) != 1 {
		t.Errorf("told is %q, %d jobs", got, b.jobs(t))
	}
}

// What waited when the broker was taken out of the configuration is kept until
// there is one again; in between nothing is added.
func TestLettersOutliveTheBroker(t *testing.T) {
	cfg := twoBays(t)
	letters := func(broker string, do func(*keystore.Store)) int {
		cfg.MQTT.Broker = broker
		store, err := keystore.Open(cfg.Store, cfg.StoreOptions(nil))
		if err != nil {
			t.Fatal(err)
		}
		do(store)
		stats, err := store.OutboxStats()
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		return stats.Letters
	}
	tell := func(s *keystore.Store) {
		if err := s.Tell(job.Refusal(job.AskedJob, "j", job.Failf(job.Expired, "late"), job.Stamp{At: time.Now()})); err != nil {
			t.Fatal(err)
		}
	}
	if n := letters("mqtt://127.0.0.1", tell); n != 1 {
		t.Errorf("%d letters with a broker", n)
	}
	if n := letters("", tell); n != 1 {
		t.Errorf("%d letters without one", n)
	}
	if n := letters("mqtt://127.0.0.1", tell); n != 2 {
		t.Errorf("%d letters when there is one again", n)
	}
}
