package daemon

import (
	"context"
	"fmt"

	"duogateway/cloudsync"
)

// link is the station's link to its broker, with the desk that it serves.
type link struct {
	*cloudsync.Link
	desk *desk
	shut func() // closes the desk
	stop func() // ends the changes of the snapshot
}

// newLink makes the link of a station that has a broker. It does not run yet.
func (d *Daemon) newLink() (*link, error) {
	policy, err := d.Policy()
	if err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	closed, shut := context.WithCancel(context.Background())
	changed, stop := d.station.Changes()
	l := &link{shut: shut, stop: stop}
	l.desk = &desk{policy: policy, station: d.station, store: d.store, parts: d.Parts, closed: closed.Done(), wishes: map[string]*wish{}}
	l.Link, err = cloudsync.New(d.Link(), cloudsync.Parts{
		Outbox:   d.store,
		Desk:     l.desk,
		Snapshot: snapshot{d.Config, policy, d.station, d.Parts, changed},
		Clock:    d.Clock,
		Log:      d.Log,
		Session:  d.store.NextSession,
	})
	return l, err
}

// talk keeps the link up until ctx ends. It is nothing without a broker.
func (d *Daemon) talk(ctx context.Context) {
	if d.link == nil {
		return
	}
	defer d.link.stop()
	d.link.Run(ctx)
	d.link.desk.behind.Wait()
}

// hangUp stops the desk from taking anything in.
func (d *Daemon) hangUp() {
	if d.link != nil {
		d.link.shut()
	}
}

// hasTwin tells whether another station uses this one's name: somebody has to
// give one of them another.
func (d *Daemon) hasTwin() bool { return d.link != nil && d.link.Status().Twin != nil }
