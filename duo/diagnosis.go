package duo

import "bytes"

// PrivateKeyState is what a private key field holds.
type PrivateKeyState string

const (
	// PrivateKeyErased: the first byte is FF, so the firmware makes a new key
	// at its next start.
	PrivateKeyErased PrivateKeyState = "erased"
	// PrivateKeyZeroed: all 00. The firmware takes it for a key and never
	// makes another one.
	PrivateKeyZeroed PrivateKeyState = "zeroed"
	// PrivateKeyValid: a sound key that the firmware reads as well.
	PrivateKeyValid PrivateKeyState = "valid"
	// PrivateKeyCorrupt: anything else. The firmware uses it all the same.
	PrivateKeyCorrupt PrivateKeyState = "corrupt"
	// PrivateKeyUnreadable: a sound key that the firmware misreads.
	PrivateKeyUnreadable PrivateKeyState = "unreadable-by-firmware"
	// PrivateKeyUnreachable: the board answered zeros for the whole DCT, since
	// its system parts are missing. It says nothing about the key.
	PrivateKeyUnreachable PrivateKeyState = "unreachable"
)

// PublicKeyState compares a public key field with the private key. The
// firmware rewrites the field at each connection, so it is never a fault.
type PublicKeyState string

const (
	PublicKeyOK           PublicKeyState = "ok"
	PublicKeyNeverDerived PublicKeyState = "never-derived"
	PublicKeyStale        PublicKeyState = "stale"
)

// Diagnosis says what a dump of a DCT holds. A zero value or a nil pointer
// means that the dump does not tell; in JSON that is null.
type Diagnosis struct {
	// Size is the number of bytes of the dump.
	Size int
	// Engine is the engine that chose the current copy.
	Engine Engine
	// Current is the number of the current copy, 1 or 2. 0: there is none, or
	// the dump has no sectors.
	Current int
	// Sectors has one entry a sector and is empty for alternate setting 1.
	Sectors []SectorReport
	// The rest is about the current copy.
	DeviceID      DeviceID
	PrivateKey    PrivateKeyReport
	PublicKey     PublicKeyReport
	ServerKey     ServerKeyReport
	ServerAddress ServerAddress
}

// SectorReport is about one raw sector. Sequence and CRCOK are nil when it
// has no valid version block.
type SectorReport struct {
	Class    Class
	Sequence *uint8
	CRCOK    *bool
}

// PrivateKeyReport is about the private key. Form and Fingerprint are set
// when the key is sound, be it readable by the firmware or not.
type PrivateKeyReport struct {
	State       PrivateKeyState
	Form        KeyForm
	Fingerprint string
}

// PublicKeyReport is about the board's public key.
type PublicKeyReport struct {
	State PublicKeyState
}

// ServerKeyReport is about the server key. Fingerprint is set when it is one.
type ServerKeyReport struct {
	State       ServerKeyState
	Fingerprint string
}

// DiagnoseSectors diagnoses the copies of a DCT. engine may be EngineUnknown.
// size is that of the dump that they come from.
func DiagnoseSectors(sectors Sectors, engine Engine, size int) Diagnosis {
	if engine == EngineUnknown {
		engine = sectors.Engine()
	}
	d := Diagnosis{Size: size, Engine: engine}
	for _, sector := range sectors {
		d.Sectors = append(d.Sectors, reportSector(sector))
	}
	if index, ok := sectors.Current(engine); ok {
		d.Current = index + 1
		d.fields(sectors.at(index).Area())
	}
	return d
}

// DiagnoseArea diagnoses a dump of alternate setting 1.
func DiagnoseArea(area Area, engine Engine) Diagnosis {
	d := Diagnosis{Size: area.Len(), Engine: engine}
	if allBytes(area.Reveal(), 0) {
		d.PrivateKey.State = PrivateKeyUnreachable
		return d
	}
	d.fields(area)
	return d
}

// fields fills in what the fields of the area say. A field that the area does
// not hold leaves its report empty.
func (d *Diagnosis) fields(area Area) {
	d.DeviceID, _ = area.DeviceID()
	var key *PrivateKey
	private, hasPrivate := area.Field(PrivateKeyOffset, PrivateKeyStored)
	if hasPrivate {
		d.PrivateKey, key = ClassifyPrivateKey(private)
	}
	if public, ok := area.Field(PublicKeyOffset, PublicKeyReserved); ok {
		d.PublicKey.State = classifyPublicKey(public, key, hasPrivate)
	}
	if server, ok := area.Field(ServerKeyOffset, ServerKeyLen); ok {
		state, spki := ReadServerKey(server)
		d.ServerKey.State = state
		if spki != nil {
			d.ServerKey.Fingerprint = Fingerprint(spki)
		}
	}
	if address, ok := area.Field(ServerAddressOffset, ServerAddressReserved); ok {
		d.ServerAddress = ParseServerAddress(address)
	}
	if key != nil {
		key.Clear()
	}
}

// ClassifyPrivateKey says what the 612 bytes of a private key field hold and
// returns the key when it is sound.
func ClassifyPrivateKey(field []byte) (PrivateKeyReport, *PrivateKey) {
	switch {
	case len(field) > 0 && field[0] == 0xFF:
		return PrivateKeyReport{State: PrivateKeyErased}, nil
	case allBytes(field, 0):
		return PrivateKeyReport{State: PrivateKeyZeroed}, nil
	}
	key, form, err := ReadPrivateKey(field)
	if err != nil {
		return PrivateKeyReport{State: PrivateKeyCorrupt}, nil
	}
	report := PrivateKeyReport{State: PrivateKeyValid, Form: form, Fingerprint: key.Fingerprint()}
	if !ReadableByFirmware(field, key) {
		report.State = PrivateKeyUnreadable
	}
	return report, key
}

// classifyPublicKey compares a public key field with the private key, which
// is nil when it is not sound. Without a private key field there is nothing
// to compare with.
func classifyPublicKey(field []byte, key *PrivateKey, hasPrivate bool) PublicKeyState {
	switch {
	case field[0] == 0xFF:
		return PublicKeyNeverDerived
	case !hasPrivate:
		return ""
	case key != nil && bytes.Equal(field[:SPKILen], key.SPKI()) && allBytes(field[SPKILen:], 0):
		return PublicKeyOK
	}
	return PublicKeyStale
}

func reportSector(s Sector) SectorReport {
	report := SectorReport{Class: s.Class()}
	if block, ok := s.VersionBlock(); ok {
		report.Sequence, report.CRCOK = &block.Sequence, &block.CRCOK
	}
	return report
}
