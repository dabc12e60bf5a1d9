package duo

import "fmt"

// Field is one field of the application DCT, or one section of a raw sector.
type Field struct {
	// Name is that of the vendor's structure.
	Name string
	// Offset is that in the application DCT, or in the sector for a section.
	Offset, Size int
	// Secret: the content may be, or hold, a secret, and must not be shown.
	Secret bool

	// since and until are the versions of system part 2 that know the field.
	since, until uint16
}

// anyVersion stands for no upper limit.
const anyVersion = VersionErased

// Versions of system part 2 at which the layout changed.
const (
	part2CountryCode   uint16 = 7              // 0.2.4
	part2DeviceIDField        = Part2NewLayout // 0.3.0
	part2EAP                  = Part2NewEngine // 0.3.2
	newestPart2        uint16 = 11             // 0.3.3
)

// fieldTable is the application DCT of all versions, in order
// (redbear/firmware platform/MCU/STM32F2xx/SPARK_Firmware_Driver/inc/dct.h:71-213).
var fieldTable = [...]Field{
	{"system_flags", SystemFlagsOffset, SystemFlagsLen, false, 0, anyVersion},
	{"version", 32, 2, false, 0, anyVersion},
	{"device_private_key", PrivateKeyOffset, PrivateKeyReserved, true, 0, anyVersion},
	{"device_public_key", PublicKeyOffset, PublicKeyReserved, false, 0, anyVersion},
	{"ip_config", 1634, 24, false, 0, anyVersion},
	{"unused", 1658, 104, false, 0, part2CountryCode - 1},
	{"unused", 1658, 100, false, part2CountryCode, part2DeviceIDField - 1},
	{"unused", 1658, 96, false, part2DeviceIDField, anyVersion},
	{"feature_flags", 1754, 4, false, part2DeviceIDField, anyVersion},
	{"country_code", 1758, 4, false, part2CountryCode, anyVersion},
	{"claim_code", ClaimCodeOffset, ClaimCodeLen, true, 0, anyVersion},
	{"claimed", ClaimedOffset, ClaimedLen, false, 0, anyVersion},
	{"ssid_prefix", 1826, 26, false, 0, anyVersion},
	{"device_code", 1852, 6, false, 0, anyVersion},
	{"version_string", VersionStringOffset, VersionStringLen, false, 0, anyVersion},
	{"dns_resolve", 1890, 128, false, 0, anyVersion},
	{"reserved1", 2018, 64, false, 0, anyVersion},
	{"server_public_key", ServerKeyOffset, ServerKeyReserved, false, 0, anyVersion},
	{"server_address", ServerAddressOffset, ServerAddressReserved, false, 0, anyVersion},
	{"server_public_key_rest", 2594, 256, false, 0, anyVersion},
	{"padding", 2850, 2, false, 0, anyVersion},
	{"flash_modules", FlashModulesOffset, FlashModulesLen, false, 0, anyVersion},
	{"product_store", 2952, 24, false, 0, anyVersion},
	{"antenna_selection", 2976, 1, false, 0, anyVersion},
	{"cloud_transport", 2977, 1, false, 0, anyVersion},
	{"alt_device_public_key", 2978, 128, false, 0, anyVersion},
	{"alt_device_private_key", 3106, 192, true, 0, anyVersion},
	{"alt_server_public_key", 3298, 192, false, 0, anyVersion},
	{"alt_server_address", 3490, 128, false, 0, anyVersion},
	{"reserved2", 3618, 640, false, 0, part2DeviceIDField - 1},
	{"device_id", DeviceIDOffset, DeviceIDLen, false, part2DeviceIDField, anyVersion},
	{"radio_flags", 3630, 1, false, part2DeviceIDField, anyVersion},
	{"mode_button_mirror", ModeButtonMirrorOffset, ModeButtonMirrorLen, false, part2DeviceIDField, anyVersion},
	{"led_mirror", 3663, 96, false, part2DeviceIDField, anyVersion},
	{"led_theme", 3759, 64, false, part2DeviceIDField, anyVersion},
	{"reserved2", 3823, 435, false, part2DeviceIDField, part2EAP - 1},
	{"extra_system_flags", ExtraFlagsOffsetOld, ExtraFlagsLen, false, 0, part2EAP - 1},
	{"eap_config", 3823, 4296, true, part2EAP, anyVersion},
	{"reserved2", 8119, 272, false, part2EAP, anyVersion},
	{"extra_system_flags", ExtraFlagsOffsetNew, ExtraFlagsLen, false, part2EAP, anyVersion},
}

// Fields returns the fields of the application DCT that the system firmware
// with that version of part 2 knows, in order and without gaps. 0 and
// VersionErased mean that the version is not known: the newest.
func Fields(part2 uint16) []Field {
	if part2 == 0 || part2 == VersionErased {
		part2 = newestPart2
	}
	var fields []Field
	for _, f := range fieldTable {
		if f.since <= part2 && part2 <= f.until {
			fields = append(fields, f)
		}
	}
	return fields
}

// Sections returns the parts of a raw sector around the application DCT, in
// order. Version blocks are of the new engine alone.
func Sections() []Field {
	return []Field{
		{"header", 0, headerSize, false, 0, anyVersion},
		{"mfg_info", headerSize, 156, false, 0, anyVersion},
		{"security", 0x220, 6160, true, 0, anyVersion},
		{"wifi_config", WiFiConfigOffset, WiFiConfigLen, true, 0, anyVersion},
		{"network_config", 0x3FCC, 36, true, 0, anyVersion},
		{"version_block", versionBlockStart, blockSize, false, 0, anyVersion},
	}
}

// The Wi-Fi networks and their passwords lie in the sector, outside of the
// application DCT
// (redbear/firmware hal/src/duo/wiced/platform/include/platform_dct.h:707-760).
const WiFiConfigOffset, WiFiConfigLen = 0x1A30, 844

// In returns the bytes of the field in an area, and false when the area does
// not hold all of them.
func (f Field) In(area Area) ([]byte, bool) { return area.Field(f.Offset, f.Size) }

// InSector returns the bytes of a section in a sector, and false when the
// sector is not at hand.
func (f Field) InSector(s Sector) ([]byte, bool) {
	if s.Len() != SectorSize {
		return nil, false
	}
	return s.Reveal()[f.Offset : f.Offset+f.Size : f.Offset+f.Size], true
}

// systemVersions are the released systems by the version of their part 2
// (the module_info of all images in redbear/Duo firmware/system). 0.3.2 calls
// itself 0.3.1.
var systemVersions = map[uint16]string{
	1: "0.1.1", 2: "0.2.0", 3: "0.2.1", 4: "0.2.2", 6: "0.2.3", 7: "0.2.4",
	8: "0.3.0", 9: "0.3.1", 10: "0.3.2", 11: "0.3.3",
}

// SystemVersion returns the release of a system part 2, such as 0.3.3. One
// that was not released gives "version" and the number, VersionErased "none".
func SystemVersion(part2 uint16) string {
	if name, ok := systemVersions[part2]; ok {
		return name
	}
	if part2 == VersionErased {
		return "none"
	}
	return fmt.Sprintf("version %d", part2)
}

// ParseSystemVersion returns the version of part 2 of a release.
func ParseSystemVersion(name string) (part2 uint16, ok bool) {
	for version, release := range systemVersions {
		if release == name {
			return version, true
		}
	}
	return VersionErased, false
}
