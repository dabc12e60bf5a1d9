package recipe

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"

	"duogateway/duo"
	"duogateway/job"
)

// serverKeySteps write the cloud's public key and address, whatever stands
// there now. The board's own keys stay as they are.
func serverKeySteps(v *visit) []job.Step {
	steps := append(lookSteps(v), job.Step{Name: stepDecide, Do: v.decideServerKey, Again: inDFU})
	return append(append(steps, writeSteps(v)...), leaveSteps(v)...)
}

func (v *visit) decideServerKey(context.Context, job.Say) (job.Outcome, error) {
	cloud, err := serverOf(v.job.Options)
	if err != nil {
		return job.Outcome{}, job.Failf(job.BadRequest, "the server key and address: %w", err)
	}
	v.memory.Decision = decision{
		ServerKey: true, ServerAddress: true,
		Why: fmt.Sprintf("as asked: the key %.16s... and the address %s", duo.Fingerprint(cloud.key), cloud.host),
	}
	return v.decided()
}

// server is a cloud as a board knows it.
type server struct {
	key  []byte // SPKI
	host string
	port uint16 // 0 means the default
}

// serverOf is the server that a job names, with Particle's parts where it names
// none.
func serverOf(options job.Options) (server, error) {
	cloud := server{key: duo.ParticleServerKey(), host: cmp.Or(options.ServerHost, duo.DefaultHost), port: options.ServerPort}
	if options.ServerKey == "" {
		return cloud, nil
	}
	key, err := base64.StdEncoding.DecodeString(options.ServerKey)
	if err != nil {
		return server{}, fmt.Errorf("option server_key: %w", err)
	}
	cloud.key = key
	return cloud, nil
}
