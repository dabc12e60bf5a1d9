package virtualduo

import (
	"encoding/hex"
	"slices"
)

// identity is what the board says it is on the bus, in one of its two modes.
type identity struct {
	vendor, product, release uint16
	// texts are the strings by index from 1, empty where there is none; in DFU
	// those from firstLayout on describe the alternate settings.
	texts []string
	alts  int
}

// firstLayout is the string index of the layout of alternate setting 0.
const firstLayout = 6

// identity returns that of the present mode.
func (b *Board) identity() identity {
	is := b.runIdentity()
	if b.mode == modeDFU {
		is = b.dfuIdentity()
	}
	if b.faults.Photon {
		is = is.asPhoton(b.mode == modeDFU)
	}
	if b.faults.Serial != "" {
		is.texts[3] = b.faults.Serial
	}
	return is
}

func (b *Board) dfuIdentity() identity {
	l := b.loader
	return identity{vendorParticle, productDFU, l.DeviceRelease, []string{
		"", "RedBear", "Duo DFU Mode", l.Serial(b.config.UID), l.ConfigurationName, l.InterfaceName,
		l.InternalLayout,
		"@DCT Flash   /0x00000000/01*016Kg",
		"@Serial Flash   /0x00000000/192*004Kg,128*004Kg,64*004Kg,128*004Kg",
	}, altCount}
}

// The string indices of the firmware's interfaces (USBD_COMPOSITE_USRSTR_BASE
// and USBD_MCDC_USRSTR_BASE in redbear/firmware usbd_composite.c and usbd_mcdc.c).
const (
	controlText = 9
	serialText  = 10
)

// runIdentity is that of the firmware. The names of the configuration and of
// the default interface are those of early releases (hal/src/duo/usbd_desc_device.h);
// that the later ones kept them is inferred.
func (b *Board) runIdentity() identity {
	id := hex.EncodeToString(b.config.UID[:])
	return identity{vendorParticle, productRun, 0x0250, []string{
		1: "RedBear", 2: b.release().Product, 3: id, 4: "VCP Config", 5: "VCP Interface",
		controlText: "Duo Control Interface", serialText: "Duo Serial",
	}, 1}
}

// asPhoton is a Photon, platform 6, in the same mode. The product ids are
// those of particle-cli src/lib/deviceSpecs/specifications.js:57; its texts
// and layouts are taken from listings of dfu-util in public forums.
func (is identity) asPhoton(dfu bool) identity {
	texts := slices.Clone(is.texts)
	texts[1], texts[2] = "Particle", "Photon"
	if !dfu {
		return identity{vendorParticle, 0xC006, is.release, texts, is.alts}
	}
	texts[2] = "Photon DFU Mode"
	texts[firstLayout] = "@Internal Flash   /0x08000000/03*016Ka,01*016Kg,01*064Kg,07*128Kg"
	return identity{vendorParticle, 0xD006, 0x0200, texts[:firstLayout+2], 2}
}

// configuration are the alternate settings and the functional descriptor.
func (is identity) configuration() []byte {
	length := byte(9 + 9*is.alts + len(dfuFunctional))
	out := []byte{0x09, 0x02, length, 0x00, 0x01, 0x01, 0x02, 0xC0, 0x32}
	for alt := range is.alts {
		out = append(out, 0x09, 0x04, 0x00, byte(alt), 0x00, 0xFE, 0x01, 0x02, byte(firstLayout+alt))
	}
	return append(out, dfuFunctional...)
}
