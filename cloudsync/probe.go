package cloudsync

import "encoding/json"

// probe is what a check publishes to see whether it may. Stations and whoever
// watches them pass it over.
type probe struct {
	Probe string `json:"probe"` // a value that nobody else sends
}

// isProbe tells whether a message is a probe and nothing else.
func isProbe(payload []byte) bool {
	var members map[string]string
	return json.Unmarshal(payload, &members) == nil && len(members) == 1 && members["probe"] != ""
}
