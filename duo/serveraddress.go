package duo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// Where a board connects when its DCT does not say otherwise
// (redbear/firmware system/src/system_cloud_internal.cpp:985,1009 and
// system/inc/system_cloud.h:213).
const (
	DefaultHost        = "device.spark.io"
	DefaultPort uint16 = 5683
)

// The server address field: type, length, text, and a port behind them
// (redbear/firmware parse_server_address.h:33-72).
const (
	addressIPv4   = 0
	addressDomain = 1
	addressErased = 0xFF

	addressText = 2
	addressPort = 66

	// longestDomainRead is what the firmware accepts; longestDomain is what
	// leaves the port and a terminating zero in place.
	longestDomainRead = ServerAddressReserved - addressText
	longestDomain     = addressPort - addressText - 1
)

// AddressState is what a server address field holds.
type AddressState string

const (
	AddressDomain AddressState = "domain"
	AddressIPv4   AddressState = "ipv4"
	// AddressErased and AddressInvalid: the firmware takes the built-in
	// DefaultHost and DefaultPort.
	AddressErased  AddressState = "erased"
	AddressInvalid AddressState = "invalid"
)

// ServerAddress is where the firmware of a board connects.
type ServerAddress struct {
	State AddressState
	// Host is the name or the dotted address that the field holds; empty when
	// it is erased or invalid.
	Host string
	// Port is the effective port: DefaultPort when the field names none.
	Port uint16
}

// ErrServerAddress is returned for an address that a board cannot keep.
var ErrServerAddress = errors.New("not a server address")

// ParseServerAddress reads a server address field of 128 bytes. A shorter one
// is invalid.
func ParseServerAddress(field []byte) ServerAddress {
	if len(field) > 0 && field[0] == addressErased {
		return ServerAddress{State: AddressErased, Port: DefaultPort}
	}
	invalid := ServerAddress{State: AddressInvalid, Port: DefaultPort}
	if len(field) < ServerAddressReserved {
		return invalid
	}
	port := effectivePort(binary.BigEndian.Uint16(field[addressPort:]))
	size := int(field[1])
	switch {
	case field[0] == addressIPv4 && size == 4:
		host := netip.AddrFrom4([4]byte(field[addressText : addressText+4])).String()
		return ServerAddress{State: AddressIPv4, Host: host, Port: port}
	case field[0] == addressDomain && size <= longestDomainRead:
		host := cString(field[addressText : addressText+size])
		if isHost(host) {
			return ServerAddress{State: AddressDomain, Host: string(host), Port: port}
		}
	}
	return invalid
}

// EncodeServerAddress returns the 128 bytes of a server address field: an
// IPv4 address when host is one in dotted form, else a name of at most 63
// characters. Port 0 writes FF FF, which means DefaultPort.
func EncodeServerAddress(host string, port uint16) ([]byte, error) {
	field := bytes.Repeat([]byte{0xFF}, ServerAddressReserved)
	if ip, err := netip.ParseAddr(host); err == nil {
		if !ip.Is4() {
			return nil, fmt.Errorf("%w: %q: a board knows IPv4 only", ErrServerAddress, host)
		}
		field[0], field[1] = addressIPv4, 4
		copy(field[addressText:], ip.AsSlice())
	} else {
		if !isHost([]byte(host)) || len(host) > longestDomain {
			return nil, fmt.Errorf("%w: %q: want a host name of 1 to %d characters", ErrServerAddress, host, longestDomain)
		}
		field[0], field[1] = addressDomain, byte(len(host))
		copy(field[addressText:], host+"\x00")
	}
	if port != 0 {
		binary.BigEndian.PutUint16(field[addressPort:], port)
	}
	return field, nil
}

// effectivePort maps the two values that mean no port.
func effectivePort(stored uint16) uint16 {
	if stored == 0 || stored == 0xFFFF {
		return DefaultPort
	}
	return stored
}

// cString cuts a text at its first zero byte, as the firmware does.
func cString(b []byte) []byte {
	text, _, _ := bytes.Cut(b, []byte{0})
	return text
}

// isHost reports whether b is not empty and all printable ASCII. The firmware
// replaces $id in a name by the device id, so not only letters are allowed.
func isHost(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(b) > 0
}
