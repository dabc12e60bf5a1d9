// Package daemon puts a station together from its parts, runs it, and serves
// the local API: HTTP and JSON on a unix socket.
//
// It takes the hardware as interfaces, so it runs with real USB and lines as
// with a virtual bench. It decides nothing about boards or jobs.
package daemon
