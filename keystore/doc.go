// Package keystore is what a station remembers, in one bbolt file: the key
// records, sealed; the journal of the jobs; the numbered events and the outbox
// that carries them away; the audit; the bays.
//
// Commit is the only way in, and one Commit is one transaction: when it
// returns without an error, all of the entry is on the disk, and when it does
// not, none of it is. Nothing in the file is ever changed but jobs that are
// not yet final and bays; key records only come.
//
// The package seals and stores; it does not know what the bytes mean, runs no
// job and talks to nobody.
package keystore
