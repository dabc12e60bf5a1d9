package gpio_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"duogateway/gpio"
	"duogateway/gpio/gpiotest"
)

// childWord makes the test binary the process of a gesture, on a bench whose
// socket comes next.
const childWord = "gesture-child"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == childWord {
		os.Exit(gpio.RunChild(os.Args[3:], gpiotest.Dial(os.Args[2]), os.Stdout, os.Stderr))
	}
	goleak.VerifyTestMain(m)
}
