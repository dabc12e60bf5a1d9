package gpio

// Pin is one claimed GPIO line, as its driver gives it. Levels are those at
// the pin of the Raspberry Pi, not at the board: see [Wiring].
//
// A Pin is used by one goroutine at a time. Any method may fail with an error
// of the driver; a failed call may be repeated.
type Pin interface {
	// Low makes the pin an output at 0 V.
	Low() error
	// High makes the pin an output at 3.3 V.
	High() error
	// Input stops driving the pin.
	Input() error
	// Close gives the pin up, so that another process can claim it. The
	// kernel does the same when the process that claimed it dies.
	Close() error
}

// OpenPin claims the line called name on the GPIO chip called chip, for this
// process alone. While anybody else has the line it fails with an error that
// wraps [ErrLinesBusy]. The pin is then as it was, or an input; it is never
// driven to a new level by being claimed.
type OpenPin func(chip, name string) (Pin, error)
