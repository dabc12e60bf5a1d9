package job

// What a station tells of itself, beside its jobs and events. Each message
// replaces the one before.

// SchemaVersion is the version of the messages, and the root of their topics.
const SchemaVersion = "duogateway/v1"

// Link is the state of a station's connection, as others see it.
type Link string

// The states of a connection.
const (
	Online  Link = "online"
	Offline Link = "offline"
)

// StationState tells whether a station is connected. The broker tells the
// offline one in the name of a station that it has lost.
type StationState struct {
	State   Link   `json:"state"`
	Session uint64 `json:"session"`           // counts the connections of a station, over restarts
	Boot    string `json:"boot_id"`           // of the kernel
	Since   *Stamp `json:"since,omitempty"`   // when the connection was made; absent in the will
	Trouble string `json:"trouble,omitempty"` // what the people who run the station should look at
}

// StationInfo tells what a station is and takes.
type StationInfo struct {
	Station string     `json:"station"`
	Version string     `json:"version"` // of the gateway
	Schemas string     `json:"schemas"` // SchemaVersion
	Bays    []BayInfo  `json:"bays"`
	Kinds   []KindInfo `json:"kinds"`
	Limits  Limits     `json:"limits"`
	At      Stamp      `json:"at"`
}

// BayInfo is one cradle.
type BayInfo struct {
	Name string `json:"name"`
	Type string `json:"type,omitempty"` // of the boards that it takes
}

// KindInfo is a kind of job that the station knows.
type KindInfo struct {
	Kind     Kind `json:"kind"`
	Remote   bool `json:"remote"`   // it may be asked for from elsewhere
	Unsigned bool `json:"unsigned"` // also without a signature
}

// Limits are what a request must keep to.
type Limits struct {
	RequestBytes int `json:"request_bytes"`
	ExtraBytes   int `json:"extra_bytes"`
}

// BayState tells what is in a bay and what goes on there.
type BayState struct {
	Bay      string   `json:"bay"`
	Occupied bool     `json:"occupied"`
	Device   string   `json:"device,omitempty"`    // what is on the port, for people
	DeviceID string   `json:"device_id,omitempty"` // once it is known
	Presence uint64   `json:"presence"`
	Running  string   `json:"running,omitempty"` // the job; absent when the bay is idle
	Waiting  int      `json:"waiting"`
	Trouble  string   `json:"trouble,omitempty"` // why the bay takes no work
	Last     *LastJob `json:"last,omitempty"`    // the newest job of the bay
	At       Stamp    `json:"at"`
}

// LastJob is the newest job of a bay in short.
type LastJob struct {
	ID      string  `json:"id"`
	Kind    Kind    `json:"kind"`
	State   State   `json:"state"`
	Version uint64  `json:"version"`
	Verdict Verdict `json:"verdict,omitempty"`
	Proof   Proof   `json:"proof,omitempty"`
	Fault   Code    `json:"fault,omitempty"`
}

// InShort tells of a job what a bay shows.
func (j Job) InShort() LastJob {
	short := LastJob{ID: j.ID, Kind: j.Kind, State: j.State, Version: j.Version, Verdict: j.Verdict, Proof: j.Proof}
	if j.Fault != nil {
		short.Fault = j.Fault.Code
	}
	return short
}
