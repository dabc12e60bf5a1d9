package job

import "time"

// Stamp is a moment as a station without a battery-backed clock can know it.
type Stamp struct {
	At      time.Time `json:"at"`
	Trusted bool      `json:"clock_trusted"` // the wall clock was synchronised
	Boot    string    `json:"boot_id"`       // the boot of the kernel it was taken in
}

// Clock makes stamps.
type Clock struct {
	Boot         string      // this boot's id
	Synchronised func() bool // nil means never
}

// Now is the present moment, in UTC.
func (c Clock) Now() Stamp {
	return Stamp{
		At:      time.Now().UTC().Round(0),
		Trusted: c.Synchronised != nil && c.Synchronised(),
		Boot:    c.Boot,
	}
}
