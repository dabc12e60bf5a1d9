package duo

import "encoding/json"

// MarshalJSON writes every member, and null where the dump does not tell.
func (d Diagnosis) MarshalJSON() ([]byte, error) {
	type sector struct {
		Class    Class  `json:"class"`
		Sequence *uint8 `json:"sequence"`
		CRCOK    *bool  `json:"crc_ok"`
	}
	type privateKey struct {
		State       *PrivateKeyState `json:"state"`
		Form        *KeyForm         `json:"form"`
		Fingerprint *string          `json:"fingerprint"`
	}
	type publicKey struct {
		State *PublicKeyState `json:"state"`
	}
	type serverKey struct {
		State       *ServerKeyState `json:"state"`
		Fingerprint *string         `json:"fingerprint"`
	}
	type serverAddress struct {
		State *AddressState `json:"state"`
		Host  *string       `json:"host"`
		Port  *uint16       `json:"port"`
	}
	sectors := make([]sector, 0, len(d.Sectors))
	for _, s := range d.Sectors {
		sectors = append(sectors, sector(s))
	}
	return json.Marshal(struct {
		Size          int           `json:"size"`
		Engine        Engine        `json:"engine"`
		Current       *int          `json:"current"`
		Sectors       []sector      `json:"sectors"`
		DeviceID      *DeviceID     `json:"device_id"`
		PrivateKey    privateKey    `json:"private_key"`
		PublicKey     publicKey     `json:"public_key"`
		ServerKey     serverKey     `json:"server_key"`
		ServerAddress serverAddress `json:"server_address"`
	}{
		Size: d.Size, Engine: d.Engine, Current: orNull(d.Current), Sectors: sectors,
		DeviceID: orNull(d.DeviceID),
		PrivateKey: privateKey{
			orNull(d.PrivateKey.State), orNull(d.PrivateKey.Form), orNull(d.PrivateKey.Fingerprint),
		},
		PublicKey: publicKey{orNull(d.PublicKey.State)},
		ServerKey: serverKey{orNull(d.ServerKey.State), orNull(d.ServerKey.Fingerprint)},
		ServerAddress: serverAddress{
			orNull(d.ServerAddress.State), orNull(d.ServerAddress.Host), orNull(d.ServerAddress.Port),
		},
	})
}

// orNull returns nil for a zero value, which JSON writes as null.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
