package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"duogateway/cloudsync"
	"duogateway/cloudsync/signature"
	"duogateway/job"
	"duogateway/keystore"
)

// MQTTConfig says where the broker is, who the station is to it, and what it
// takes from whom. Without a broker there is no link.
type MQTTConfig struct {
	Broker   string `toml:"broker" default:"none" doc:"Where the broker is: mqtts://HOST[:8883] or wss://HOST[:443]/PATH; or \"none\", and nobody is told or asked anything. mqtt:// and ws:// are for the own machine."`
	Insecure bool   `toml:"insecure" default:"\u0060false\u0060" doc:"Take mqtt:// and ws:// to other machines too: everybody on the way can then read, and send jobs."`
	Profile  string `toml:"profile" doc:"How the broker carries things: \"generic\" or \"azure-iot-hub\"."`

	CA          string `toml:"ca" default:"those of the system" doc:"File of PEM certificates that the broker's must be signed by. A file name without a slash at its begin is that of a systemd credential, here and below."`
	Certificate string `toml:"certificate" default:"none" doc:"File of the station's certificate, PEM."`
	Key         string `toml:"key" default:"none" doc:"File of its private key, PEM. Not everybody may be able to read it."`
	ServerName  string `toml:"server_name" default:"the host of the broker" doc:"The name that the broker's certificate must have."`
	User        string `toml:"user" default:"none" doc:"User name at the broker."`
	Password    string `toml:"password_file" default:"none" doc:"File of the password. Not everybody may be able to read it."`

	KeepAlive Duration `toml:"keep_alive" doc:"How long a silent connection is believed in, 1s to 19m37s."`

	Letters int `toml:"outbox_letters" doc:"How many messages wait at most for a broker that is away, 100 or more. Then progress is dropped first, and results never."`
	Bytes   int `toml:"outbox_bytes" doc:"How many bytes they have at most, 65536 or more."`

	Unsigned []string       `toml:"unsigned" default:"\u0060[\"diagnose\", \"backup\"]\u0060; \u0060[]\u0060 if there is a \u0060[[mqtt.signer]]\u0060" doc:"Kinds of jobs that need no signature."`
	Signers  []SignerConfig `toml:"signer"`
}

// SignerConfig is a key that signs requests.
type SignerConfig struct {
	ID         string   `toml:"id" doc:"Name of the key, as requests name it."`
	Public     string   `toml:"public" default:"that of public_file" doc:"The public key, Ed25519: PEM, or its 32 bytes in base64."`
	PublicFile string   `toml:"public_file" default:"none" doc:"File of the public key, in place of public."`
	Kinds      []string `toml:"kinds" doc:"Kinds of jobs that it may ask for; \"*\" means every one."`
	Bays       []string `toml:"bays" default:"all" doc:"Bays that it may ask for."`
}

// The least outbox that is of use.
const (
	minLetters = 100
	minBytes   = 64 << 10
)

func defaultMQTT() MQTTConfig {
	return MQTTConfig{
		Profile:   cloudsync.Generic,
		KeepAlive: Duration{cloudsync.DefaultKeepAlive},
		Letters:   keystore.DefaultOutboxLetters,
		Bytes:     keystore.DefaultOutboxBytes,
	}
}

// setDefaults sets what depends on other settings: who has keys that sign wants
// signatures, unless the configuration says otherwise.
func (m *MQTTConfig) setDefaults() {
	clearNone(&m.Broker)
	if m.Unsigned == nil && len(m.Signers) == 0 {
		m.Unsigned = words(signature.DefaultUnsigned())
	}
}

// On tells whether there is to be a link.
func (m MQTTConfig) On() bool { return m.Broker != "" }

