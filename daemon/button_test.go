package daemon_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"duogateway/job"
)

// asked lists the jobs as "kind bay source", in the order of the bays.
func (b *bench) asked(t *testing.T) []string {
	t.Helper()
	jobs, err := b.store.Jobs(100)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, j := range jobs {
		list = append(list, string(j.Kind)+" "+j.Bay+" "+string(j.Source))
	}
	slices.Sort(list)
	return list
}

func TestButton(t *testing.T) {
	for name, c := range map[string]struct {
		plugged []string
		press   press
		want    []string
		log     string // a part of what is logged
	}{
		"short press":            {[]string{"1-1.1"}, press{bay: "bay-1", held: 200 * time.Millisecond}, []string{"repair bay-1 button"}, ""},
		"just short":             {nil, press{bay: "bay-2", held: 4999 * time.Millisecond}, []string{"repair bay-2 button"}, ""},
		"long press":             {nil, press{bay: "bay-2", held: 5 * time.Second}, []string{"diagnose bay-2 button"}, ""},
		"the station's, short":   {[]string{"1-1.1", "1-1.2"}, press{held: time.Second}, []string{"repair bay-1 button", "repair bay-2 button"}, ""},
		"the station's, long":    {[]string{"1-1.1", "1-1.2"}, press{held: 9 * time.Second}, []string{"diagnose bay-1 button", "diagnose bay-2 button"}, ""},
		"the station's, one bay": {[]string{"1-1.2"}, press{held: time.Second}, []string{"repair bay-2 button"}, ""},
		"the station's, no bay":  {[]string{"1-1.7"}, press{held: time.Second}, nil, "no bay is occupied"},
		"a bay that is not":      {[]string{"1-1.1"}, press{bay: "bay-9"}, nil, "this station has no such bay"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.bus.plug(c.plugged...)
				stop := b.work()
				defer stop()
				time.Sleep(time.Second)
				b.button <- c.press
				time.Sleep(time.Millisecond)
				if got := b.asked(t); !slices.Equal(got, c.want) {
					t.Errorf("asked for %q, want %q", got, c.want)
				}
				if !strings.Contains(b.log.String(), c.log) {
					t.Errorf("the log does not say %q:\n%s", c.log, b.log)
				}
			})
		})
	}
}

// A press for nothing does not stop the button; one that cannot be watched any
// more is said once.
func TestButtonGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.work()()
		b.button <- press{bay: "bay-9"}
		b.button <- press{held: time.Second}
		b.button <- press{bay: "bay-1"}
		time.Sleep(time.Millisecond)
		if got := b.asked(t); !slices.Equal(got, []string{"repair bay-1 button"}) {
			t.Errorf("asked for %q", got)
		}
		b.button <- press{err: errors.New("it broke off")}
		time.Sleep(time.Millisecond)
		if n := strings.Count(b.log.String(), "it broke off"); n != 1 {
			t.Errorf("it is said %d times:\n%s", n, b.log)
		}
	})
}

// A daemon without a button works.
func TestNoButton(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.Parts.Button = nil
		stop := b.work()
		time.Sleep(time.Minute)
		stop()
	})
}

func TestPressedSaysWhatFailed(t *testing.T) {
	b := newBench(t)
	if err := b.Pressed("bay-9", 0); !job.HasCode(err, job.UnknownBay) {
		t.Errorf("error %v", err)
	}
}

func TestButtonOfABusyBay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.work()()
		for range 3 {
			b.button <- press{bay: "bay-1"}
			time.Sleep(time.Millisecond)
		}
		if got := b.asked(t); !slices.Equal(got, []string{"repair bay-1 button"}) {
			t.Errorf("asked for %q", got)
		}
		if !strings.Contains(b.log.String(), "the bay is busy") {
			t.Errorf("the log does not say why:\n%s", b.log)
		}
	})
}
