// Package metrics shows Prometheus how a station is: how its jobs ended and how
// long their steps took, what waits to be told, the link, the bays and the size
// of the store.
//
// It only counts and reads. It knows no board: no id of a device or a job, no
// name of a bay and no text of an error ever becomes a label, so that nobody can
// fill the memory of a Prometheus by asking for jobs, and no secret gets there.
package metrics
