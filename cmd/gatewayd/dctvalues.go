package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"duogateway/duo"
)

// describers say what a field holds, for those of which more is known than
// whether they are set. They show nothing but what they recognise: with the
// fields of another system version, a secret may lie anywhere.
var describers = map[string]func(content []byte) string{
	"header":             describeHeader,
	"system_flags":       describeSystemFlags,
	"version":            describeNumber,
	"device_private_key": describePrivateField,
	"device_public_key":  describePublicField,
	"country_code":       describeText,
	"claimed":            describeClaimed,
	"ssid_prefix":        describeCounted,
	"device_code":        describeText,
	"version_string":     describeText,
	"dns_resolve":        describeText,
	"server_public_key":  describeServerField,
	"server_address":     describeAddressField,
	"flash_modules":      describeFlashModules,
	"antenna_selection":  describeNumber,
	"cloud_transport":    describeNumber,
	"device_id":          describeDeviceID,
	"radio_flags":        describeNumber,
	"extra_system_flags": describeExtraFlags,
	"version_block":      describeVersionBlock,
}

// describeField says in one line what a field holds. It shows no secret.
func describeField(f duo.Field, content []byte) string {
	describe, known := describers[f.Name]
	switch {
	case f.Name == "device_private_key": // FF and 00 mean something there
		return describePrivateField(content)
	case only(content, 0xFF):
		return "erased"
	case only(content, 0x00) && !known:
		return "zeros"
	case f.Secret:
		return "set (secret, not shown)"
	case known:
		return describe(content)
	}
	return "set"
}

func only(content []byte, value byte) bool {
	return bytes.Count(content, []byte{value}) == len(content)
}

func describePrivateField(content []byte) string {
	report, key := duo.ClassifyPrivateKey(content[:min(len(content), duo.PrivateKeyStored)])
	if key != nil {
		key.Clear()
	}
	return describePrivateKey(report)
}

func describePublicField(content []byte) string {
	spki, ok := duo.ReadPublicKey(content)
	if !ok {
		return "not a public key"
	}
	return duo.Fingerprint(spki)
}

func describeServerField(content []byte) string {
	state, spki := duo.ReadServerKey(content)
	report := duo.ServerKeyReport{State: state}
	if spki != nil {
		report.Fingerprint = duo.Fingerprint(spki)
	}
	return describeServerKey(report)
}

func describeAddressField(content []byte) string {
	return describeAddress(duo.ParseServerAddress(content))
}

func describeHeader(content []byte) string {
	if len(content) < 16 || string(content[12:16]) != "BRCM" {
		return "not a header"
	}
	return fmt.Sprintf("complete %s, current %s", yesNo(content[8] == 0), yesNo(content[9] == 1))
}

func describeVersionBlock(content []byte) string {
	const magic, sequenceAt = 0xDC0200CD, 13
	if len(content) <= sequenceAt || binary.LittleEndian.Uint32(content) != magic {
		return "none"
	}
	return fmt.Sprintf("sequence %d", content[sequenceAt])
}

func describeSystemFlags(content []byte) string {
	if len(content) < 4 || binary.LittleEndian.Uint32(content) != 0x1ADEACC0 {
		return "without their header"
	}
	return "set"
}

func describeClaimed(content []byte) string { return yesNo(content[0] == '1') }

func describeNumber(content []byte) string {
	if len(content) == 2 {
		return fmt.Sprint(binary.LittleEndian.Uint16(content))
	}
	return fmt.Sprint(content[0])
}

func describeDeviceID(content []byte) string {
	id, ok := duo.DeviceIDFromSerial(hex.EncodeToString(content))
	if !ok {
		return "not a device id"
	}
	return string(id)
}

// describeText shows a text that ends at the first 00 or FF.
func describeText(content []byte) string {
	content, _, _ = bytes.Cut(content, []byte{0x00})
	content, _, _ = bytes.Cut(content, []byte{0xFF})
	for _, c := range content {
		if c < ' ' || c > '~' {
			return "not a text"
		}
	}
	return fmt.Sprintf("%q", content)
}

// describeCounted shows a text behind its length.
func describeCounted(content []byte) string {
	size := int(content[0])
	if size >= len(content) {
		return "not a text"
	}
	return describeText(content[1 : 1+size])
}

// Layout of a slot of flash_modules
// (redbear/firmware platform/MCU/STM32F2xx/SPARK_Firmware_Driver/inc/dct.h).
const (
	slotSize    = 20
	slotPending = 0xABCD
	slotFactory = 0x0FAC
)

func describeFlashModules(content []byte) string {
	var found []string
	for i := 0; i+slotSize <= len(content); i += slotSize {
		slot := content[i : i+slotSize]
		kind := map[uint16]string{slotPending: "pending", slotFactory: "factory image"}[binary.LittleEndian.Uint16(slot)]
		if kind == "" {
			continue
		}
		found = append(found, fmt.Sprintf("slot %d: %s, %s to %s, %d bytes", i/slotSize, kind,
			describeFlashAddress(slot[2], slot[4:]), describeFlashAddress(slot[3], slot[8:]),
			binary.LittleEndian.Uint32(slot[12:])))
	}
	if len(found) == 0 {
		return "no module"
	}
	return strings.Join(found, "; ")
}

func describeFlashAddress(memory byte, address []byte) string {
	name := map[byte]string{0: "internal", 1: "serial"}[memory]
	return fmt.Sprintf("%s %#x", or(name, "unknown memory"), binary.LittleEndian.Uint32(address))
}

func describeExtraFlags(content []byte) string {
	switch binary.LittleEndian.Uint16(content) {
	case 0x5AA5:
		return "marked as a bare WICED application"
	case 0x1234:
		return "marked as Particle firmware"
	}
	return "set"
}
