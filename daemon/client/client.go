// Package client talks to a running daemon over its local socket. Every error
// that the daemon reports comes back with its fault code.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"duogateway/daemon"
	"duogateway/job"
	"duogateway/station"
)

// ErrUnreachable means that no daemon answers on the socket.
var ErrUnreachable = errors.New("no daemon answers")

// Client asks one daemon.
type Client struct {
	socket string
	http   http.Client
}

// New makes a client for the daemon on a unix socket. Close it after use.
func New(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	return &Client{socket: socket, http: http.Client{Transport: &http.Transport{DialContext: dial}}}
}

// Close lets the connections go.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Submit asks for a job and returns it as admitted, or as it is if its id is
// known.
func (c *Client) Submit(ctx context.Context, r job.Request) (job.Job, error) {
	return call[job.Job](ctx, c, http.MethodPost, "/v1/jobs", r)
}

// SendImage gives the station a firmware image and returns its name.
func (c *Client) SendImage(ctx context.Context, content []byte) (daemon.StoredImage, error) {
	return call[daemon.StoredImage](ctx, c, http.MethodPost, "/v1/images", content)
}

// Job finds a job.
func (c *Client) Job(ctx context.Context, id string) (job.Job, error) {
	return call[job.Job](ctx, c, http.MethodGet, "/v1/jobs/"+url.PathEscape(id), nil)
}

// Jobs lists the newest jobs, newest first.
func (c *Client) Jobs(ctx context.Context, limit int) ([]job.Job, error) {
	return call[[]job.Job](ctx, c, http.MethodGet, fmt.Sprintf("/v1/jobs?limit=%d", limit), nil)
}

// Cancel ends a job that has not begun to write.
func (c *Client) Cancel(ctx context.Context, id string) (job.Job, error) {
	return call[job.Job](ctx, c, http.MethodPost, "/v1/jobs/"+url.PathEscape(id)+"/cancel", nil)
}

// Bays tells the state of each bay.
func (c *Client) Bays(ctx context.Context) ([]station.Status, error) {
	return call[[]station.Status](ctx, c, http.MethodGet, "/v1/bays", nil)
}

// Keys lists the key records.
func (c *Client) Keys(ctx context.Context) ([]job.RecordInfo, error) {
	return call[[]job.RecordInfo](ctx, c, http.MethodGet, "/v1/keys", nil)
}

// ImportKey gives the station a key that somebody brings.
func (c *Client) ImportKey(ctx context.Context, key daemon.KeyImport) (job.RecordInfo, error) {
	return call[job.RecordInfo](ctx, c, http.MethodPost, "/v1/keys", key)
}

// Events lists events behind a number.
func (c *Client) Events(ctx context.Context, after uint64, limit int) ([]job.Event, error) {
	return call[[]job.Event](ctx, c, http.MethodGet, fmt.Sprintf("/v1/events?after=%d&limit=%d", after, limit), nil)
}

// Health tells what the daemon is.
func (c *Client) Health(ctx context.Context) (daemon.Health, error) {
	return call[daemon.Health](ctx, c, http.MethodGet, "/v1/health", nil)
}

// Watch follows a job and returns it once it is final. Each update, the first
// state and the final one included, is given to tell, which may be nil.
func (c *Client) Watch(ctx context.Context, id string, tell func(station.Update)) (job.Job, error) {
	response, err := c.do(ctx, http.MethodGet, "/v1/jobs/"+url.PathEscape(id)+"/watch", nil)
	if err != nil {
		return job.Job{}, err
	}
	defer response.Body.Close()
	for lines := json.NewDecoder(response.Body); ; {
		var u station.Update
		if err := lines.Decode(&u); ctx.Err() != nil {
			return job.Job{}, fmt.Errorf("watching job %s: %w", id, ctx.Err())
		} else if err != nil {
			return job.Job{}, fmt.Errorf("watching job %s: %w: it went away: %w", id, ErrUnreachable, err)
		}
		if tell != nil && (u.Job != nil || u.Progress != nil) {
			tell(u)
		}
		if u.Job != nil && u.Job.State.Final() {
			return *u.Job, nil
		}
	}
}

func call[Answer any](ctx context.Context, c *Client, method, path string, body any) (Answer, error) {
	var value Answer
	response, err := c.do(ctx, method, path, body)
	if err != nil {
		return value, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&value); err != nil {
		return value, fmt.Errorf("reading the answer of the daemon to %s %s: %w", method, path, err)
	}
	return value, nil
}

// encode makes the body of a request: none for nil, bytes as they are, else JSON.
func encode(body any) (io.Reader, error) {
	switch body := body.(type) {
	case nil:
		return nil, nil
	case []byte:
		return bytes.NewReader(body), nil
	default:
		text, err := json.Marshal(body)
		return bytes.NewReader(text), err
	}
}

// do sends a request. The caller closes the body of the response.
func (c *Client) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	content, err := encode(body)
	if err != nil {
		return nil, fmt.Errorf("asking the daemon: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://gatewayd"+path, content)
	if err != nil {
		return nil, fmt.Errorf("asking the daemon: %w", err)
	}
	response, err := c.http.Do(request)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("asking the daemon on %s: %w", c.socket, ctx.Err())
	case err != nil:
		return nil, fmt.Errorf("%w on %s: %w", ErrUnreachable, c.socket, err)
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer response.Body.Close()
	return nil, readReport(response)
}

func readReport(response *http.Response) error {
	var report job.Report
	if err := json.NewDecoder(response.Body).Decode(&report); err != nil || report.Code == "" {
		return fmt.Errorf("the daemon answers %s", response.Status)
	}
	return job.Failf(report.Code, "%s", report.Message)
}
