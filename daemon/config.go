package daemon

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"duogateway/gpio"
	"duogateway/job"
	"duogateway/keystore/seal"
)

// ConfigPath is where the configuration of an appliance stands.
const ConfigPath = "/etc/gatewayd/gatewayd.toml"

// Config is the configuration of a station.
type Config struct {
	Station string `toml:"station" doc:"Name of this station: 1 to 64 letters, digits, dots, underscores and hyphens."`
	Store   string `toml:"store" doc:"Folder of the key store. It and the identity in it are made at the first start."`
	Runtime string `toml:"runtime" doc:"Folder for what need not outlive a boot: the markers of gestures."`
	Socket  string `toml:"socket" doc:"Path of the unix socket of the local API."`
	OnPlug  string `toml:"on_plug" doc:"What a board gets when it is plugged in: \"off\" (nothing), \"diagnose\" or \"repair\"."`

	Keys    KeysConfig    `toml:"keys"`
	Gesture GestureConfig `toml:"gesture"`
	Button  ButtonConfig  `toml:"button"`
	Lights  LightsConfig  `toml:"lights"`
	MQTT    MQTTConfig    `toml:"mqtt"`
	Metrics MetricsConfig `toml:"metrics"`
	Bays    []BayConfig   `toml:"bay"`
}

// KeysConfig says who can open the key records.
type KeysConfig struct {
	Escrow any `toml:"escrow" doc:"List of age public keys (age1...) that every key record is sealed to beside this station; or \"none\", which must be said."`
}

// GestureConfig says how a board is brought into DFU mode.
type GestureConfig struct {
	AskFirmware bool     `toml:"ask_firmware" doc:"Ask a running firmware to enter DFU mode, over its serial port, before the lines are used."`
	Hold        Duration `toml:"hold" doc:"How long SETUP is held after RESET rose to enter DFU mode, 3.1s to 5.5s."`
}

// BayConfig is one cradle.
type BayConfig struct {
	Name   string `toml:"name" doc:"Name of the bay, used in commands and reports."`
	Type   string `toml:"type" doc:"What sits in it: \"duo\"."`
	Chip   string `toml:"chip" doc:"Label of the GPIO chip, as gpiodetect shows it."`
	Reset  string `toml:"reset" doc:"Name of the line that drives RESET."`
	Setup  string `toml:"setup" doc:"Name of the line that drives SETUP."`
	Wiring string `toml:"wiring" doc:"\"fet\" (an N-FET per line) or \"direct\"."`
	Port   string `toml:"port" doc:"USB port: bus and path, as 1-1.4; or the path alone, as 1.4, if no other bus has it."`
	OnPlug string `toml:"on_plug" default:"that of the station" doc:"The same as on_plug, for this bay alone."`
	Button string `toml:"button" default:"none" doc:"Name of the line of a button that means this bay; or \"none\"."`

	Lights LightsConfig `toml:"lights"`
}

// Duration is a length of time in the configuration, as "3.4s". It is no number,
// so that a number without a unit is refused.
type Duration struct{ length time.Duration }

// Duration is the length of time.
func (d Duration) Duration() time.Duration { return d.length }

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) (err error) {
	if d.length, err = time.ParseDuration(string(text)); err != nil {
		return fmt.Errorf("%q: want a length of time such as \"3.4s\"", text)
	}
	return nil
}

// MarshalText writes the form that UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.length.String()), nil }

// DefaultConfig is what holds where the file says nothing.
func DefaultConfig() Config {
	return Config{
		Station: "station",
		Store:   "/var/lib/gatewayd",
		Runtime: "/run/gatewayd",
		Socket:  "/run/gatewayd/gatewayd.sock",
		OnPlug:  string(job.Diagnose),
		Gesture: GestureConfig{AskFirmware: true, Hold: Duration{gpio.DefaultHold}},
		Button:  ButtonConfig{Line: "GPIO16"},
		Lights:  LightsConfig{Green: "GPIO20", Red: "GPIO21", Blue: "GPIO26"},
		MQTT:    defaultMQTT(),
	}
}

