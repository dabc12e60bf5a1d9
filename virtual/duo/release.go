package virtualduo

// Release is what differs between the system firmwares
// (redbear/Duo firmware/system, commits 0703da504 and 5f5917e8f of
// redbear/firmware, and the module_info of every shipped image).
type Release struct {
	// Name is that of the release, such as 0.3.3.
	Name string
	// Version is the module_version of both system parts.
	Version uint16
	// Says is what the serial command v answers; 0.3.2 has the text of 0.3.1.
	Says string
	// Bootloader is the version that part 2 carries, 0 for none or for one
	// that is not described here.
	Bootloader uint16
	// Engine keeps the DCT at the addresses DCT.
	Engine Engine
	DCT    [2]uint32
	// Product is the product string while the firmware runs. For 0.2.0 to
	// 0.2.3 it is inferred from the releases before and after.
	Product string
	// FlagsInDCT says that the system flags live in the DCT and not in
	// registers of the backup domain.
	FlagsInDCT bool
	// StoresID says that the first boot writes the device id into the DCT.
	StoresID bool
	// Control says that it answers the vendor requests of the control
	// interface (inferred from the merge of the 0.7.0 sources).
	Control bool
	// NaturalKeys says that the numbers of a new key are written behind heads
	// of fixed width at their natural size, so that a short one shifts the rest.
	NaturalKeys bool
}

// Releases returns all releases, the oldest first.
func Releases() []Release {
	return []Release{
		withNaturalKeys(oldRelease("0.1.1", 1, 0)),
		oldRelease("0.2.0", 2, 0),
		oldRelease("0.2.1", 3, 3),
		oldRelease("0.2.2", 4, 3),
		oldRelease("0.2.3", 6, 3),
		oldRelease("0.2.4", 7, 4),
		movedRelease("0.3.0", 8, 5),
		movedRelease("0.3.1", 9, 5),
		newRelease("0.3.2", 10, "0.3.1"),
		newRelease("0.3.3", 11, "0.3.3"),
	}
}

// oldRelease is one whose bootloader has 16 KiB.
func oldRelease(name string, version, bootloader uint16) Release {
	return Release{
		Name: name, Version: version, Says: name, Bootloader: bootloader,
		Engine: Wiced33{}, DCT: oldDCT(), Product: "Duo with WiFi and BLE", FlagsInDCT: true,
	}
}

// movedRelease is one with the DCT behind a bootloader of 32 KiB.
func movedRelease(name string, version, bootloader uint16) Release {
	r := oldRelease(name, version, bootloader)
	r.DCT, r.Product, r.StoresID = newDCT(), "Duo", true
	return r
}

// newRelease is one with the new engine.
func newRelease(name string, version uint16, says string) Release {
	r := movedRelease(name, version, 6)
	r.Says, r.Engine, r.FlagsInDCT, r.Control = says, Wiced37{}, false, true
	return r
}

func withNaturalKeys(r Release) Release {
	r.NaturalKeys = true
	return r
}

// releaseOf returns the release of a module_version; one that was never
// shipped counts as the one before it.
func releaseOf(version uint16) Release {
	releases := Releases()
	found := releases[0]
	for _, r := range releases {
		if r.Version <= version {
			found = r
		}
	}
	return found
}

// newestFor is the module_version of the newest release with a bootloader.
func newestFor(bootloader uint16) uint16 {
	var newest uint16
	for _, r := range Releases() {
		if r.Bootloader == bootloader {
			newest = r.Version
		}
	}
	if newest == 0 {
		return 11
	}
	return newest
}

// oldDCT and newDCT are the addresses of both copies, before and after 0.3.0
// (redbear/firmware modules/duo/system-part2/linker.ld:7-9).
func oldDCT() [2]uint32 { return [2]uint32{0x08004000, 0x08008000} }
func newDCT() [2]uint32 { return [2]uint32{0x08008000, 0x0800C000} }
