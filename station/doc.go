// Package station runs the bays: it admits jobs, queues them, follows which
// board is in which bay, and walks each job through the steps of its plan,
// with every step journalled before the next begins.
//
// It knows no Duo, no key and no bus protocol: what a job does is in its plan,
// what is on a port comes from a Finder, and what must outlive a power cut
// goes to a Journal.
package station