// setDefaults sets what depends on other settings.
func (c *Config) setDefaults() {
	for i := range c.Bays {
		c.Bays[i].setDefaults()
	}
	if len(c.Bays) > 0 {
		c.Button.Chip = cmp.Or(c.Button.Chip, c.Bays[0].Chip)
		c.Lights.setDefaults(c.Bays[0].Chip)
	}
	clearNone(&c.Button.Line)
	c.MQTT.setDefaults()
	clearNone(&c.Metrics.Listen)
}

// setDefaults sets what holds where a [[bay]] says nothing.
func (b *BayConfig) setDefaults() {
	b.Type = cmp.Or(b.Type, "duo")
	b.Chip = cmp.Or(b.Chip, "pinctrl-bcm2711")
	b.Reset = cmp.Or(b.Reset, "GPIO17")
	b.Setup = cmp.Or(b.Setup, "GPIO27")
	b.Wiring = cmp.Or(b.Wiring, "fet")
	b.Lights.setDefaults(b.Chip)
	clearNone(&b.Button)
}

// plugOff is the setting by which boards that are plugged in get no job.
const plugOff = "off"

// plugKind is the kind of job that a board gets when it is plugged into a bay;
// empty means none.
func (c Config) plugKind(b BayConfig) job.Kind {
	if what := cmp.Or(b.OnPlug, c.OnPlug); what != plugOff {
		return job.Kind(what)
	}
	return ""
}

// checkPlug refuses what is no setting of on_plug.
func checkPlug(what string) error {
	if slices.Contains([]string{plugOff, string(job.Diagnose), string(job.Repair)}, what) {
		return nil
	}
	return fmt.Errorf("on_plug %q: want \"off\", \"diagnose\" or \"repair\"", what)
}

// LoadConfig reads and checks a configuration file. Errors are one line each
// and name the file, and the row and column where the text is at fault.
func LoadConfig(path string) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("reading the configuration: %w", err)
	}
	cfg, err := ParseConfig(text)
	if err != nil {
		return Config{}, inFile(path, err)
	}
	return cfg, nil
}

// inFile names the file in each line of an error.
func inFile(path string, err error) error {
	return errors.New(path + ":" + strings.ReplaceAll(err.Error(), "\n", "\n"+path+": "))
}

// ParseConfig reads and checks the text of a configuration file.
func ParseConfig(text []byte) (Config, error) {
	cfg := DefaultConfig()
	decoder := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	if err := decoder.Decode(&cfg); err != nil {
		return Config{}, locate(err)
	}
	cfg.setDefaults()
	if err := cfg.Check(); err != nil {
		return Config{}, fmt.Errorf(" %w", err)
	}
	return cfg, nil
}

// locate puts row and column in front of what go-toml found.
func locate(err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) {
		first := unknown.Errors[0]
		row, column := first.Position()
		return fmt.Errorf("%d:%d: unknown key %q", row, column, strings.Join(first.Key(), "."))
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		row, column := bad.Position()
		return fmt.Errorf("%d:%d: %s", row, column, inWords(bad))
	}
	return fmt.Errorf(" %w", err)
}

// wrongType is what go-toml says, in terms of Go, of a value of a wrong type.
var wrongType = regexp.MustCompile(`^cannot (?:decode TOML|store an?) ([a-z -]+) in(?:to)? `)

// inWords says what is wrong at a key, without the names of Go types.
func inWords(bad *toml.DecodeError) string {
	text, key := strings.TrimPrefix(bad.Error(), "toml: "), strings.Join(bad.Key(), ".")
	if kind := wrongType.FindStringSubmatch(text); kind != nil {
		return fmt.Sprintf("%s cannot be %s", key, withArticle(kind[1]))
	}
	if strings.HasPrefix(text, `"`) { // it is about the value; say of which key
		return key + " " + text
	}
	return text
}

func withArticle(noun string) string {
	if strings.Contains("aeiou", noun[:1]) {
		return "an " + noun
	}
	return "a " + noun
}

