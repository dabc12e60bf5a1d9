package gpiotest_test

import (
	"strings"
	"testing"
	"time"

	"duogateway/gpio/gpiotest"
)

const ms = time.Millisecond

func down(at time.Duration, line gpiotest.Line) gpiotest.Event {
	return gpiotest.Event{At: at, Line: line, Asserted: true}
}

func up(at time.Duration, line gpiotest.Line) gpiotest.Event {
	return gpiotest.Event{At: at, Line: line}
}

func dies(at time.Duration, line gpiotest.Line) gpiotest.Event {
	return gpiotest.Event{At: at, Line: line, Died: true}
}

// held is a gesture up to RESET's rise at 20 ms, and what comes then.
func held(then ...gpiotest.Event) []gpiotest.Event {
	return append([]gpiotest.Event{down(0, gpiotest.Setup), down(0, gpiotest.Reset), up(20*ms, gpiotest.Reset)}, then...)
}

// P2: the oracle must see what the others are judged by.
func TestCheckTimeline(t *testing.T) {
	const r, s = gpiotest.Reset, gpiotest.Setup
	cases := map[string]struct {
		events []gpiotest.Event
		want   string // part of the error, empty for none
	}{
		"nothing":               {nil, ""},
		"the gesture":           {held(up(3420*ms, s)), ""},
		"just in time":          {held(up(6020*ms, s)), ""},
		"the window begins":     {held(up(6021*ms, s)), "rises 6.001s after"},
		"the window ends":       {held(up(11520*ms, s)), "rises 11.5s after"},
		"by death in it":        {held(dies(8*time.Second, s)), "rises"},
		"under RESET":           {held(down(8*time.Second, r), up(8*time.Second, s), up(8020*ms, r)), ""},
		"RESET with SETUP":      {held(down(8*time.Second, r), up(8020*ms, r), up(8030*ms, s)), ""},
		"short under RESET":     {held(down(8*time.Second, r), up(8*time.Second, s), up(8005*ms, r)), "low for 5ms"},
		"after the window":      {held(up(13*time.Second, s)), ""},
		"touched in the quiet":  {held(up(13*time.Second, s), down(70*time.Second, r), up(71*time.Second, r)), "nothing may go active"},
		"touched after it":      {held(up(13*time.Second, s), down(74*time.Second, r), up(75*time.Second, r)), ""},
		"a clean RESET":         {[]gpiotest.Event{down(0, r), up(20*ms, r)}, ""},
		"a short RESET":         {[]gpiotest.Event{down(0, r), up(9*ms, r)}, "low for 9ms"},
		"short by death":        {[]gpiotest.Event{down(0, r), dies(9*ms, r)}, ""},
		"SETUP alone":           {[]gpiotest.Event{down(0, s), up(time.Second, s)}, "without a RESET"},
		"SETUP alone, by death": {[]gpiotest.Event{down(0, s), dies(time.Second, s)}, ""},
		"SETUP under RESET":     {[]gpiotest.Event{down(0, r), down(ms, s)}, "with RESET low"},
		"SETUP stays":           {held(), "still active"},
		"RESET stays":           {[]gpiotest.Event{down(0, r)}, "still active"},
	}
	for name, c := range cases {
		err := gpiotest.CheckTimeline(c.events)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
