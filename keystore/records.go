package keystore

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	bolt "go.etcd.io/bbolt"

	"duogateway/job"
	"duogateway/secret"
)

var (
	recordsBucket = []byte("records") // id: job.RecordInfo without its marks
	sealedBucket  = []byte("sealed")  // id: the sealed content
	marksBucket   = []byte("marks")   // id: what became of the key later
)

// content is what is sealed: the bytes, and the metadata bound to them.
type content struct {
	Info  job.RecordInfo
	Raw   []byte
	Block []byte
}

// marks change after a record is stored, so they stand beside it.
type marks struct {
	OfferedAt *job.Stamp `json:"offered_at"`
	ProvenAt  *job.Stamp `json:"proven_at"`
}

type sealedRecord struct {
	info   job.RecordInfo
	marks  marks
	sealed []byte
}

func (s *Store) sealAll(records []job.KeyRecord) ([]sealedRecord, error) {
	var all []sealedRecord
	for _, r := range records {
		one, err := s.sealOne(r)
		if err != nil {
			return nil, job.Failf(job.StoreFailed, "sealing a key record of board %q: %w", r.Info.DeviceID, err)
		}
		all = append(all, one)
	}
	return all, nil
}

// sealOne opens what it has sealed: a backup that cannot be read is none. // P1
func (s *Store) sealOne(r job.KeyRecord) (sealedRecord, error) {
	info := r.Info
	info.ID = r.ContentID()
	info.Stored.At = info.Stored.At.UTC().Round(0) // in one form, for it is compared
	later := marks{OfferedAt: info.OfferedAt, ProvenAt: info.ProvenAt}
	info.OfferedAt, info.ProvenAt = nil, nil
	plain, err := pack(content{Info: info, Raw: r.Raw.Reveal(), Block: r.Block.Reveal()})
	if err != nil {
		return sealedRecord{}, err
	}
	defer plain.Clear()
	sealed, err := s.sealer.Seal(plain)
	if err != nil {
		return sealedRecord{}, err
	}
	again, err := s.openRecord(info.ID, info, sealed)
	if err != nil {
		return sealedRecord{}, err
	}
	again.Raw.Clear()
	again.Block.Clear()
	return sealedRecord{info: info, marks: later, sealed: sealed}, nil
}

// pack compresses: a dump is mostly erased flash.
func pack(c content) (secret.Bytes, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if err := json.NewEncoder(w).Encode(c); err != nil {
		return secret.Bytes{}, err
	}
	if err := w.Close(); err != nil {
		return secret.Bytes{}, err
	}
	return secret.Of(packed.Bytes()), nil
}

// largestContent bounds what unpack takes into memory: the text form of 48 KiB
// of flash, a key area and its metadata, with room to spare.
const largestContent = 1 << 20

func unpack(plain secret.Bytes) (content, error) {
	var c content
	r, err := gzip.NewReader(bytes.NewReader(plain.Reveal()))
	if err != nil {
		return c, err
	}
	return c, json.NewDecoder(io.LimitReader(r, largestContent)).Decode(&c)
}

// putRecords stores the records that are new and tells which those are.
func putRecords(tx *bolt.Tx, all []sealedRecord) ([]job.RecordInfo, error) {
	var fresh []job.RecordInfo
	for _, r := range all {
		id := []byte(r.info.ID)
		if tx.Bucket(recordsBucket).Get(id) != nil {
			continue
		}
		if err := putJSON(tx.Bucket(recordsBucket), id, r.info); err != nil {
			return nil, err
		}
		if err := putJSON(tx.Bucket(marksBucket), id, r.marks); err != nil {
			return nil, err
		}
		if err := tx.Bucket(sealedBucket).Put(id, r.sealed); err != nil {
			return nil, err
		}
		fresh = append(fresh, r.info)
	}
	return fresh, nil
}

