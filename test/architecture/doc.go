// Package architecture holds the tests that keep the source tree in the shape
// it was drawn in: which folder may import which, that every package says what
// it is for, and that the tree speaks of itself alone.
//
// The drawing is the table in floors_test.go. The package reads the sources as
// text: it knows the names of the parts and nothing of what they do.
package architecture
