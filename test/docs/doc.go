// Package docs holds the tests that keep the manual true: its tables are those
// that the program prints, its links lead somewhere, its example is a valid
// configuration, its commands exist and its drawings can be drawn.
//
// It reads the pages as text and asks the built program. It knows nothing of
// what they say.
package docs
