package daemon

import (
	"duogateway/cloudsync"
	"duogateway/cloudsync/signature"
	"duogateway/job"
	"duogateway/station"
)

// snapshot tells the link what holds now.
type snapshot struct {
	config  Config
	policy  signature.Policy
	station *station.Station
	parts   Parts
	changed <-chan struct{}
}

var _ cloudsync.Snapshot = snapshot{}

// Info describes the station.
func (s snapshot) Info() (job.StationInfo, error) {
	info := job.StationInfo{
		Station: s.config.Station,
		Version: s.parts.Version,
		Schemas: job.SchemaVersion,
		Limits:  job.Limits{RequestBytes: job.LargestRequest, ExtraBytes: job.LargestExtra},
		At:      s.parts.Clock.Now(),
	}
	for _, b := range s.config.Bays {
		info.Bays = append(info.Bays, job.BayInfo{Name: b.Name, Type: b.Type})
	}
	for _, kind := range job.Kinds() {
		remote, unsigned := s.policy.Remote(kind)
		info.Kinds = append(info.Kinds, job.KindInfo{Kind: kind, Remote: remote, Unsigned: unsigned})
	}
	return info, nil
}

// Bays describes each bay.
func (s snapshot) Bays() ([]job.BayState, error) {
	all, err := s.station.Bays()
	var states []job.BayState
	for _, b := range all {
		states = append(states, bayState(b, s.parts.Clock.Now()))
	}
	return states, err
}

// bayState is the state of a bay as it is told from afar.
func bayState(b station.Status, at job.Stamp) job.BayState {
	state := job.BayState{
		Bay: b.Name, Occupied: b.Occupied, Device: b.Device, DeviceID: b.DeviceID, Presence: b.Presence,
		Running: b.Running, Waiting: b.Waiting, Trouble: b.Trouble, At: at,
	}
	if b.Last != nil {
		short := b.Last.InShort()
		state.Last = &short
	}
	return state
}

// Changed gives a value when something has changed.
func (s snapshot) Changed() <-chan struct{} { return s.changed }
