package duo

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// DeviceID is the 96-bit unique id of a board's processor: 24 lower-case hex
// digits, two for each byte in memory order. It is also the board's id in the
// cloud. The empty DeviceID means that the id is not known.
type DeviceID string

// DeviceIDLen is the number of bytes behind a DeviceID.
const DeviceIDLen = 12

// ErrDeviceID is returned for a text that is not a device id.
var ErrDeviceID = errors.New("not a device id")

// ParseDeviceID reads 24 hex digits of any case. Twelve bytes FF or 00 are
// what erased or unread memory shows and never an id.
func ParseDeviceID(text string) (DeviceID, error) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != DeviceIDLen {
		return "", fmt.Errorf("%w: %q: want 24 hex digits", ErrDeviceID, text)
	}
	if allBytes(raw, 0xFF) || allBytes(raw, 0x00) {
		return "", fmt.Errorf("%w: %q is what empty memory shows", ErrDeviceID, text)
	}
	return DeviceID(strings.ToLower(text)), nil
}

// DeviceIDFromSerial reads the USB serial number string of a board in DFU
// mode. It reports false when the string is no id: bootloaders r3 and r4 give
// the constant 00000000010C on every board
// (redbear/Duo docs/dfu-util_installation_guide.md).
func DeviceIDFromSerial(serial string) (DeviceID, bool) {
	id, err := ParseDeviceID(serial)
	return id, err == nil
}

// allBytes reports whether b holds nothing but value.
func allBytes(b []byte, value byte) bool {
	for _, x := range b {
		if x != value {
			return false
		}
	}
	return true
}
