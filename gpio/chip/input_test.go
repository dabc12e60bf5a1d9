package chip

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func openEdges(t *testing.T) (*fakeEdges, *Input) {
	t.Helper()
	e := &fakeEdges{level: 1, edges: make(chan error, 1)}
	k := newKernel(label, lineName)
	k.watched = func(int) (edges, error) { return e, nil }
	input, err := hostOf(nil, k).openInput(label, lineName)
	if err != nil {
		t.Fatal(err)
	}
	return e, input
}

func TestInputLevel(t *testing.T) {
	e, input := openEdges(t)
	for level, want := range map[bool]bool{true: false, false: true} {
		e.level = 0
		if level {
			e.level = 1
		}
		if pressed, err := input.Level(); err != nil || pressed != want {
			t.Errorf("level %v: pressed %v, %v", level, pressed, err)
		}
	}
	e.level, e.fault = 0, errors.New("gone")
	if pressed, err := input.Level(); !errors.Is(err, e.fault) || pressed {
		t.Errorf("a line that is gone: pressed %v, %v", pressed, err)
	}
	if err := input.Close(); !errors.Is(err, e.fault) || !e.closed {
		t.Errorf("got %v, closed %v", err, e.closed)
	}
}

func TestInputWait(t *testing.T) {
	gone := errors.New("gone")
	cases := map[string]struct {
		after   time.Duration
		edge    error
		ends    time.Duration // of the context, 0 for never
		stopped time.Duration // the context is called off, 0 for never
		want    error
		took    time.Duration
	}{
		"an edge at once":        {took: 0},
		"an edge much later":     {after: 75 * time.Second, took: 75 * time.Second},
		"an edge in time":        {after: 10 * time.Millisecond, ends: 20 * time.Millisecond, took: 10 * time.Millisecond},
		"the deadline":           {after: time.Hour, ends: 20 * time.Millisecond, want: context.DeadlineExceeded, took: 20 * time.Millisecond},
		"a far deadline":         {after: time.Hour, ends: 3050 * time.Millisecond, want: context.DeadlineExceeded, took: 3050 * time.Millisecond},
		"called off":             {after: time.Hour, stopped: 1050 * time.Millisecond, want: context.Canceled, took: 1200 * time.Millisecond},
		"a line that is gone":    {after: time.Second, edge: gone, want: gone, took: time.Second},
		"a deadline that is due": {after: time.Hour, ends: time.Nanosecond, want: context.DeadlineExceeded, took: time.Millisecond},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, input := openEdges(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.stopped > 0 {
					time.AfterFunc(c.stopped, cancel)
				}
				if c.ends > 0 {
					ctx, cancel = context.WithTimeout(ctx, c.ends)
					defer cancel()
				}
				timer := time.AfterFunc(c.after, func() { e.edges <- c.edge })
				defer timer.Stop()
				begun := time.Now()
				if err := input.Wait(ctx); !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
				if took := time.Since(begun); took < c.took || took > c.took+shortestWait {
					t.Errorf("it took %v, want %v", took, c.took)
				}
			})
		})
	}
}
