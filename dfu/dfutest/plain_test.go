package dfutest_test

import (
	"testing"

	"go.uber.org/goleak"

	"duogateway/dfu/dfutest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// plainFixture is a plain device with all that the suite can use.
func plainFixture(*testing.T) dfutest.Fixture {
	plain := dfutest.NewPlain()
	return dfutest.Fixture{
		Open:   plain.Open,
		Flash:  []dfutest.Area{{Alt: 0, Addr: 0x08001000, Length: 4 << 10}},
		Record: []dfutest.Area{{Alt: 1, Addr: 34, Length: 1000}},
		Unplug: plain.Unplug,
		Replug: plain.Plug,
	}
}

func TestPlainConforms(t *testing.T) { dfutest.BubbleSuite(t, plainFixture) }
