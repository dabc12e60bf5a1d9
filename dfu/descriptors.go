package dfu

import (
	"context"
	"encoding/binary"
	"fmt"
	"unicode/utf16"
)

// Info is what a device tells of itself.
type Info struct {
	Vendor       uint16 // idVendor
	Product      uint16 // idProduct
	BCDDevice    uint16
	Manufacturer string // "" if the device has no such string
	ProductName  string
	Serial       string
	TransferSize int   // wTransferSize: the longest block, bytes
	Alts         []Alt // in the order of the configuration descriptor
}

// Alt is one alternate setting: one memory.
type Alt struct {
	Number uint8
	Name   string // the string as the device sent it
	Layout Layout // the string read as a layout
}

// alt finds an alternate setting by its number.
func (i Info) alt(number uint8) (Alt, bool) {
	for _, alt := range i.Alts {
		if alt.Number == number {
			return alt, true
		}
	}
	return Alt{}, false
}

// Descriptor types: USB 2.0 table 9-5, and DFU 1.1 table 4.1.3.
const (
	descriptorDevice        = 1
	descriptorConfiguration = 2
	descriptorString        = 3
	descriptorInterface     = 4
	descriptorFunctional    = 0x21
)

const (
	requestGetDescriptor uint8 = 6
	standardInDevice     uint8 = 0x80
	standardInInterface  uint8 = 0x81

	dfuSeVersion     = 0x011A // bcdDFUVersion of DfuSe
	minTransferSize  = 64     // the least that holds a command and is worth a block
	maxConfiguration = 4096   // bytes of a configuration descriptor
)

// describe reads all descriptors into d.info.
func (d *Device) describe(ctx context.Context) error {
	var device [18]byte
	if err := d.fixedDescriptor(ctx, standardInDevice, descriptorDevice, device[:]); err != nil {
		return fmt.Errorf("device descriptor: %w", err)
	}
	d.info.Vendor = binary.LittleEndian.Uint16(device[8:])
	d.info.Product = binary.LittleEndian.Uint16(device[10:])
	d.info.BCDDevice = binary.LittleEndian.Uint16(device[12:])

	language, err := d.language(ctx)
	if err != nil {
		return err
	}
	for _, field := range []struct {
		index uint8
		text  *string
	}{{device[14], &d.info.Manufacturer}, {device[15], &d.info.ProductName}, {device[16], &d.info.Serial}} {
		if *field.text, err = d.text(ctx, field.index, language); err != nil {
			return err
		}
	}
	configuration, err := d.configuration(ctx)
	if err != nil {
		return fmt.Errorf("configuration descriptor: %w", err)
	}
	if d.info.TransferSize, err = d.transferSize(ctx, configuration); err != nil {
		return fmt.Errorf("DFU functional descriptor: %w", err)
	}
	return d.describeAlts(ctx, configuration, language)
}

// descriptor reads up to len(data) bytes of a descriptor.
func (d *Device) descriptor(ctx context.Context, requestType, kind, number uint8, index uint16, data []byte) (int, error) {
	n, err := d.control(ctx, requestType, requestGetDescriptor, uint16(kind)<<8|uint16(number), index, data)
	if err != nil {
		return 0, err
	}
	if n < 2 || data[1] != kind {
		return 0, fmt.Errorf("%w: not a descriptor of type %d", ErrProtocol, kind)
	}
	return n, nil
}

// fixedDescriptor reads a descriptor whose length is known.
func (d *Device) fixedDescriptor(ctx context.Context, requestType, kind uint8, data []byte) error {
	n, err := d.descriptor(ctx, requestType, kind, 0, 0, data)
	if err == nil && (n != len(data) || int(data[0]) != len(data)) {
		err = fmt.Errorf("%w: %d bytes of %d", ErrProtocol, n, len(data))
	}
	return err
}

// configuration reads the whole first configuration.
func (d *Device) configuration(ctx context.Context) ([]byte, error) {
	var head [9]byte
	if err := d.fixedDescriptor(ctx, standardInDevice, descriptorConfiguration, head[:]); err != nil {
		return nil, err
	}
	total := int(binary.LittleEndian.Uint16(head[2:]))
	if total < len(head) || total > maxConfiguration {
		return nil, fmt.Errorf("%w: total length %d", ErrProtocol, total)
	}
	whole := make([]byte, total)
	n, err := d.descriptor(ctx, standardInDevice, descriptorConfiguration, 0, 0, whole)
	if err == nil && n != total {
		err = fmt.Errorf("%w: %d bytes of %d", ErrProtocol, n, total)
	}
	return whole, err
}