// checkMQTT finds what is wrong with the link's settings. It opens no file.
func (c Config) checkMQTT() (wrong []error) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf("mqtt: "+format, args...)) }
	for _, line := range eachOf(c.policyCheck()) {
		complain("%s", line)
	}
	if c.MQTT.Letters < minLetters || c.MQTT.Bytes < minBytes {
		complain("outbox_letters %d, outbox_bytes %d: want at least %d and %d", c.MQTT.Letters, c.MQTT.Bytes, minLetters, minBytes)
	}
	if !c.MQTT.On() || !job.ValidName(c.Station) {
		return wrong // a bad name is told already
	}
	for _, line := range eachOf(c.Link().Check()) {
		complain("%s", line)
	}
	for _, b := range c.Bays {
		if c.MQTT.Profile == cloudsync.IoTHub && strings.Contains(b.Name, ".") {
			complain("bay %q: IoT Hub takes no dot in a name", b.Name)
		}
	}
	return wrong
}

// eachOf takes joined errors apart, as lines.
func eachOf(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

// policyCheck checks who may ask for what, with a key in the place of those that
// stand in files.
func (c Config) policyCheck() error {
	policy, err := c.policy(func(string) (string, error) { return somePublic, nil })
	wrong := []error{err}
	if job.ValidName(c.Station) && err == nil {
		wrong = append(wrong, policy.Check())
	}
	for _, s := range c.MQTT.Signers {
		for _, bay := range s.Bays {
			if !slices.ContainsFunc(c.Bays, func(b BayConfig) bool { return b.Name == bay }) {
				wrong = append(wrong, fmt.Errorf("signer %q: bay %q: this station has no such bay", s.ID, bay))
			}
		}
	}
	return errors.Join(wrong...)
}

// somePublic stands for a public key that is not looked at.
const somePublic = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

// Policy says who may ask for what from afar. It reads the files of the keys.
func (c Config) Policy() (signature.Policy, error) {
	return c.policy(func(name string) (string, error) {
		text, err := os.ReadFile(name)
		return string(text), err
	})
}

func (c Config) policy(read func(name string) (string, error)) (signature.Policy, error) {
	p := signature.Policy{Station: c.Station, Unsigned: kinds(c.MQTT.Unsigned)}
	var wrong []error
	for _, s := range c.MQTT.Signers {
		key, err := s.key(read)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("signer %q: %w", s.ID, err))
		}
		p.Keys = append(p.Keys, key)
	}
	return p, errors.Join(wrong...)
}

// key is the key of a signer. The errors do not repeat what stands in the place
// of a public key: it may be a private one. // P4
func (s SignerConfig) key(read func(name string) (string, error)) (signature.Key, error) {
	key := signature.Key{ID: s.ID, Kinds: kinds(s.Kinds), Bays: s.Bays}
	text := s.Public
	switch {
	case (s.Public == "") == (s.PublicFile == ""):
		return key, errors.New("want either public or public_file")
	case s.PublicFile != "" && !filepath.IsAbs(s.PublicFile):
		return key, errors.New("public_file: want an absolute path")
	case s.PublicFile != "":
		var err error
		if text, err = read(s.PublicFile); err != nil {
			return key, fmt.Errorf("reading the public key: %w", err)
		}
	}
	public, err := signature.ReadPublic(text)
	key.Public = public
	return key, err
}

// Link is where the broker is, for the link.
func (c Config) Link() cloudsync.Config {
	m := c.MQTT
	return cloudsync.Config{
		Station: c.Station, Broker: m.Broker, Insecure: m.Insecure, Profile: m.Profile,
		CA: m.CA, Certificate: m.Certificate, Key: m.Key, ServerName: m.ServerName,
		User: m.User, PasswordFile: m.Password,
		Credentials: os.Getenv("CREDENTIALS_DIRECTORY"),
		KeepAlive:   m.KeepAlive.Duration(),
	}
}

// storeOptions are the options of the store. Without a link nothing is put into
// its outbox; what waits there from before is kept, for a link that comes back.
func (c Config) storeOptions(escrow []string) keystore.Options {
	return keystore.Options{Escrow: escrow, Post: c.MQTT.On(), OutboxLetters: c.MQTT.Letters, OutboxBytes: c.MQTT.Bytes}
}

func kinds(names []string) []job.Kind {
	var list []job.Kind
	for _, name := range names {
		list = append(list, job.Kind(name))
	}
	return list
}

func words(kinds []job.Kind) []string {
	var list []string
	for _, kind := range kinds {
		list = append(list, string(kind))
	}
	return list
}
