package chip

import (
	"os"
	"sync"

	"duogateway/gpio"
)

// system is the GPIO of this machine. It is one for the whole process since the
// driver is: it gives the same line to everybody who asks, so who has which
// line has to be known in one place.
var system = newHost(sync.OnceValues(discover), os.DirFS("/sys"))

var _ gpio.OpenPin = OpenPin

// Find says whether there is such a line. It claims nothing; its errors name the
// chips or lines that there are.
func Find(chip, name string) error {
	_, _, err := system.find(chip, name)
	return err
}

// OpenPin claims the line called name on the chip with that label, both as
// gpiodetect and gpioinfo show them, and makes it an input; its pull stays as
// it was. The pin is this caller's alone until it is closed or the process
// ends. While somebody else has the line, in this process too, the error wraps
// [gpio.ErrLinesBusy]; the other errors name the chips or lines that there are,
// or what the process may not open. It may be called by many goroutines.
func OpenPin(chip, name string) (gpio.Pin, error) { return system.openPin(chip, name) }

// OpenInput claims a line for a button between the line and ground, and
// switches its pull-up on. Its errors are those of [OpenPin].
func OpenInput(chip, name string) (*Input, error) { return system.openInput(chip, name) }

// SelfTest says whether the kernel lets go of a chip's lines when they are
// closed, which is what makes a gesture safe whose process dies. It returns
// nil if so, an error that wraps [gpio.ErrKeepsOutputs] if not, and another
// one if that could not be found out.
//
// name is a line of that chip which may be driven low for a moment: a light, or
// RESET or SETUP of a bay with FETs, for which low is released. Nobody may
// have claimed it. It is an input afterwards. With an empty name no line is
// driven, and only kernels that tell it by themselves can be judged.
func SelfTest(chip, name string) error { return system.selfTest(chip, name) }
