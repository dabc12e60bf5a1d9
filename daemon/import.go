package daemon

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"duogateway/duo"
	"duogateway/job"
	"duogateway/secret"
)

// KeyImport is a private key that somebody brings, and the board that it is of.
type KeyImport struct {
	DeviceID   string `json:"device_id"`   // 24 hex digits
	PrivateKey string `json:"private_key"` // PKCS#1 DER, minimal or as a board writes it, in base64
}

// importKey takes a key into the store. Somebody's word is all that ties it to
// the board: it is audited.
func (a *api) importKey(w http.ResponseWriter, r *http.Request) {
	info, err := a.takeKey(r.Body)
	answer(w, info, err)
}

func (a *api) takeKey(body io.Reader) (job.RecordInfo, error) {
	record, err := a.readKey(body)
	if err != nil {
		return job.RecordInfo{}, err
	}
	defer record.Block.Clear()
	record.Info.ID = record.ContentID()
	note := job.AuditNote{
		At: record.Info.Stored, Who: string(job.FromCommand), What: "key-import",
		Detail: fmt.Sprintf("key %.16s... of board %s is record %s", record.Info.Fingerprint, record.Info.DeviceID, record.Info.ID),
	}
	return record.Info, a.store.Import([]job.KeyRecord{record}, note)
}

// readKey makes a record of a request: the key in the key area of a factory
// board, as there is no dump of the board itself.
func (a *api) readKey(body io.Reader) (job.KeyRecord, error) {
	var brought KeyImport
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&brought); err != nil {
		return job.KeyRecord{}, job.Failf(job.BadRequest, "reading the key: it is not the JSON of a key and its board")
	}
	id, err := duo.ParseDeviceID(brought.DeviceID)
	if err != nil { // what stands there is not repeated: it may be the key // P4
		return job.KeyRecord{}, job.Failf(job.BadRequest, "reading the key: device_id: want 24 hex digits")
	}
	der, err := base64.StdEncoding.DecodeString(brought.PrivateKey)
	defer clear(der)
	if err != nil {
		return job.KeyRecord{}, job.Failf(job.BadRequest, "reading the key: private_key: %w", err)
	}
	key, _, err := duo.ReadPrivateKey(der)
	if err != nil {
		return job.KeyRecord{}, job.Failf(job.BadRequest, "reading the key: %w", err)
	}
	defer key.Clear()
	block, ok := duo.FactorySector().Area().Block()
	if !ok {
		return job.KeyRecord{}, job.Failf(job.Internal, "a factory DCT has no key area")
	}
	return job.KeyRecord{
		Info: job.RecordInfo{
			DeviceID: string(id), KeyState: string(duo.PrivateKeyValid), Fingerprint: key.Fingerprint(),
			Stored: a.clock.Now(),
		},
		Block: secret.Of(block.WithKey(key).Reveal()),
	}, nil
}
