package gpio

import "errors"

// The errors of this package, to be tested for with [errors.Is]. Each is one
// row of a fault table; retryable means that the same call may be made again.
var (
	// ErrLinesBusy: another process, or another gesture of this bay, has the
	// lines. Nothing was driven. Retryable.
	ErrLinesBusy = errors.New("the lines of the bay are in use")

	// ErrLines: a line could not be claimed or driven. The station is at
	// fault, not the board.
	ErrLines = errors.New("the lines of the bay cannot be driven")

	// ErrGestureFailed: the gesture did not run to its end, but SETUP was let
	// go in time: nothing on the board is lost. Retryable, after the 60 s that
	// a board needs after a RESET.
	ErrGestureFailed = errors.New("the gesture did not complete")

	// ErrFactoryResetPossible: SETUP was held so long that the board may have
	// reset itself to its factory state. Touch nothing for [QuietTime].
	ErrFactoryResetPossible = errors.New("the board may have made a factory reset")

	// ErrQuiet: the bay's lines may not be touched yet, since an earlier
	// gesture ended with [ErrFactoryResetPossible]. Retryable later.
	ErrQuiet = errors.New("the board must not be touched yet")

	// ErrKeepsOutputs: the kernel leaves a line driven when the process that
	// drove it has died, so a gesture that dies would wipe the board's program.
	// No gesture may be made on this station until that is changed.
	ErrKeepsOutputs = errors.New("the kernel keeps lines driven after their program has ended: " +
		"put dtparam=strict_gpiod into config.txt and reboot")
)
