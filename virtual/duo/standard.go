package virtualduo

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf16"
)

// setup is the setup packet of a control transfer.
type setup struct {
	requestType, request uint8
	value, index, length uint16
}

// Request types: direction, kind and recipient in one byte.
const (
	toDevice         = 0x00
	toInterface      = 0x01
	toEndpoint       = 0x02
	fromDevice       = 0x80
	fromInterface    = 0x81
	fromEndpoint     = 0x82
	classToInterface = 0x21
	classFromInterf  = 0xA1
	vendorFromDevice = 0xC0
	vendorFromInterf = 0xC1
)

// Standard requests.
const (
	getStatus        = 0
	clearFeature     = 1
	setFeature       = 3
	setAddress       = 5
	getDescriptor    = 6
	getConfiguration = 8
	setConfiguration = 9
	getInterface     = 10
	setInterface     = 11
)

// Descriptor types.
const (
	deviceDescriptor        = 1
	configurationDescriptor = 2
	stringDescriptor        = 3
	functionalDescriptor    = 0x21
)

// respond is the device's side of one control transfer.
func (b *Board) respond(s setup, data []byte) answer {
	switch s.requestType {
	case toDevice, toInterface, fromDevice, fromInterface:
		return b.standard(s)
	case toEndpoint, fromEndpoint:
		return b.endpointRequest(s)
	case classToInterface, classFromInterf:
		if b.mode == modeDFU {
			return b.dfuRequest(s, data)
		}
		return b.serialRequest(s, data)
	case vendorFromDevice, vendorFromInterf:
		return b.vendor(s)
	default:
		return stalled
	}
}

func (b *Board) standard(s setup) answer {
	fromHost := s.requestType&fromDevice == 0
	switch {
	case s.request == getStatus && s.requestType == fromDevice:
		return answer{data: []byte{b.selfPowered(), 0}}
	case s.request == getStatus && s.requestType == fromInterface:
		return answer{data: []byte{0, 0}}
	case s.request == getDescriptor && !fromHost:
		return b.descriptor(s)
	case s.request == getConfiguration && s.requestType == fromDevice:
		return answer{data: []byte{1}}
	case s.request == setConfiguration && s.requestType == toDevice && s.value <= 1:
		b.dfu.state = stateIdle
		return answer{}
	case s.request == getInterface && s.requestType == fromInterface:
		return answer{data: []byte{b.currentAlt()}}
	case s.request == setInterface && s.requestType == toInterface:
		return b.setInterface(s.value)
	case fromHost && (s.request == clearFeature || s.request == setFeature || s.request == setAddress):
		return answer{}
	default:
		return stalled
	}
}

// endpointRequest sets, clears and tells whether an endpoint is halted. None
// ever is: the firmware halts none (redbear/firmware
// platform/MCU/STM32F2xx/STM32_USB_Device_Driver/src/usbd_req.c:270-387).
func (b *Board) endpointRequest(s setup) answer {
	switch {
	case s.request == getStatus && s.requestType == fromEndpoint:
		return answer{data: []byte{0, 0}}
	case (s.request == clearFeature || s.request == setFeature) && s.requestType == toEndpoint:
		return answer{}
	default:
		return stalled
	}
}

func (b *Board) selfPowered() byte {
	if b.mode == modeDFU {
		return 1
	}
	return 0
}

func (b *Board) currentAlt() byte {
	if b.mode == modeDFU {
		return b.dfu.alt
	}
	return 0
}

// setInterface changes the alternate setting and nothing else
// (redbear/firmware usbd_dfu_core.c:577-587).
func (b *Board) setInterface(alt uint16) answer {
	switch {
	case b.mode == modeDFU && int(alt) < b.identity().alts:
		b.dfu.alt = uint8(alt)
		return answer{}
	case b.mode != modeDFU && alt == 0:
		return answer{}
	default:
		return stalled
	}
}

func (b *Board) descriptor(s setup) answer {
	kind, index := uint8(s.value>>8), uint8(s.value)
	switch {
	case kind == deviceDescriptor:
		return answer{data: b.deviceBytes(int(s.length))}
	case kind == configurationDescriptor:
		b.dfu.initTransfer = true
		return answer{data: b.configurationBytes()}
	case kind == stringDescriptor:
		return b.stringBytes(index)
	case kind == functionalDescriptor && b.mode == modeDFU:
		return answer{data: dfuFunctional}
	default: // device qualifier and other speed: it is a full speed device
		return stalled
	}
}

// deviceBytes is the device descriptor, of which a host that asks for a whole
// packet gets 8 bytes only (usbd_req.c:390-396).
func (b *Board) deviceBytes(wanted int) []byte {
	descriptor := []byte{0x12, 1, 0, 2, 0, 0, 0, 64}
	if b.mode != modeDFU {
		descriptor = []byte{0x12, 1, 0, 2, 0xEF, 2, 1, 64}
	}
	is := b.identity()
	for _, number := range []uint16{is.vendor, is.product, is.release} {
		descriptor = binary.LittleEndian.AppendUint16(descriptor, number)
	}
	descriptor = append(descriptor, 1, 2, 3, 1)
	if wanted == 64 {
		return descriptor[:8]
	}
	return descriptor
}

// dfuFunctional: download, upload and detach, 4096 bytes a block, DfuSe 1.1a.
var dfuFunctional = []byte{0x09, 0x21, 0x0B, 0xFF, 0x00, 0x00, 0x10, 0x1A, 0x01}

