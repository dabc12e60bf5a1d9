package gpio

import (
	"fmt"
	"strconv"
	"strings"
)

// Pull is what a pin's level is while nobody drives it.
type Pull string

const (
	PullUp   Pull = "up"
	PullDown Pull = "down"
)

// PowerOnPull returns the pull that a pin of the Raspberry Pi's header has
// from power-on until somebody changes it, and false for a line name that is
// not one of the header's. GPIO0 to GPIO8 are pulled up, GPIO9 to GPIO27 down:
// BCM2835 ARM Peripherals, section 6.2, table 6-31, column "Pull"; BCM2711 ARM
// Peripherals, section 5.3, column "Pull", says the same.
func PowerOnPull(lineName string) (Pull, bool) {
	number, ok := headerPin(lineName)
	switch {
	case !ok:
		return "", false
	case number <= 8:
		return PullUp, true
	}
	return PullDown, true
}

// CheckWiring refuses a line whose power-on pull would assert the board's
// line before any software runs: "direct" on a pin that is pulled down, "fet"
// on one that is pulled up. Lines it does not know are let through.
func CheckWiring(lineName string, wiring Wiring) error {
	pull, ok := PowerOnPull(lineName)
	if !ok {
		return nil
	}
	asserts := map[Wiring]Pull{FET: PullUp, Direct: PullDown}
	if asserts[wiring] == pull {
		return fmt.Errorf("line %s is pulled %s at power-on, which asserts the board's line with wiring %q", lineName, pull, wiring)
	}
	return nil
}

// headerPin returns the number, 0 to 27, of a pin by its line name.
func headerPin(lineName string) (int, bool) {
	if number, ok := otherNames[lineName]; ok {
		return number, true
	}
	digits, ok := strings.CutPrefix(lineName, "GPIO")
	if !ok {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 8)
	return int(number), err == nil && number <= 27
}

// otherNames are the header's pins that some kernels name by their second
// use: Linux arch/arm/boot/dts/broadcom/bcm2837-rpi-3-b.dts and
// bcm2711-rpi-4-b.dts, gpio-line-names.
var otherNames = map[string]int{
	"ID_SDA": 0, "ID_SCL": 1, "SDA1": 2, "SCL1": 3, "GPIO_GCLK": 4,
	"SPI_CE1_N": 7, "SPI_CE0_N": 8, "SPI_MISO": 9, "SPI_MOSI": 10, "SPI_SCLK": 11,
	"TXD0": 14, "RXD0": 15, "TXD1": 14, "RXD1": 15,
}
