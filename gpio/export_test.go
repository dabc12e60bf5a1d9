package gpio

import (
	"log/slog"
	"syscall"
	"time"
)

// FakeChild is a process that a test makes up.
type FakeChild interface {
	Ended() bool
	Signal(syscall.Signal) error
	Output() (stdout, stderr []byte)
}

type fakeChild struct{ FakeChild }

func (c fakeChild) ended() bool                     { return c.Ended() }
func (c fakeChild) signal(s syscall.Signal) error   { return c.Signal(s) }
func (c fakeChild) output() (stdout, stderr []byte) { return c.Output() }

// Fakes are the parts of a Runner that a test replaces.
type Fakes struct {
	Clock Clock
	Store func(bay string) MarkerStore
	// Start starts the child of a request; Find returns one by its id, nil if
	// it is gone.
	Start func(act Act, bay Bay) (FakeChild, error)
	Find  func(ProcessID) FakeChild
	Log   *slog.Logger
}

// NewFakeRunner returns a Runner that starts no process and reads no file.
func NewFakeRunner(open OpenPin, gesture Gesture, fakes Fakes) *Runner {
	r := &Runner{config: RunnerConfig{Gesture: gesture, Open: open}, log: fakes.Log, clock: fakes.Clock, store: fakes.Store}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.start = func(asked request) (startedChild, error) {
		child, err := fakes.Start(asked.Act, asked.Bay)
		if err != nil {
			return nil, err
		}
		return fakeChild{child}, nil
	}
	r.find = func(id ProcessID) process {
		if child := fakes.Find(id); child != nil {
			return fakeChild{child}
		}
		return gone{}
	}
	return r
}

type gone struct{}

func (gone) ended() bool                 { return true }
func (gone) signal(syscall.Signal) error { return nil }

// What the tests of small parts call by name.
var (
	Perform      = perform
	LinesOf      = Bay.lines
	Load         = load
	Save         = save
	ParseStat    = parseStat
	ParseRequest = parseRequest
	SelfID       = selfID
)

// EndedID says whether the process of that id is gone.
func EndedID(id ProcessID) bool { return id.ended() }

// SignalID signals the process of that id.
func SignalID(id ProcessID, s syscall.Signal) error { return id.signal(s) }

// Nudge says what is done to a child: wait, wake or kill.
func Nudge(m *Marker, since, now time.Duration) string {
	return map[nudge]string{wait: "wait", wake: "wake", kill: "kill"}[nudgeFor(m, since, now)]
}
