package chip

import (
	"fmt"
	"strings"

	periph "periph.io/x/conn/v3/gpio"
	"periph.io/x/host/v3/gpioioctl"
)

// device is what this package needs of a GPIO chip. Offsets are those of the
// lines on the chip, from 0.
type device interface {
	Label() string
	// lineNames returns the names that the kernel has for the lines, by their
	// offsets; empty for a line without one.
	lineNames() []string
	// line returns a line to drive, the same one each time. It is not claimed
	// before it is used.
	line(offset int) line
	// watch claims a line as an input with pull-up that tells both edges.
	watch(offset int) (edges, error)
	// isOutput claims a line as it is, and says what it is.
	isOutput(offset int) (bool, error)
}

// periphChip is a chip of the driver.
type periphChip struct{ *gpioioctl.GPIOChip }

var _ device = periphChip{}

// lineNames undoes what the driver does to a name that an earlier line, of this
// or another chip, has too: it puts the name of the chip before it.
func (c periphChip) lineNames() []string {
	var names []string
	for _, l := range c.Lines() {
		names = append(names, strings.TrimPrefix(l.Name(), c.Name()+"-"))
	}
	return names
}

func (c periphChip) line(offset int) line { return c.Lines()[offset] }

func (c periphChip) watch(offset int) (edges, error) {
	set, err := c.request(offset, gpioioctl.LineInput, periph.BothEdges, periph.PullUp)
	if err != nil {
		return nil, err
	}
	return set, nil
}

// isOutput claims the line, since the kernel looks at the direction of a line
// only when it is claimed (linux drivers/gpio/gpiolib.c, gpiod_request_commit):
// of a free line it tells what it was last.
func (c periphChip) isOutput(offset int) (output bool, err error) {
	set, err := c.request(offset, gpioioctl.LineDirNotSet, periph.NoEdge, periph.PullNoChange)
	if err != nil {
		return false, err
	}
	output, err = readDirection(c.Path(), offset)
	if closeErr := set.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("close the line: %w", closeErr)
	}
	return output, err
}

// request claims a line by its name, which is the driver's own here, and unique
// if the kernel's is.
func (c periphChip) request(offset int, direction gpioioctl.LineDir, edge periph.Edge, pull periph.Pull) (*gpioioctl.LineSet, error) {
	return c.LineSet(direction, edge, pull, c.Lines()[offset].Name())
}