// walk calls visit for each descriptor in a configuration.
func walk(configuration []byte, visit func(descriptor []byte)) error {
	for rest := configuration; len(rest) > 0; {
		if len(rest) < 2 || rest[0] < 2 || int(rest[0]) > len(rest) {
			return fmt.Errorf("%w: broken descriptor chain", ErrProtocol)
		}
		visit(rest[:rest[0]])
		rest = rest[rest[0]:]
	}
	return nil
}

// transferSize finds the DFU functional descriptor in the configuration, or
// asks for it, and returns its wTransferSize.
func (d *Device) transferSize(ctx context.Context, configuration []byte) (int, error) {
	var functional []byte
	err := walk(configuration, func(descriptor []byte) {
		if descriptor[1] == descriptorFunctional && len(descriptor) == 9 {
			functional = descriptor
		}
	})
	if err != nil {
		return 0, err
	}
	if functional == nil {
		functional = make([]byte, 9)
		if err := d.fixedDescriptor(ctx, standardInInterface, descriptorFunctional, functional); err != nil {
			return 0, err
		}
	}
	if version := binary.LittleEndian.Uint16(functional[7:]); version != dfuSeVersion {
		return 0, fmt.Errorf("%w: version 0x%04x is not DfuSe", ErrProtocol, version)
	}
	size := int(binary.LittleEndian.Uint16(functional[5:]))
	if size < minTransferSize {
		return 0, fmt.Errorf("%w: transfer size %d", ErrProtocol, size)
	}
	return size, nil
}

// describeAlts reads the layout string of each alternate setting of
// interface 0.
func (d *Device) describeAlts(ctx context.Context, configuration []byte, language uint16) error {
	var interfaces [][]byte
	err := walk(configuration, func(descriptor []byte) {
		if descriptor[1] == descriptorInterface && len(descriptor) == 9 && descriptor[2] == 0 {
			interfaces = append(interfaces, descriptor)
		}
	})
	if err != nil {
		return err
	}
	for _, descriptor := range interfaces {
		alt, err := d.describeAlt(ctx, descriptor, language)
		if err != nil {
			return fmt.Errorf("alternate setting %d: %w", descriptor[3], err)
		}
		d.info.Alts = append(d.info.Alts, alt)
	}
	if len(d.info.Alts) == 0 {
		return fmt.Errorf("%w: no interface 0", ErrProtocol)
	}
	return nil
}

func (d *Device) describeAlt(ctx context.Context, descriptor []byte, language uint16) (Alt, error) {
	number := descriptor[3]
	if _, found := d.info.alt(number); found {
		return Alt{}, fmt.Errorf("%w: described twice", ErrProtocol)
	}
	if class := [3]byte(descriptor[5:8]); class != [3]byte{0xFE, 1, 2} {
		return Alt{}, fmt.Errorf("%w: class % x is not DFU mode", ErrProtocol, class)
	}
	name, err := d.text(ctx, descriptor[8], language)
	if err != nil {
		return Alt{}, err
	}
	layout, err := ParseLayout(name)
	if err != nil {
		return Alt{}, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	return Alt{Number: number, Name: name, Layout: layout}, nil
}

// language returns the first language that the device has strings in.
func (d *Device) language(ctx context.Context) (uint16, error) {
	units, err := d.stringUnits(ctx, 0, 0)
	if err != nil {
		return 0, fmt.Errorf("string languages: %w", err)
	}
	if len(units) == 0 {
		return 0, fmt.Errorf("string languages: %w: none", ErrProtocol)
	}
	return units[0], nil
}

// text reads a string; index 0 stands for no string.
func (d *Device) text(ctx context.Context, index uint8, language uint16) (string, error) {
	if index == 0 {
		return "", nil
	}
	units, err := d.stringUnits(ctx, index, language)
	if err != nil {
		return "", fmt.Errorf("string %d: %w", index, err)
	}
	return string(utf16.Decode(units)), nil
}

// stringUnits reads the 16-bit units of a string descriptor.
func (d *Device) stringUnits(ctx context.Context, index uint8, language uint16) ([]uint16, error) {
	var data [255]byte
	n, err := d.descriptor(ctx, standardInDevice, descriptorString, index, language, data[:])
	if err != nil {
		return nil, err
	}
	length := int(data[0])
	if length < 2 || length > n || length%2 != 0 {
		return nil, fmt.Errorf("%w: length %d of %d bytes", ErrProtocol, length, n)
	}
	units := make([]uint16, 0, length/2)
	for i := 2; i < length; i += 2 {
		units = append(units, binary.LittleEndian.Uint16(data[i:]))
	}
	return units, nil
}
