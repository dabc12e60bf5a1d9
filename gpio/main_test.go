package gpio_test

import (
	"flag"
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
	// The tests with real processes only wait: their number is not limited by
	// that of the processors.
	flag.Parse()
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
