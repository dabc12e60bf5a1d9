package cloudsync

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// Link is a station's link to its broker.
type Link struct {
	Config
	Parts
	profile profile
	status  status
	twins   twins
	strays  sync.WaitGroup // calls of the library that nobody waits for any more
}

// New makes a link. It connects when it is run.
func New(cfg Config, parts Parts) (*Link, error) {
	if err := cfg.Check(); err != nil {
		return nil, fmt.Errorf("the link to the broker: %w", err)
	}
	cfg = cfg.withDefaults()
	l := &Link{Config: cfg, Parts: parts}
	l.profile, _ = profileNamed(cfg.Profile)
	l.twins.boot = parts.Clock.Boot
	return l, nil
}

// settled is how long a connection must have lasted before the next one may
// follow it quickly.
const settled = 30 * time.Second

// Run keeps the link up until ctx ends, and then says good-bye.
func (l *Link) Run(ctx context.Context) {
	defer l.strays.Wait()
	waits := l.retries()
	for ctx.Err() == nil {
		lasted, err := l.visit(ctx)
		if ctx.Err() != nil {
			l.status.down(nil)
			return
		}
		l.status.down(err)
		if lasted > settled {
			waits.Reset()
		}
		wait := l.calm(waits.NextBackOff())
		l.Log.Warn("the link to the broker is down", "error", err, "retry_in", wait.Round(time.Millisecond))
		rest(ctx, wait)
	}
}

// visit is one connection, from its beginning to its end. It tells how long the
// station was online.
func (l *Link) visit(ctx context.Context) (lasted time.Duration, err error) {
	c, err := l.connect(ctx, func(*mqtt.ClientOptions) {})
	if err != nil {
		return 0, explain(err)
	}
	defer c.close()
	lasted, err = c.serve(ctx)
	return lasted, explain(err)
}

// retries makes waits that grow from MinRetry to MaxRetry, each chosen at random
// around its length, so that the stations do not come back all at once.
func (l *Link) retries() *backoff.ExponentialBackOff {
	waits := backoff.NewExponentialBackOff()
	waits.RandomizationFactor = 0.5
	waits.Multiplier = 2
	waits.InitialInterval = 2 * l.MinRetry
	waits.MaxInterval = max(waits.InitialInterval, l.MaxRetry*2/3)
	return waits
}

func rest(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
