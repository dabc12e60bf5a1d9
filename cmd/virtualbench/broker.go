package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"duogateway/job"
	"duogateway/virtual/broker"
)

// brokerCmd is `virtualbench broker`.
type brokerCmd struct {
	Listen  string `default:"127.0.0.1:1883" placeholder:"HOST:PORT" help:"Loopback address to listen at (127.0.0.1:1883)."`
	Station string `default:"station" placeholder:"NAME" help:"Station that the commands it prints are for."`
	Bay     string `default:"bay-1" placeholder:"NAME" help:"Bay that they are for."`
}

// Run runs a broker until ctx ends, and says how to talk over it.
func (c brokerCmd) Run(ctx context.Context) error {
	for _, name := range []string{c.Station, c.Bay} {
		if !job.ValidName(name) {
			return usageError{fmt.Errorf("%q is no name: want 1 to 64 of A-Z a-z 0-9 . _ -", name)}
		}
	}
	listener, err := listenHere(c.Listen)
	if err != nil {
		return err
	}
	b, err := broker.Start(listener)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	fmt.Printf("The broker listens at %s until Ctrl-C. It lets everybody in and keeps nothing.\n"+
		"In the configuration of a station on this machine:\n"+
		"  [mqtt]\n"+
		"  broker = %q\n"+
		"%s\n", listener.Addr(), b.URL(), byHand(listener.Addr(), c.Station, c.Bay))
	<-ctx.Done()
	return b.Close()
}

// byHand says how to watch a station, and how to ask it for a job, with the
// commands that come with mosquitto.
func byHand(broker net.Addr, station, bay string) string {
	host, port, _ := net.SplitHostPort(broker.String())
	at, topic := fmt.Sprintf("-h %s -p %s", host, port), job.SchemaVersion+"/"+station
	return fmt.Sprintf("To see all that the station says (Debian: mosquitto-clients):\n"+
		"  mosquitto_sub %s -v -t '%s/#'\n"+
		"To ask for a job:\n"+
		"  mosquitto_pub %s -q 1 -t %s/jobs/request -m '{\"id\":\"by-hand-'$(date +%%s)'\",\"kind\":\"diagnose\",\"bay\":\"%s\",\"not_after\":\"'$(date -u -d '10 minutes' +%%FT%%TZ)'\"}'",
		at, topic, at, topic, bay)
}
