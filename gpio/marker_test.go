package gpio_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"duogateway/gpio"
)

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func sampleMarker() gpio.Marker {
	return gpio.Marker{
		Boot: testBoot, Process: gpio.ProcessID{PID: 42, Started: 120874},
		Act: gpio.ActEnterDFU, Phase: gpio.PhaseRisen, Hold: gpio.DefaultHold, Rose: 5 * time.Second,
	}
}

func encode(t testing.TB, m gpio.Marker) []byte {
	t.Helper()
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParseMarker(t *testing.T) {
	ended := sampleMarker()
	ended.Phase, ended.Ending = gpio.PhaseOver, &gpio.Ending{Outcome: gpio.CutShort, At: 7 * time.Second, Rose: 5 * time.Second, SafeMode: true}
	for _, m := range []gpio.Marker{sampleMarker(), ended} {
		if got, err := gpio.ParseMarker(encode(t, m)); err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("got %+v, %v, want %+v", got, err, m)
		}
	}
	bad := map[string]func(*gpio.Marker){
		"no boot":        func(m *gpio.Marker) { m.Boot = "" },
		"init":           func(m *gpio.Marker) { m.Process.PID = 1 },
		"a group":        func(m *gpio.Marker) { m.Process.PID = -42 },
		"act":            func(m *gpio.Marker) { m.Act = "dance" },
		"phase":          func(m *gpio.Marker) { m.Phase = "" },
		"over, no end":   func(m *gpio.Marker) { m.Phase = gpio.PhaseOver },
		"risen, an end":  func(m *gpio.Marker) { m.Ending = ended.Ending },
		"hold":           func(m *gpio.Marker) { m.Hold = 7 * time.Second },
		"negative rise":  func(m *gpio.Marker) { m.Rose = -1 },
		"endless rise":   func(m *gpio.Marker) { m.Rose = 1<<63 - 1 },
		"outcome":        func(m *gpio.Marker) { *m = ended; m.Ending = &gpio.Ending{Outcome: gpio.Idle} },
		"endless ending": func(m *gpio.Marker) { *m = ended; m.Ending = &gpio.Ending{Outcome: gpio.TooLate, At: 1<<63 - 1} },
	}
	for name, spoil := range bad {
		m := sampleMarker()
		spoil(&m)
		if got, err := gpio.ParseMarker(encode(t, m)); err == nil {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// P2: no marker, however damaged, makes anything but a rule or "no marker".
func FuzzParseMarker(f *testing.F) {
	m := sampleMarker()
	f.Add(encode(f, m))
	m.Phase, m.Ending = gpio.PhaseOver, &gpio.Ending{Outcome: gpio.TooLate, At: 1, Warning: "late"}
	f.Add(encode(f, m))
	f.Add([]byte(""))
	f.Add([]byte("null"))
	f.Add([]byte(`{"boot":"b","process":{"pid":9e99}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := gpio.ParseMarker(data)
		if err != nil {
			return
		}
		again, err := gpio.ParseMarker(encode(t, m))
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%+v comes back as %+v, %v", m, again, err)
		}
	})
}

func TestMarkerFile(t *testing.T) {
	dir := t.TempDir()
	store := gpio.MarkerFile(filepath.Join(dir, "bay.gesture"))
	if _, err := store.Read(); !os.IsNotExist(err) {
		t.Errorf("no file: %v", err)
	}
	if err := store.Remove(); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"a longer one", "short"} {
		if err := store.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := store.Read(); err != nil || string(got) != text {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("the folder holds %v, %v", files, err)
	}
	if err := store.Remove(); err != nil {
		t.Error(err)
	}
	gone := gpio.MarkerFile(filepath.Join(dir, "no-such-folder", "bay.gesture"))
	if err := gone.Write(nil); err == nil {
		t.Error("written into a folder that is not there")
	}
	if _, err := os.Stat(string(store)); !os.IsNotExist(err) {
		t.Errorf("after the removal: %v", err)
	}
}

// A marker that cannot be read is not the same as none.
func TestLoadTellsUnreadable(t *testing.T) {
	clock := gpio.Clock{Boot: testBoot, Monotonic: func() time.Duration { return time.Hour }}
	if m, err := gpio.Load(gpio.MarkerFile(t.TempDir()), clock); m != nil || err == nil {
		t.Errorf("a folder for a file: got %+v, %v", m, err)
	}
	store := &memory{}
	if m, err := gpio.Load(store, clock); m != nil || err != nil {
		t.Errorf("none: got %+v, %v", m, err)
	}
	if _, err := store.Read(); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("13315 (duogateway) R 13286 13277 3582 0 -1 4194560 10200 0 0 0 0 2 0 0 -41 0 4 0 120874 1256603648"))
	f.Add([]byte("7 (a) b) Z) T 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 99"))
	f.Add([]byte("("))
	f.Fuzz(func(t *testing.T, data []byte) {
		started, _, err := gpio.ParseStat(data)
		if err != nil && started != 0 {
			t.Errorf("%d with %v", started, err)
		}
	})
}

func TestParseStat(t *testing.T) {
	started, state, err := gpio.ParseStat([]byte("7 (a) b) Z) T 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 99 5"))
	if err != nil || started != 99 || state != 'T' {
		t.Errorf("got %d, %c, %v", started, state, err)
	}
	for _, bad := range []string{"", "7 (a", "7 (a) R 1 2", "7 (a) T" + strings.Repeat(" x", 30)} {
		if _, _, err := gpio.ParseStat([]byte(bad)); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add(`{"act":"enter-dfu","runtime_dir":"/run","hold":3400000000,"bay":{"name":"b","chip":"c","reset":"r","setup":"s","wiring":"fet"}}`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, argument string) {
		asked, err := gpio.ParseRequest([]string{argument})
		if err != nil {
			return
		}
		if asked.RuntimeDir == "" || asked.Bay.Check() != nil {
			t.Errorf("%+v passes", asked)
		}
	})
}