func recordEvents(fresh []job.RecordInfo, j job.Job) []job.Event {
	var events []job.Event
	for _, info := range fresh {
		events = append(events, job.Event{
			At: info.Stored, What: job.RecordStored, Job: j.ID, Bay: j.Bay,
			Detail: fmt.Sprintf("record %s, key %s", info.ID, info.KeyState),
		})
	}
	return events
}

// Records lists the key records of one board, oldest first. An empty device id
// lists those of boards that could not be identified.
func (s *Store) Records(deviceID string) ([]job.RecordInfo, error) {
	all, err := s.AllRecords()
	return slices.DeleteFunc(all, func(r job.RecordInfo) bool { return r.DeviceID != deviceID }), err
}

// AllRecords lists every key record, oldest first.
func (s *Store) AllRecords() ([]job.RecordInfo, error) {
	var list []job.RecordInfo
	err := s.view("reading the key records", func(tx *bolt.Tx) error {
		return tx.Bucket(recordsBucket).ForEach(func(id, _ []byte) error {
			info, err := readInfo(tx, id)
			list = append(list, info)
			return err
		})
	})
	slices.SortStableFunc(list, func(a, b job.RecordInfo) int { return a.Stored.At.Compare(b.Stored.At) })
	return list, err
}

func readInfo(tx *bolt.Tx, id []byte) (job.RecordInfo, error) {
	var info job.RecordInfo
	if err := getJSON(tx.Bucket(recordsBucket), id, &info); err != nil {
		return info, err
	}
	var later marks
	err := getJSON(tx.Bucket(marksBucket), id, &later)
	info.OfferedAt, info.ProvenAt = later.OfferedAt, later.ProvenAt
	return info, err
}

// Record opens a key record. It fails with UnknownRecord when there is none,
// and with RecordUnreadable when it cannot be opened or when what is sealed
// inside is not what the index says.
func (s *Store) Record(id string) (job.KeyRecord, error) {
	var info job.RecordInfo
	var sealed []byte
	err := s.view("reading key record "+id, func(tx *bolt.Tx) (err error) {
		sealed = bytes.Clone(tx.Bucket(sealedBucket).Get([]byte(id)))
		info, err = readInfo(tx, []byte(id))
		return err
	})
	if err != nil {
		return job.KeyRecord{}, err
	}
	if sealed == nil && info.ID == "" {
		return job.KeyRecord{}, job.Failf(job.UnknownRecord, "key record %q: there is none", id)
	}
	return s.openRecord(id, info, sealed)
}

func (s *Store) openRecord(id string, info job.RecordInfo, sealed []byte) (job.KeyRecord, error) {
	plain, err := s.sealer.Open(sealed)
	if err != nil {
		return job.KeyRecord{}, job.Failf(job.RecordUnreadable, "key record %s: %w", id, err)
	}
	defer plain.Clear()
	inside, err := unpack(plain)
	if err != nil {
		return job.KeyRecord{}, job.Failf(job.RecordUnreadable, "key record %s: %w", id, err)
	}
	r := job.KeyRecord{Info: info, Raw: secret.Of(inside.Raw), Block: secret.Of(inside.Block)}
	bound := info
	bound.OfferedAt, bound.ProvenAt = nil, nil
	if inside.Info != bound || info.ID != id || r.ContentID() != id {
		return job.KeyRecord{}, job.Failf(job.RecordUnreadable, "key record %s: what is sealed inside is not what the index says", id)
	}
	return r, nil
}

// Import stores key records that no job made, with a note of who brought them.
// Records that are there already stay as they are.
func (s *Store) Import(records []job.KeyRecord, note job.AuditNote) error {
	sealed, err := s.sealAll(records)
	if err != nil {
		return err
	}
	return s.mail("importing key records", func(o *outbox) error {
		fresh, err := putRecords(o.tx, sealed)
		if err != nil {
			return err
		}
		if err := putEvents(o.tx, recordEvents(fresh, job.Job{}), o); err != nil {
			return err
		}
		return putAudit(o.tx, []job.AuditNote{note})
	})
}
