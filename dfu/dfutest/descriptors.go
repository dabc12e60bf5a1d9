package dfutest

import (
	"encoding/binary"
	"unicode/utf16"
)

// Descriptors is what a device in DFU mode says of itself.
type Descriptors struct {
	Vendor, Product, Device uint16
	Strings                 [3]string // manufacturer, product, serial number
	TransferSize            uint16
	Layouts                 []string // one alternate setting each
	HideFunctional          bool     // leave it out of the configuration
}

// firstLayout is the string index of the layout of alternate setting 0.
const firstLayout = 4

// Answer replies to a standard request for a descriptor into data, cut to its
// length; any other request stalls.
func (d Descriptors) Answer(requestType, request uint8, value uint16, data []byte) (int, error) {
	if request != 6 || requestType&0xFE != 0x80 {
		return 0, Stall
	}
	reply := d.descriptor(uint8(value>>8), int(value&0xFF))
	if reply == nil {
		return 0, Stall
	}
	return copy(data, reply), nil
}

func (d Descriptors) descriptor(kind uint8, number int) []byte {
	switch kind {
	case 1:
		return d.device()
	case 2:
		return d.configuration()
	case 3:
		return d.text(number)
	case 0x21:
		return d.functional()
	}
	return nil
}

func (d Descriptors) device() []byte {
	reply := []byte{18, 1, 0, 2, 0, 0, 0, 64}
	reply = binary.LittleEndian.AppendUint16(reply, d.Vendor)
	reply = binary.LittleEndian.AppendUint16(reply, d.Product)
	reply = binary.LittleEndian.AppendUint16(reply, d.Device)
	return append(reply, 1, 2, 3, 1)
}

func (d Descriptors) configuration() []byte {
	var body []byte
	for alt := range d.Layouts {
		body = append(body, 9, 4, 0, uint8(alt), 0, 0xFE, 1, 2, uint8(firstLayout+alt))
	}
	if !d.HideFunctional {
		body = append(body, d.functional()...)
	}
	head := []byte{9, 2}
	head = binary.LittleEndian.AppendUint16(head, uint16(9+len(body)))
	return append(append(head, 1, 1, 0, 0xC0, 50), body...)
}

func (d Descriptors) functional() []byte {
	reply := []byte{9, 0x21, 0x0B, 0xFF, 0}
	reply = binary.LittleEndian.AppendUint16(reply, d.TransferSize)
	return append(reply, 0x1A, 0x01)
}

func (d Descriptors) text(number int) []byte {
	texts := append(d.Strings[:], d.Layouts...)
	switch {
	case number == 0:
		return []byte{4, 3, 0x09, 0x04}
	case number > len(texts):
		return nil
	}
	units := utf16.Encode([]rune(texts[number-1]))
	reply := []byte{uint8(2 + 2*len(units)), 3}
	for _, unit := range units {
		reply = binary.LittleEndian.AppendUint16(reply, unit)
	}
	return reply
}
