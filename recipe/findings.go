package recipe

import (
	"encoding/json"
	"fmt"

	"duogateway/duo"
	"duogateway/job"
)

// findings are what the steps remember of a diagnosis.
type findings struct {
	PrivateKey    duo.PrivateKeyState `json:"private_key"`
	Fingerprint   string              `json:"fingerprint"` // empty without a sound key
	ServerKey     duo.ServerKeyState  `json:"server_key"`
	ServerAddress duo.AddressState    `json:"server_address"`

	// Diagnosis is all of it, for whoever asked.
	Diagnosis json.RawMessage `json:"diagnosis"`
}

func foundIn(d duo.Diagnosis) (findings, error) {
	whole, err := json.Marshal(d)
	return findings{
		PrivateKey:    d.PrivateKey.State,
		Fingerprint:   d.PrivateKey.Fingerprint,
		ServerKey:     d.ServerKey.State,
		ServerAddress: d.ServerAddress.State,
		Diagnosis:     whole,
	}, err
}

// String tells the findings in one line.
func (f findings) String() string {
	return fmt.Sprintf("private key %s, server key %s, server address %s", f.PrivateKey, f.ServerKey, f.ServerAddress)
}

// trouble is what the findings say against a board; nil for a healthy one.
func (f findings) trouble() error {
	switch {
	case f.PrivateKey == duo.PrivateKeyErased:
		return job.Failf(job.KeyErased, "the private key is erased")
	case f.PrivateKey != duo.PrivateKeyValid:
		return job.Failf(job.KeyDamaged, "the private key is %s", f.PrivateKey)
	case !f.serverKeySound():
		return job.Failf(job.ServerKeyBad, "the server key is %s", f.ServerKey)
	case !f.addressSound():
		return job.Failf(job.ServerKeyBad, "the server address is %s", f.ServerAddress)
	}
	return nil
}

// serverKeySound takes any well-formed key: one that is not Particle's may be
// meant.
func (f findings) serverKeySound() bool {
	return f.ServerKey == duo.ServerKeyParticle || f.ServerKey == duo.ServerKeyCustom
}

func (f findings) addressSound() bool {
	return f.ServerAddress == duo.AddressDomain || f.ServerAddress == duo.AddressIPv4
}
