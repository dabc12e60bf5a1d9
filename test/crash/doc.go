// Package crash holds the tests that end a station at every point of a repair
// and start it again. They know the promises, not how they are kept.
package crash
