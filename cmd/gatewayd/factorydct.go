package main

import (
	"context"

	"duogateway/job"
)

// factoryDCTCmd is `gatewayd factory-dct`.
type factoryDCTCmd struct {
	jobFlags
	Record string   `placeholder:"ID" help:"Take the whole DCT of this record of the board in place of the factory's."`
	Forget []string `enum:"keys,wifi,claim,modules" help:"What of the board's own not to carry over: keys, wifi, claim, modules."`
}

// Run asks for a factory DCT.
func (c factoryDCTCmd) Run(ctx context.Context, env environment, all *cli) error {
	return c.do(ctx, env, all, job.Request{Kind: job.FactoryDCT, Options: job.Options{Record: c.Record, Forget: c.Forget}})
}
