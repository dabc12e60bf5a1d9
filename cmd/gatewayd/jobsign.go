package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"duogateway/cloudsync/signature"
	"duogateway/duo"
	"duogateway/job"
	"duogateway/secret"
)

// jobsSignCmd is `gatewayd jobs sign`.
type jobsSignCmd struct {
	Key      string        `required:"" placeholder:"FILE" help:"The private key, Ed25519, PEM of PKCS#8: see gatewayd jobs keygen."`
	KeyID    string        `name:"key-id" required:"" placeholder:"ID" help:"The name that the station knows the key by."`
	Station  string        `required:"" placeholder:"NAME" help:"The station that the request is for. At another one it is worth nothing."`
	NotAfter time.Duration `name:"not-after" default:"10m" help:"How long the station may take it in, from now."`
	ID       string        `name:"id" placeholder:"ID" help:"Id of the job (default: a new one)."`

	DeviceID   string   `name:"device-id" placeholder:"HEX" help:"The board's id, 24 hex digits."`
	Record     string   `placeholder:"ID" help:"Of a restore or a factory-dct: the key record."`
	Raw        bool     `help:"Write the DCT sectors themselves where the bootloader cannot."`
	Forget     []string `enum:"keys,wifi,claim,modules" help:"Of a factory-dct: what not to carry over."`
	ServerKey  string   `placeholder:"FILE" help:"Of a server-key: the public key, SPKI in DER."`
	ServerHost string   `help:"Of a server-key: name or IPv4 address."`
	ServerPort uint16   `help:"Of a server-key: port."`
	Image      []string `placeholder:"FILE" help:"Of a flash: firmware modules. The station must have them already."`
	Factory    string   `placeholder:"FILE" help:"Of a flash: the application that a factory reset restores."`
	WiFi       string   `name:"wifi" placeholder:"FILE" help:"Of a flash: the firmware of the Wi-Fi chip."`

	Kind string `arg:"" help:"The kind of job, such as repair."`
	Bay  string `arg:"" help:"The bay."`
}

// Run prints a signed request, alone.
func (c jobsSignCmd) Run(env environment) error {
	key, err := readSigningKey(c.Key)
	if err != nil {
		return err
	}
	defer key.Clear()
	request, err := c.request()
	if err != nil {
		return err
	}
	if !job.ValidName(c.Station) || !job.ValidName(c.KeyID) {
		return job.Failf(job.BadRequest, "--station, --key-id: want 1 to 64 of A-Z a-z 0-9 . _ -")
	}
	text, err := signature.Sign(request, c.Station, c.KeyID, key)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(env.stdout, text)
	return err
}

// request is what the flags ask for.
func (c jobsSignCmd) request() (r job.Request, err error) {
	if c.NotAfter <= 0 {
		return r, job.Failf(job.BadRequest, "--not-after %v: want some time from now, such as 10m", c.NotAfter)
	}
	until := time.Now().Add(c.NotAfter).UTC().Truncate(time.Second)
	r = job.Request{ID: c.ID, Kind: job.Kind(c.Kind), Bay: c.Bay, NotAfter: &until}
	if r.ID == "" {
		r.ID = job.NewID()
	}
	r.Options = job.Options{Record: c.Record, Raw: c.Raw, Forget: c.Forget, ServerHost: c.ServerHost, ServerPort: c.ServerPort}
	if c.DeviceID != "" {
		id, err := duo.ParseDeviceID(c.DeviceID)
		if err != nil {
			return r, job.Failf(job.BadRequest, "--device-id: %w", err)
		}
		r.Options.DeviceID = string(id)
	}
	if r.Options.ServerKey, err = serverKey(c.ServerKey); err != nil {
		return r, err
	}
	r.Options.Images, err = c.images()
	return r, err
}

// serverKey is a public key as a request has it. Anything else is refused: it
// may be a private one. // P4
func serverKey(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	der, err := readFile(file, duo.ServerKeyReserved)
	if err != nil {
		return "", err
	}
	if _, err := (duo.Block{}).WithServerKey(der); err != nil {
		return "", job.Failf(job.BadRequest, "--server-key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(der), nil
}

// images names the images by what they hold.
func (c jobsSignCmd) images() (list []job.Image, err error) {
	add := func(file string, place job.Place) {
		content, failed := os.ReadFile(file)
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("reading the image: %w", failed))
		}
		sum := sha256.Sum256(content)
		list = append(list, job.Image{SHA256: hex.EncodeToString(sum[:]), Place: place})
	}
	for _, file := range c.Image {
		add(file, "")
	}
	if c.Factory != "" {
		add(c.Factory, job.Factory)
	}
	if c.WiFi != "" {
		add(c.WiFi, job.WiFi)
	}
	return list, err
}

// largestKeyFile is more than the PEM of an Ed25519 key has.
const largestKeyFile = 4096

func readSigningKey(file string) (secret.Bytes, error) {
	content, err := readFile(file, largestKeyFile)
	if err != nil {
		return secret.Bytes{}, err
	}
	defer clear(content)
	key, err := signature.ReadPrivate(secret.Of(content))
	if err != nil {
		return secret.Bytes{}, fmt.Errorf("%s: %w", file, err)
	}
	return key, nil
}

// jobsKeygenCmd is `gatewayd jobs keygen`.
type jobsKeygenCmd struct {
	Out string `arg:"" placeholder:"FILE" help:"The file of the private key, to be made; only its owner may read it. The public one is put beside it, with .pub behind its name."`
}

// Run makes a pair of keys.
func (c jobsKeygenCmd) Run(env environment) error {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	defer clear(private)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return fmt.Errorf("writing the private key: %w", err)
	}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return fmt.Errorf("writing the public key: %w", err)
	}
	text := secret.Of(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	defer text.Clear()
	clear(der)
	if err := writeNewFile(c.Out, text.Reveal()); err != nil {
		return err
	}
	if err := writeNewFile(c.Out+".pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})); err != nil {
		return err
	}
	lines := []string{
		"# For the configuration of the stations. The private key stays away from them.",
		"[[mqtt.signer]]",
		`id = "operations"`,
		fmt.Sprintf("public = %q", base64.StdEncoding.EncodeToString(public)),
		`kinds = ["*"]`,
	}
	_, err = fmt.Fprintln(env.stdout, strings.Join(lines, "\n"))
	return err
}
