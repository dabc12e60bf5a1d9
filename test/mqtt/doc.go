// Package mqtt holds the tests of a station's link against a real broker,
// Debian's mosquitto: set up as the manual says, ended and started again, and
// with a way to it that breaks. They know what is promised to the people at the
// other end, not how it is kept.
package mqtt
