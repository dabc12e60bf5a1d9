package virtualduo

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Config says which board is on the bench. The zero value is a sound factory
// board with bootloader r6, system 0.3.3, no factory image and no Wi-Fi.
type Config struct {
	// Bootloader is the generation; nil means BootloaderR6.
	Bootloader *Bootloader
	// Seed makes boards differ: identifier, key and synthetic firmware follow it.
	Seed uint64
	// UID is the unique id of the STM32; all zero means one made from Seed.
	UID [12]byte
	// SystemVersion is the module_version of both system parts; 0 means that
	// of the newest release with this bootloader, which is 11 or system 0.3.3
	// for r6.
	SystemVersion uint16
	// FactoryImage puts a valid factory application into serial flash.
	FactoryImage bool
	// WiFi says that the board has Wi-Fi credentials.
	WiFi bool
	// ServerKey is what the factory wrote at DCT offset 2082: the SPKI of the
	// cloud's key, FF up to 384 bytes, the address block. Nil means the
	// vendor's.
	ServerKey []byte
	// WicedApplication makes it a bare WICED board: the flag in the DCT is set
	// and another maker's program is there.
	WicedApplication bool
	// UpdatesBootloader lets the firmware put its own bootloader over one of
	// another version, as it does in life.
	UpdatesBootloader bool
	// Unknowns are habits that no source tells.
	Unknowns Unknowns
	// Timing is how long things take; zero fields mean the typical values.
	Timing Timing
}

// Timing is how long the board's work takes. Flash times are the typical ones
// of the STM32F205 and MX25L1606E datasheets; where the sources are silent the
// default is a guess and says so.
type Timing struct {
	// Sample is from the rise of RESET, or power, to the first look at SETUP:
	// reset temporisation 0.5 to 3 ms, RC 1 ms, start-up. Unknown; default 10 ms.
	Sample time.Duration
	// Key is how long the firmware makes an RSA key. Unknown; default 8 s.
	Key time.Duration
	// Firmware is from the bootloader's jump to the firmware's first look at
	// its flags. Unknown; default 50 ms.
	Firmware time.Duration
	// USB is from that look to the firmware's USB device. Unknown; default 500 ms.
	USB time.Duration
	// Erase16K, Erase64K and Erase128K are per sector; default 250 ms, 550 ms, 1 s.
	Erase16K, Erase64K, Erase128K time.Duration
	// Program is one program operation, a word or a byte; default 16 us.
	Program time.Duration
	// SerialErase is a 4 KiB sector, SerialPage a page program of up to 256
	// bytes, both of the serial flash; default 40 ms and 600 us.
	SerialErase, SerialPage time.Duration
}

func (c Config) withDefaults() Config {
	if c.Bootloader == nil {
		c.Bootloader = BootloaderR6()
	}
	if c.UID == [12]byte{} {
		c.UID = uidFromSeed(c.Seed)
	}
	if c.SystemVersion == 0 {
		c.SystemVersion = newestFor(c.Bootloader.Version)
	}
	if c.ServerKey == nil {
		c.ServerKey = factoryServerKey()
	}
	c.Unknowns = c.Unknowns.withDefaults()
	c.Timing = c.Timing.withDefaults()
	return c
}

func (t Timing) withDefaults() Timing {
	t.Sample = orDefault(t.Sample, 10*time.Millisecond)
	t.Key = orDefault(t.Key, 8*time.Second)
	t.Firmware = orDefault(t.Firmware, 50*time.Millisecond)
	t.USB = orDefault(t.USB, 500*time.Millisecond)
	t.Erase16K = orDefault(t.Erase16K, 250*time.Millisecond)
	t.Erase64K = orDefault(t.Erase64K, 550*time.Millisecond)
	t.Erase128K = orDefault(t.Erase128K, time.Second)
	t.Program = orDefault(t.Program, 16*time.Microsecond)
	t.SerialErase = orDefault(t.SerialErase, 40*time.Millisecond)
	t.SerialPage = orDefault(t.SerialPage, 600*time.Microsecond)
	return t
}

func orDefault(given, otherwise time.Duration) time.Duration {
	if given == 0 {
		return otherwise
	}
	return given
}

func uidFromSeed(seed uint64) [12]byte {
	return [12]byte(synthetic("uid", seed, 12))
}

// synthetic returns length bytes that depend on purpose and seed only.
func synthetic(purpose string, seed uint64, length int) []byte {
	var out []byte
	for block := uint64(0); len(out) < length; block++ {
		input := binary.LittleEndian.AppendUint64([]byte(purpose), seed)
		input = binary.LittleEndian.AppendUint64(input, block)
		sum := sha256.Sum256(input)
		out = append(out, sum[:]...)
	}
	return out[:length]
}