// Check finds what is wrong with a configuration, all of it.
func (c Config) Check() error {
	var wrong []error
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if !job.ValidName(c.Station) {
		complain("station %q: want 1 to 64 of A-Z a-z 0-9 . _ -", c.Station)
	}
	for _, place := range [][2]string{{"store", c.Store}, {"runtime", c.Runtime}, {"socket", c.Socket}} {
		if !filepath.IsAbs(place[1]) {
			complain("%s %q: want an absolute path", place[0], place[1])
		}
	}
	if n := len(c.Socket); n > longestSocket {
		complain("socket: %d bytes are too long for a socket: want at most %d", n, longestSocket)
	}
	if hold := c.Gesture.Hold.Duration(); hold < gpio.MinHold || hold > gpio.MaxHold {
		complain("gesture.hold %v: want %v to %v: outside the board would boot or lose its program", hold, gpio.MinHold, gpio.MaxHold)
	}
	if _, err := c.Keys.Recipients(); err != nil {
		complain("keys.escrow: %w", err)
	}
	if len(c.Bays) == 0 {
		complain("no [[bay]]: a station needs at least one")
	}
	wrong = append(wrong, checkPlug(c.OnPlug))
	for i, b := range c.Bays {
		wrong = append(wrong, b.check(), b.clash(c.Bays[:i]))
	}
	wrong = append(wrong, c.Metrics.check())
	wrong = append(wrong, c.sharedLines()...)
	return errors.Join(append(wrong, c.checkMQTT()...)...)
}

// longestSocket is what the kernel takes as the path of a unix socket
// (unix(7): 108 bytes with the zero behind it).
const longestSocket = 107

// Recipients lists the escrow recipients.
func (k KeysConfig) Recipients() ([]string, error) {
	switch escrow := k.Escrow.(type) {
	case nil:
		return nil, errors.New(`who else can open the keys when this station is gone? Give age public keys, or say escrow = "none"`)
	case string:
		if escrow == "none" {
			return nil, nil
		}
		return nil, errNoRecipients
	case []any:
		return recipients(escrow)
	default:
		return nil, errNoRecipients
	}
}

// The errors do not repeat what was given in the place of a list or a public
// key: it may be a private one. // P4
var (
	errNoRecipients = errors.New(`want a list of age public keys, or "none"`)
	errPrivate      = errors.New("this is a private key; want the public one (age1...), and keep the private one away from here")
)

func recipients(escrow []any) ([]string, error) {
	var list []string
	for _, entry := range escrow {
		text, ok := entry.(string)
		if !ok {
			return nil, errNoRecipients
		}
		if strings.Contains(strings.ToUpper(text), "AGE-SECRET-KEY") {
			return nil, errPrivate
		}
		if err := seal.CheckRecipient(text); err != nil {
			return nil, err
		}
		list = append(list, text)
	}
	if list == nil {
		return nil, errors.New(`the list is empty; say escrow = "none" if that is meant`)
	}
	return list, nil
}

var portPath = regexp.MustCompile(`^([1-9][0-9]*-)?[1-9][0-9]*(\.[1-9][0-9]*)*$`)

func (b BayConfig) check() error {
	var wrong []error
	complain := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("bay %q: "+format, append([]any{b.Name}, args...)...))
	}
	if b.Type != "duo" {
		complain("type %q: want \"duo\"", b.Type)
	}
	if !portPath.MatchString(b.Port) {
		complain("port %q: want a USB port such as 1-1.4, as lsusb -t and /sys/bus/usb/devices show it", b.Port)
	}
	for _, err := range []error{b.checkPlug(), unfit("reset", b.Reset), unfit("setup", b.Setup)} {
		if err != nil {
			complain("%w", err)
		}
	}
	return errors.Join(append(wrong, b.Lines().Check())...)
}

// checkPlug lets a bay say nothing: then the station's setting holds.
func (b BayConfig) checkPlug() error {
	if b.OnPlug == "" {
		return nil
	}
	return checkPlug(b.OnPlug)
}

// clash finds what a bay wants that an earlier one has.
func (b BayConfig) clash(earlier []BayConfig) error {
	for _, other := range earlier {
		switch {
		case b.Name == other.Name:
			return fmt.Errorf("bay %q: two bays have this name", b.Name)
		case b.Port == other.Port:
			return fmt.Errorf("bay %q: port %s belongs to bay %q already", b.Name, b.Port, other.Name)
		case isPort(b.Port, other.Port) || isPort(other.Port, b.Port):
			return fmt.Errorf("bay %q: port %s can be that of bay %q, %s: give both with the bus", b.Name, b.Port, other.Name, other.Port)
		}
	}
	return nil
}
