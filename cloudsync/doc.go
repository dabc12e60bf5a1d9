// Package cloudsync is the station's link to an MQTT broker: requests in, and
// out what the station has to tell.
//
// The journal is the truth and the link only carries it. What goes out waits in
// an outbox until the broker has acknowledged that very send; what comes in is
// acknowledged once the desk has stored it. So nothing is lost when a
// connection, the broker or the station goes away at any moment, and everything
// may arrive twice.
//
// The package does not know what a job does, admits none and stores nothing. It
// speaks MQTT 3.1.1 and trusts the broker with nothing but the delivery.
package cloudsync
