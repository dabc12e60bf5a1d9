package keystore

import (
	bolt "go.etcd.io/bbolt"

	"duogateway/job"
)

var auditBucket = []byte("audit") // number: job.AuditNote

func putAudit(tx *bolt.Tx, notes []job.AuditNote) error {
	bucket := tx.Bucket(auditBucket)
	for _, note := range notes {
		number, err := bucket.NextSequence()
		if err != nil {
			return err
		}
		if err := putJSON(bucket, numberKey(number), note); err != nil {
			return err
		}
	}
	return nil
}

// Audit lists the audit in order, from the note behind number after, at most
// limit of them.
func (s *Store) Audit(after uint64, limit int) ([]job.AuditNote, error) {
	var list []job.AuditNote
	err := s.view("reading the audit", func(tx *bolt.Tx) error {
		return readAfter(tx.Bucket(auditBucket), after, limit, &list)
	})
	return list, err
}
