package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// The limits of who scrapes.
const (
	headerTime = 5 * time.Second
	scrapeTime = 10 * time.Second
	stopTime   = time.Second
	scrapers   = 4 // at once
)

// registry is all that a scrape tells: the sources, and the usual of a Go
// process.
func registry(from Sources) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collector{from}, from.Steps.took,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Handler answers GET /metrics.
func Handler(from Sources, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry(from), promhttp.HandlerOpts{
		ErrorLog:            complaints{log},
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: scrapers,
		Timeout:             scrapeTime,
	}))
	return mux
}

// complaints puts what promhttp has to say into the log.
type complaints struct{ log *slog.Logger }

// Println logs.
func (c complaints) Println(v ...any) {
	c.log.Warn("not all metrics can be told", "error", fmt.Sprint(v...))
}

// Serve answers on a listener until ctx ends. It closes the listener.
func Serve(ctx context.Context, listener net.Listener, from Sources, log *slog.Logger) {
	server := &http.Server{
		Handler:           Handler(from, log),
		ReadHeaderTimeout: headerTime,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(over)
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		if server.Shutdown(bye) != nil {
			_ = server.Close() // who still listens is cut off
		}
	})
	err := server.Serve(listener)
	if !stop() {
		<-over
	}
	if !errors.Is(err, http.ErrServerClosed) {
		log.Error("the metrics have stopped", "error", err)
	}
}
