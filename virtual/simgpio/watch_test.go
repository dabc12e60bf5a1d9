package simgpio

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Each change is told once, within two looks.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		read := func() (Levels, error) {
			switch passed := time.Since(begun); {
			case passed > 2*time.Second:
				return Levels{}, nil
			case passed > time.Second:
				return Levels{true, true}, nil
			default:
				return Levels{SetupLow: true}, nil
			}
		}
		var told []Levels
		var at []time.Duration
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		err := Watch(ctx, read, func(l Levels) error {
			told, at = append(told, l), append(at, time.Since(begun))
			return nil
		})
		if want := []Levels{{SetupLow: true}, {true, true}, {}}; err != nil || !slices.Equal(told, want) {
			t.Errorf("told %+v, %v", told, err)
		}
		if want := []time.Duration{0, 1001 * time.Millisecond, 2001 * time.Millisecond}; !slices.Equal(at, want) {
			t.Errorf("at %v", at)
		}
	})
}

func TestWatchEndsWithAnError(t *testing.T) {
	broken := errors.New("broken")
	for looks := range 2 {
		for _, reading := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				fail := func(here bool) error {
					if here && calls > looks {
						return broken
					}
					return nil
				}
				read := func() (Levels, error) { calls++; return Levels{ResetLow: calls > 1}, fail(reading) }
				if err := Watch(t.Context(), read, func(Levels) error { return fail(!reading) }); !errors.Is(err, broken) {
					t.Errorf("%v", err)
				}
			})
		}
	}
}

// Levels arrive as they were sent, and are let go with the connection.
func TestWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		sent := []Levels{{false, true}, {true, true}, {true, false}, {}, {true, true}}
		go func() {
			defer func() { _ = here.Close() }()
			for _, l := range sent {
				if err := Send(here)(l); err != nil {
					t.Error(err)
				}
			}
		}()
		var got []Levels
		if err := Receive(there, func(l Levels) { got = append(got, l) }); err != nil {
			t.Error(err)
		}
		if want := append(sent, Levels{}); !slices.Equal(got, want) {
			t.Errorf("got %+v", got)
		}
		if err := Send(here)(Levels{}); err == nil {
			t.Error("a closed connection takes levels")
		}
	})
}

// However a connection goes on, the lines are let go at its end.
func FuzzReceive(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3})
	f.Add([]byte{4})
	f.Fuzz(func(t *testing.T, data []byte) {
		var told []Levels
		err := Receive(bytes.NewReader(data), func(l Levels) { told = append(told, l) })
		bad := slices.IndexFunc(data, func(b byte) bool { return b > 3 })
		if (err != nil) != (bad >= 0) || told[len(told)-1] != (Levels{}) {
			t.Errorf("%x: %+v, %v", data, told, err)
		}
		if bad < 0 {
			bad = len(data)
		}
		if len(told) != bad+1 {
			t.Errorf("%x: %d times told", data, len(told))
		}
	})
}
