package keystore

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"duogateway/job"
)

var (
	jobsBucket       = []byte("jobs")       // id: journalled job
	admissionsBucket = []byte("admissions") // number: id, in the order of admission
	unfinishedBucket = []byte("unfinished") // number: id, those that are not final
	baysBucket       = []byte("bays")       // name: bayState
)

type journalled struct {
	Number uint64          `json:"number"`
	Job    job.Job         `json:"job"`
	Memory json.RawMessage `json:"memory,omitempty"`
	Letter uint64          `json:"letter,omitempty"` // the newest one that tells the job
}

type bayState struct {
	Presence uint64 `json:"presence"`
	LastJob  string `json:"last_job"`
}

// putJob keeps a job's number, and refuses to change what is final.
func putJob(tx *bolt.Tx, e *job.Entry, o *outbox) error {
	var row journalled
	jobs := tx.Bucket(jobsBucket)
	id := []byte(e.Job.ID)
	if err := getJSON(jobs, id, &row); err != nil {
		return err
	}
	fresh := row.Number == 0
	if fresh {
		number, err := tx.Bucket(admissionsBucket).NextSequence()
		if err != nil {
			return err
		}
		row.Number = number
		if err := tx.Bucket(admissionsBucket).Put(numberKey(number), id); err != nil {
			return err
		}
	} else if row.Job.State.Final() {
		return fmt.Errorf("job %s is %s already", e.Job.ID, row.Job.State)
	}
	row.Job, row.Memory = e.Job, e.Memory
	if err := o.tellJob(&row, newest(e)); err != nil {
		return err
	}
	if err := putJSON(jobs, id, row); err != nil {
		return err
	}
	if fresh && e.Job.State == job.Rejected {
		return nil // it never came to a bay, which there may not be
	}
	if err := putUnfinished(tx, row); err != nil {
		return err
	}
	return putBay(tx, e.Job)
}

// newest is when an entry was made, as near as it says.
func newest(e *job.Entry) job.Stamp {
	switch {
	case len(e.Events) > 0:
		return e.Events[len(e.Events)-1].At
	case e.Job.Ended != nil:
		return *e.Job.Ended
	default:
		return e.Job.Admitted
	}
}

// putBay keeps the highest presence: a job that still runs with an earlier one
// must not give its number back.
func putBay(tx *bolt.Tx, j job.Job) error {
	var row bayState
	bays := tx.Bucket(baysBucket)
	if err := getJSON(bays, []byte(j.Bay), &row); err != nil {
		return err
	}
	row.Presence, row.LastJob = max(row.Presence, j.Presence), j.ID
	return putJSON(bays, []byte(j.Bay), row)
}

func putUnfinished(tx *bolt.Tx, row journalled) error {
	unfinished := tx.Bucket(unfinishedBucket)
	if row.Job.State.Final() {
		return unfinished.Delete(numberKey(row.Number))
	}
	return unfinished.Put(numberKey(row.Number), []byte(row.Job.ID))
}

// Job finds a job and what its steps remembered. It says false when there is
// none of that id.
func (s *Store) Job(id string) (found job.Job, memory json.RawMessage, ok bool, err error) {
	var row journalled
	err = s.view("reading job "+id, func(tx *bolt.Tx) error {
		return getJSON(tx.Bucket(jobsBucket), []byte(id), &row)
	})
	return row.Job, row.Memory, row.Number != 0, err
}

// Unfinished lists the jobs that are not final, in the order of admission.
func (s *Store) Unfinished() ([]job.Job, error) {
	var list []job.Job
	err := s.view("reading the unfinished jobs", func(tx *bolt.Tx) error {
		return tx.Bucket(unfinishedBucket).ForEach(func(_, id []byte) error {
			return appendJob(tx, id, &list)
		})
	})
	return list, err
}

// Jobs lists the newest jobs, newest first, at most limit of them.
func (s *Store) Jobs(limit int) ([]job.Job, error) {
	var list []job.Job
	err := s.view("reading the jobs", func(tx *bolt.Tx) error {
		cursor := tx.Bucket(admissionsBucket).Cursor()
		for k, id := cursor.Last(); k != nil && len(list) < limit; k, id = cursor.Prev() {
			if err := appendJob(tx, id, &list); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

func appendJob(tx *bolt.Tx, id []byte, list *[]job.Job) error {
	j, err := readJob(tx, id)
	if err == nil {
		*list = append(*list, *j)
	}
	return err
}

// readJob reads a job that is listed somewhere.
func readJob(tx *bolt.Tx, id []byte) (*job.Job, error) {
	var row journalled
	if err := getJSON(tx.Bucket(jobsBucket), id, &row); err != nil {
		return nil, err
	}
	if row.Number == 0 {
		return nil, fmt.Errorf("%w: job %q is listed, but is not there", errDamaged, id)
	}
	return &row.Job, nil
}

// Bay tells the number of the last presence that a job saw in a bay, and the
// id of the last job that was committed there. Both are zero for a bay without jobs.
func (s *Store) Bay(name string) (presence uint64, lastJob string, err error) {
	var row bayState
	err = s.view("reading bay "+name, func(tx *bolt.Tx) error {
		return getJSON(tx.Bucket(baysBucket), []byte(name), &row)
	})
	return row.Presence, row.LastJob, err
}

// numberKey sorts like the number.
func numberKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func numberOf(key []byte) (uint64, error) {
	if len(key) != 8 {
		return 0, fmt.Errorf("%w: the key %q is no number", errDamaged, key)
	}
	return binary.BigEndian.Uint64(key), nil
}
