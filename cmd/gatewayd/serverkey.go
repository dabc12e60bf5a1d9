package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"

	"duogateway/job"
)

type regenerateCmd struct{ jobFlags }

// Run asks for a new key.
func (c regenerateCmd) Run(ctx context.Context, env environment, all *cli) error {
	return c.do(ctx, env, all, job.Request{Kind: job.Regenerate})
}

type serverKeyCmd struct {
	jobFlags
	Key  string `placeholder:"FILE" help:"Public key of another server: RSA of 2048 bits, SPKI in DER (default: Particle's)."`
	Host string `help:"Name or IPv4 address of another server (default: Particle's)."`
	Port uint16 `help:"Its port (default: 5683)."`
}

// Run asks for the server key and address.
func (c serverKeyCmd) Run(ctx context.Context, env environment, all *cli) error {
	options := job.Options{ServerHost: c.Host, ServerPort: c.Port}
	if c.Key != "" {
		der, err := os.ReadFile(c.Key)
		if err != nil {
			return fmt.Errorf("reading the server key: %w", err)
		}
		options.ServerKey = base64.StdEncoding.EncodeToString(der)
	}
	return c.do(ctx, env, all, job.Request{Kind: job.ServerKey, Options: options})
}
