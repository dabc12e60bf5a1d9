// Package recipe knows what to do with a board: one file a kind of job, each a
// list of steps, and one file a step.
//
// It declares what it needs (a Board, a Gesturer, Records) and is given it. It
// decides, writes and checks; it does not queue jobs, keep a journal or store
// anything: the outcome of a step says what is to be remembered.
package recipe