// runConfiguration is a serial port and the control interface
// (redbear/firmware
// platform/MCU/STM32F2xx/SPARK_Firmware_Driver/src/usbd_composite.c:95-155,333-410
// and usbd_mcdc.c:62-160, whose values for the OTG_HS core are used).
var runConfiguration = slices.Concat(
	[]byte{0x09, 0x02, 0x54, 0x00, 0x03, 0x01, 0x04, 0x80, 0x32},
	[]byte{0x08, 0x0B, 0x00, 0x02, 0x02, 0x02, 0x01, serialText}, // the two of CDC-ACM
	[]byte{0x09, 0x04, 0x00, 0x00, 0x01, 0x02, 0x02, 0x01, serialText},
	[]byte{0x05, 0x24, 0x00, 0x10, 0x01},
	[]byte{0x05, 0x24, 0x01, 0x00, 0x01},
	[]byte{0x04, 0x24, 0x02, 0x02},
	[]byte{0x05, 0x24, 0x06, 0x00, 0x01},
	[]byte{0x07, 0x05, notifyIn, 0x03, 0x08, 0x00, 0x10},
	[]byte{0x09, 0x04, 0x01, 0x00, 0x02, 0x0A, 0x00, 0x00, serialText},
	[]byte{0x07, 0x05, consoleOut, 0x02, bulkPacket, 0x00, 0x10},
	[]byte{0x07, 0x05, consoleIn, 0x02, bulkPacket, 0x00, 0x00},
	[]byte{0x09, 0x04, 0x02, 0x00, 0x00, 0xFF, 0xFF, 0xFF, controlText},
)

func (b *Board) configurationBytes() []byte {
	if b.mode == modeDFU {
		return b.identity().configuration()
	}
	return runConfiguration
}

const winUSBString = 0xEE

// asksForWinUSB says whether the present mode answers Windows' questions.
func (b *Board) asksForWinUSB() bool {
	if b.mode == modeDFU {
		return b.loader.WinUSB
	}
	return b.release().Control
}

func (b *Board) stringBytes(index uint8) answer {
	texts := b.identity().texts
	switch {
	case index == 0:
		return answer{data: []byte{4, stringDescriptor, 0x09, 0x04}}
	case int(index) < len(texts) && texts[index] != "":
		return answer{data: stringOf(texts[index])}
	case index == winUSBString && b.asksForWinUSB():
		return answer{data: append([]byte{18, stringDescriptor}, utf16Bytes("MSFT100\u00EE")...)}
	default:
		return stalled
	}
}

func stringOf(text string) []byte {
	body := utf16Bytes(text)
	return append([]byte{byte(2 + len(body)), stringDescriptor}, body...)
}

func utf16Bytes(text string) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return out
}

// vendor answers Windows' questions, for the interface that DFU has and for
// the firmware's control interface, and there its two plain requests
// (redbear/firmware
// usbd_dfu_core.c:474-507; usbd_composite.c; system/src/usb_control_request_channel.cpp:449-493).
func (b *Board) vendor(s setup) answer {
	windows := s.request == winUSBString && b.asksForWinUSB()
	control := b.mode == modeRun && s.request == 0x50 && b.release().Control
	forInterface, guid := byte(controlInterface), "{20b6cfa4-6dc7-468a-a8db-faa7c23ddea5}"
	if b.mode == modeDFU {
		forInterface, guid = 0, "{37fb5f90-1a34-4929-933b-8a27e1850033}"
	}
	switch {
	case windows && s.index == 4:
		return answer{data: compatibleID(forInterface)}
	case windows && s.index == 5:
		return answer{data: interfaceGUIDs(guid)}
	case control && s.index == 20:
		return answer{data: []byte(strings.ToUpper(hex.EncodeToString(b.config.UID[:])))}
	case control && s.index == 30:
		return answer{data: []byte(b.systemVersion())}
	default:
		return stalled
	}
}

// controlInterface is the number of the firmware's control interface.
const controlInterface = 2

// compatibleID is Microsoft's extended compat id descriptor for WINUSB.
func compatibleID(forInterface byte) []byte {
	return slices.Concat(
		[]byte{0x28, 0, 0, 0, 0, 1, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0},
		[]byte{forInterface, 1}, []byte("WINUSB\x00\x00"), make([]byte, 14),
	)
}

// interfaceGUIDs is Microsoft's extended properties descriptor with one
// property, a list of one GUID.
func interfaceGUIDs(guid string) []byte {
	const listOfStrings = 7
	name := utf16Bytes("DeviceInterfaceGUIDs\x00")
	data := utf16Bytes(guid + "\x00\x00")
	property := binary.LittleEndian.AppendUint32(nil, uint32(14+len(name)+len(data)))
	property = binary.LittleEndian.AppendUint32(property, listOfStrings)
	property = binary.LittleEndian.AppendUint16(property, uint16(len(name)))
	property = append(property, name...)
	property = binary.LittleEndian.AppendUint32(property, uint32(len(data)))
	property = append(property, data...)
	header := binary.LittleEndian.AppendUint32(nil, uint32(10+len(property)))
	return slices.Concat(header, []byte{0, 1, 5, 0, 1, 0}, property)
}

// CDC requests.
const (
	setLineCoding       = 0x20
	getLineCoding       = 0x21
	setControlLineState = 0x22
)

func (b *Board) serialRequest(s setup, data []byte) answer {
	switch {
	case s.requestType == classToInterface && s.request == setLineCoding && len(data) == len(b.run.coding):
		b.setLineCoding(data)
		return answer{}
	case s.requestType == classFromInterf && s.request == getLineCoding:
		return answer{data: b.run.coding[:]}
	case s.requestType == classToInterface && s.request == setControlLineState:
		return answer{}
	default:
		return stalled
	}
}
