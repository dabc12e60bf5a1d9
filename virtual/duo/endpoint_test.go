package virtualduo

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"
)

// runHandle opens a board whose firmware runs.
func runHandle(t *testing.T, b *Board) *USB {
	t.Helper()
	_ = listeningPort(t, b)
	usb, err := b.Open()
	if err != nil {
		t.Fatal(err)
	}
	return usb
}

// ask reads with one control transfer.
func ask(usb *USB, requestType, request uint8, value, index uint16) ([]byte, error) {
	data := make([]byte, 255)
	n, err := usb.Control(context.Background(), requestType, request, value, index, data)
	return data[:n], err
}

// A driver that clears a halt, or asks for one, is answered.
func TestEndpointRequests(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		usb := runHandle(t, b)
		if status, err := ask(usb, fromEndpoint, getStatus, 0, consoleIn); err != nil || !bytes.Equal(status, []byte{0, 0}) {
			t.Errorf("%x, %v", status, err)
		}
		if _, err := usb.Control(t.Context(), toEndpoint, clearFeature, 0, consoleIn, nil); err != nil {
			t.Error(err)
		}
		if _, err := ask(usb, fromEndpoint, getDescriptor, 0, consoleIn); !stalls(err) {
			t.Errorf("an endpoint has a descriptor: %v", err)
		}
	})
}

// The serial port never interrupts, and its read ends with the board.
func TestInterruptEndpoint(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		usb := runHandle(t, b)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := usb.Bulk(ctx, notifyIn, make([]byte, 8)); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		time.AfterFunc(time.Minute, b.PowerOff)
		if _, err := usb.Bulk(t.Context(), notifyIn, make([]byte, 8)); !isGone(err) {
			t.Error(err)
		}
	})
}

// The configuration's descriptors fill its length, and the strings that they
// name are there.
func TestRunConfiguration(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		usb := runHandle(t, b)
		configuration, err := ask(usb, fromDevice, getDescriptor, configurationDescriptor<<8, 0)
		if err != nil || int(configuration[2]) != len(configuration) {
			t.Fatalf("%x, %v", configuration, err)
		}
		names := map[byte]byte{2: 6, 4: 8, 11: 7} // where a kind of descriptor names a string
		for rest := configuration; len(rest) > 0; rest = rest[rest[0]:] {
			at, named := names[rest[1]]
			if !named || rest[at] == 0 {
				continue
			}
			if _, err := ask(usb, fromDevice, getDescriptor, stringDescriptor<<8|uint16(rest[at]), 0x409); err != nil {
				t.Errorf("string %d of descriptor %x: %v", rest[at], rest[:rest[0]], err)
			}
		}
		if _, err := ask(usb, fromDevice, getDescriptor, stringDescriptor<<8|6, 0x409); !stalls(err) {
			t.Errorf("string 6, which nothing names: %v", err)
		}
	})
}

// Windows learns that the control interface is its own to drive, from the
// systems that have one.
func TestControlInterfaceIsWinUSB(t *testing.T) {
	for version, knows := range map[uint16]bool{9: false, 10: true, 11: true} {
		loader := BootloaderR6()
		if !knows {
			loader = BootloaderR5()
		}
		inBubble(t, Config{Bootloader: loader, SystemVersion: version}, func(t *testing.T, b *Board) {
			usb := runHandle(t, b)
			id, err := ask(usb, vendorFromDevice, winUSBString, 0, 4)
			if knows != (err == nil) || knows && (len(id) != 40 || id[16] != controlInterface) {
				t.Errorf("system %d: %x, %v", version, id, err)
			}
			if _, err := ask(usb, fromDevice, getDescriptor, stringDescriptor<<8|winUSBString, 0); knows != (err == nil) {
				t.Errorf("system %d: %v", version, err)
			}
			if properties, err := ask(usb, vendorFromInterf, winUSBString, 0, 5); knows && (err != nil || len(properties) != 0x92) {
				t.Errorf("system %d: %x, %v", version, properties, err)
			}
		})
	}
}
