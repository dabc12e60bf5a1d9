package daemon

import (
	"net/http"
	"time"

	"duogateway/cloudsync"
	"duogateway/keystore"
)

// What the tests of this package see beside its exported names.
var (
	Listen = listen
)

// Pattern is what the lights of a bay say of its state.
var Pattern = pattern

// Handler is the local API without its socket.
func (d *Daemon) Handler() http.Handler { return d.handler() }

// Pressed is what a press of the button does.
func (d *Daemon) Pressed(bay string, held time.Duration) error { return d.pressed(bay, held) }

// Desk is what takes in requests from afar.
func (d *Daemon) Desk() cloudsync.Desk { return d.link.desk }

// HangUp stops the desk.
func (d *Daemon) HangUp() { d.hangUp() }

// StoreOptions are the options of the store that the configuration means.
func (c Config) StoreOptions(escrow []string) keystore.Options { return c.storeOptions(escrow) }
