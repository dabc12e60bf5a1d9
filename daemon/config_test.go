package daemon_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"pgregory.net/rapid"

	"duogateway/daemon"
	"duogateway/gpio"
)

// An age public key made for these tests, an Ed25519 one (RFC 8037, appendix A.2),
// and pieces of a configuration.
const (
	escrowA = "age1lf9duay3qkqj0740hr03l8whx0g7e25r8n3ehnrgpc43yunyu59s2cutmk"
	publicA = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
	keys    = "[keys]\nescrow = \"none\"\n"
	bayA    = "[[bay]]\nname = \"a\"\nport = \"1-1.1\"\n"
	bayB    = "[[bay]]\nname = \"b\"\nreset = \"GPIO22\"\nsetup = \"GPIO23\"\n"
)

func TestConfigDefaults(t *testing.T) {
	cfg, err := daemon.ParseConfig([]byte(keys + bayA))
	if err != nil {
		t.Fatal(err)
	}
	want := daemon.DefaultConfig()
	want.Keys.Escrow = "none"
	if cfg.Station != "station" || cfg.Store != "/var/lib/gatewayd" || cfg.Runtime != "/run/gatewayd" ||
		cfg.Socket != "/run/gatewayd/gatewayd.sock" || cfg.Gesture.Hold.Duration().String() != "3.4s" {
		t.Errorf("the defaults are %+v", cfg)
	}
	bay := daemon.BayConfig{
		Name: "a", Type: "duo", Chip: "pinctrl-bcm2711", Reset: "GPIO17", Setup: "GPIO27", Wiring: "fet", Port: "1-1.1",
		Lights: daemon.LightsConfig{Chip: "pinctrl-bcm2711"},
	}
	button := daemon.ButtonConfig{Chip: "pinctrl-bcm2711", Line: "GPIO16"}
	lights := daemon.LightsConfig{Chip: "pinctrl-bcm2711", Green: "GPIO20", Red: "GPIO21", Blue: "GPIO26"}
	if cfg.OnPlug != "diagnose" || cfg.Button != button || cfg.Lights != lights {
		t.Errorf("the defaults are %+v", cfg)
	}
	if len(cfg.Bays) != 1 || cfg.Bays[0] != bay {
		t.Errorf("the bay is %+v, want %+v", cfg.Bays, bay)
	}
}

// One mistake is one line that says where it is, in words that do not need the
// source.
func TestConfigRefuses(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":            {"statoin = \"x\"\n" + keys + bayA, `1:1: unknown key "statoin"`},
		"unknown key of mqtt":    {keys + bayA + "[mqtt]\nurl = \"x\"\n", `7:1: unknown key "mqtt.url"`},
		"unknown key in a table": {keys + "escrwo = 1\n" + bayA, `3:1: unknown key "keys.escrwo"`},
		"unknown key in a bay":   {keys + bayA + "typo = 1\n", `6:1: unknown key "bay.typo"`},
		"unknown table":          {keys + bayA + "[cloud]\nurl = \"x\"\n", `6:2: unknown key "cloud"`},
		"number for text":        {"station = 3\n" + keys + bayA, "1:11: station cannot be an integer"},
		"text for a table":       {"gesture = \"x\"\n" + keys + bayA, "1:11: gesture cannot be a string"},
		"number for bays":        {"bay = 3\n" + keys, "1:7: bay cannot be an integer"},
		"list for text":          {"station = [\"x\"]\n" + keys + bayA, "1:11: station cannot be an array"},
		"number in a bay":        {keys + bayA + "reset = 17\n", "6:9: bay.reset cannot be an integer"},
		"number for a time":      {"[gesture]\nhold = 4\n" + keys + bayA, `"4": want a length of time such as "3.4s"`},
		"table for text":         {keys + bayA + "[station]\nx = 1\n", "station cannot be a table"},
		"tables for a table":     {"[[keys]]\nescrow = \"none\"\n" + bayA, "keys cannot be an array table"},
		"no length of time":      {"[gesture]\nhold = \"x\"\n" + keys + bayA, `2:8: gesture.hold "x": want a length of time such as "3.4s"`},
		"key twice":              {"station = \"a\"\nstation = \"b\"\n" + keys + bayA, "2:1: key station is already defined"},
		"no value":               {"station =\n", "1:10: "},
		"not UTF-8":              {"\xff\xfe", "1:1: "},

		"station name":     {"station = \"a b\"\n" + keys + bayA, `station "a b": want 1 to 64`},
		"no station name":  {"station = \"\"\n" + keys + bayA, `station "": want 1 to 64`},
		"relative store":   {"store = \"lib\"\n" + keys + bayA, `store "lib": want an absolute path`},
		"relative runtime": {"runtime = \"\"\n" + keys + bayA, `runtime "": want an absolute path`},
		"relative socket":  {"socket = \"s\"\n" + keys + bayA, `socket "s": want an absolute path`},
		"long socket":      {"socket = \"/" + strings.Repeat("x", 107) + "\"\n" + keys + bayA, "108 bytes are too long for a socket: want at most 107"},
		"hold too short":   {"[gesture]\nhold = \"3.099s\"\n" + keys + bayA, "gesture.hold 3.099s: want 3.1s to 5.5s"},
		"hold too long":    {"[gesture]\nhold = \"5.501s\"\n" + keys + bayA, "gesture.hold 5.501s: want 3.1s to 5.5s"},
		"hold backwards":   {"[gesture]\nhold = \"-3.4s\"\n" + keys + bayA, "gesture.hold -3.4s: want"},

		"no escrow":            {bayA, "keys.escrow: who else can open the keys"},
		"escrow of another":    {"[keys]\nescrow = \"nobody\"\n" + bayA, `keys.escrow: want a list of age public keys, or "none"`},
		"escrow number":        {"[keys]\nescrow = 5\n" + bayA, `keys.escrow: want a list of age public keys, or "none"`},
		"escrow empty":         {"[keys]\nescrow = []\n" + bayA, "keys.escrow: the list is empty"},
		"escrow no key":        {"[keys]\nescrow = [\"age1x\"]\n" + bayA, `keys.escrow: "age1x": want an age X25519 public key`},
		"escrow number inside": {"[keys]\nescrow = [5]\n" + bayA, "keys.escrow: want a list of age public keys"},
		"escrow none inside":   {"[keys]\nescrow = [\"none\"]\n" + bayA, `keys.escrow: "none": want an age X25519 public key`},

		"no bay":        {keys, "no [[bay]]: a station needs at least one"},
		"no name":       {keys + "[[bay]]\nport = \"1-1\"\n", `bay name "" does not match`},
		"bad name":      {keys + "[[bay]]\nname = \"../x\"\nport = \"1-1\"\n", `bay name "../x" does not match`},
		"type":          {keys + bayA + "type = \"photon\"\n", `bay "a": type "photon": want "duo"`},
		"wiring":        {keys + bayA + "wiring = \"x\"\n", `bay a: wiring "x" is neither "fet" nor "direct"`},
		"one line":      {keys + bayA + "setup = \"GPIO17\"\n", `reset "GPIO17" and setup "GPIO17" must be two lines`},
		"pulled down":   {keys + bayA + "reset = \"GPIO4\"\nsetup = \"GPIO17\"\nwiring = \"direct\"\n", "line GPIO17 is pulled down at power-on"},
		"pulled up":     {keys + bayA + "reset = \"GPIO4\"\n", "line GPIO4 is pulled up at power-on"},
		"name twice":    {keys + bayA + "[[bay]]\nname = \"a\"\nport = \"1-1.2\"\nreset = \"GPIO22\"\nsetup = \"GPIO23\"\n", `bay "a": two bays have this name`},
		"port twice":    {keys + bayA + bayB + "port = \"1-1.1\"\n", `bay "b": port 1-1.1 belongs to bay "a" already`},
		"port with bus": {keys + bayA + bayB + "port = \"1.1\"\n", `bay "b": port 1.1 can be that of bay "a", 1-1.1`},
		"reset twice":   {keys + bayA + "[[bay]]\nname = \"b\"\nport = \"1-1.2\"\nsetup = \"GPIO23\"\n", `line GPIO17 of chip pinctrl-bcm2711 cannot be RESET of bay "a" and RESET of bay "b"`},
		"crossed lines": {keys + bayA + "[[bay]]\nname = \"b\"\nport = \"1-1.2\"\nreset = \"GPIO27\"\nsetup = \"GPIO23\"\n", `line GPIO27 of chip pinctrl-bcm2711 cannot be SETUP of bay "a" and RESET of bay "b"`},

		"on_plug":           {"on_plug = \"flash\"\n" + keys + bayA, `on_plug "flash": want "off", "diagnose" or "repair"`},
		"no on_plug":        {"on_plug = \"\"\n" + keys + bayA, `on_plug "": want "off", "diagnose" or "repair"`},
		"on_plug of a bay":  {keys + bayA + "on_plug = \"on\"\n", `bay "a": on_plug "on": want "off", "diagnose" or "repair"`},
		"on_plug a boolean": {"on_plug = true\n" + keys + bayA, "1:11: on_plug cannot be a boolean"},

		"the button's line":  {keys + bayA + "setup = \"GPIO16\"\n", `line GPIO16 of chip pinctrl-bcm2711 cannot be the button of the station and SETUP of bay "a": give one another line, or "none" if`},
		"a light's line":     {keys + bayA + "reset = \"GPIO26\"\n", `cannot be the blue light of the station and RESET of bay "a"`},
		"two lights":         {"[lights]\nred = \"GPIO20\"\n" + keys + bayA, "line GPIO20 of chip pinctrl-bcm2711 cannot be the green light of the station and the red light of the station"},
		"light and button":   {"[lights]\nred = \"GPIO5\"\n[button]\nline = \"GPIO5\"\n" + keys + bayA, "cannot be the button of the station and the red light of the station"},
		"a bay's own light":  {keys + bayA + "[bay.lights]\nred = \"GPIO17\"\n", `cannot be RESET of bay "a" and the red light of bay "a"`},
		"a bay's own button": {keys + bayA + "button = \"GPIO27\"\n", `cannot be SETUP of bay "a" and the button of bay "a"`},
		"another's light":    {keys + bayA + bayB + "port = \"1-1.2\"\nbutton = \"GPIO5\"\n[bay.lights]\nblue = \"GPIO17\"\n", `cannot be RESET of bay "a" and the blue light of bay "b"`},
		"another chip's not": {"[button]\nchip = \"x\"\nline = \"GPIO17\"\n[lights]\nchip = \"x\"\nblue = \"GPIO17\"\n" + keys + bayA, "line GPIO17 of chip x cannot be the button of the station and the blue light of the station"},
		"unknown light":      {keys + bayA + "[bay.lights]\nwhite = \"GPIO5\"\n", `7:1: unknown key "bay.lights.white"`},
		"a number of a line": {"[button]\nline = 16\n" + keys + bayA, "2:8: button.line cannot be an integer"},

		"metrics for everybody":  {keys + bayA + "[metrics]\nlisten = \"0.0.0.0:9464\"\n", `metrics.listen "0.0.0.0:9464": want an address of the loopback`},
		"metrics on all":         {keys + bayA + "[metrics]\nlisten = \":9464\"\n", `metrics.listen ":9464": want an address of the loopback`},
		"metrics at a name":      {keys + bayA + "[metrics]\nlisten = \"localhost:9464\"\n", `metrics.listen "localhost:9464": want an address of the loopback`},
		"metrics without a port": {keys + bayA + "[metrics]\nlisten = \"127.0.0.1\"\n", `metrics.listen "127.0.0.1": want an address of the loopback`},

		"no broker's URL":          {keys + bayA + "[mqtt]\nbroker = \"broker.example\"\n", `mqtt: broker "broker.example": want mqtts://host:port`},
		"a broker in the clear":    {keys + bayA + "[mqtt]\nbroker = \"mqtt://broker.example\"\n", `mqtt: broker "mqtt://broker.example": without encryption`},
		"password in the URL":      {keys + bayA + "[mqtt]\nbroker = \"mqtts://me:hidden@broker.example\"\n", "mqtt: broker: user and password do not belong into the URL"},
		"certificate without key":  {keys + bayA + "[mqtt]\nbroker = \"mqtts://b\"\ncertificate = \"/x\"\n", "mqtt: a client certificate needs its key"},
		"profile":                  {keys + bayA + "[mqtt]\nbroker = \"mqtts://b\"\nprofile = \"x\"\n", `mqtt: profile "x": want one of`},
		"keep_alive":               {keys + bayA + "[mqtt]\nbroker = \"mqtts://b\"\nkeep_alive = \"1h\"\n", "mqtt: keep-alive 1h0m0s: want 1s to"},
		"a small outbox":           {keys + bayA + "[mqtt]\noutbox_letters = 99\n", "mqtt: outbox_letters 99, outbox_bytes 33554432: want at least 100 and 65536"},
		"a dot at IoT Hub":         {keys + "[[bay]]\nname = \"a.b\"\nport = \"1-1\"\n[mqtt]\nbroker = \"mqtts://b\"\nprofile = \"azure-iot-hub\"\n", `mqtt: bay "a.b": IoT Hub takes no dot in a name`},
		"unsigned unknown kind":    {keys + bayA + "[mqtt]\nunsigned = [\"polish\"]\n", `mqtt: without a signature: kind "polish" cannot be allowed`},
		"unsigned save-key":        {keys + bayA + "[mqtt]\nunsigned = [\"save-key\"]\n", `mqtt: without a signature: kind "save-key" cannot be allowed`}, // P4
		"unsigned everything":      {keys + bayA + "[mqtt]\nunsigned = [\"*\"]\n", `mqtt: without a signature: kind "*" cannot be allowed`},
		"signer without a key":     {keys + bayA + "[[mqtt.signer]]\nid = \"x\"\nkinds = [\"*\"]\n", `mqtt: signer "x": want either public or public_file`},
		"signer with two keys":     {keys + bayA + "[[mqtt.signer]]\nid = \"x\"\nkinds = [\"*\"]\npublic = \"" + publicA + "\"\npublic_file = \"/x\"\n", `mqtt: signer "x": want either public or public_file`},
		"signer's relative file":   {keys + bayA + "[[mqtt.signer]]\nid = \"x\"\nkinds = [\"*\"]\npublic_file = \"x\"\n", `mqtt: signer "x": public_file: want an absolute path`},
		"signer with a bad key":    {keys + bayA + "[[mqtt.signer]]\nid = \"x\"\nkinds = [\"*\"]\npublic = \"abc\"\n", `mqtt: signer "x": want an Ed25519 public key`},
		"signer without kinds":     {keys + bayA + "[[mqtt.signer]]\nid = \"x\"\npublic = \"" + publicA + "\"\n", `mqtt: key "x": want the kinds of jobs that it may ask for`},
		"signer of save-key":       {keys + bayA + "[[mqtt.signer]]\nid = \"x\"\npublic = \"" + publicA + "\"\nkinds = [\"save-key\"]\n", `mqtt: key "x": kind "save-key" is never taken from afar`}, // P4
		"signer of another bay":    {keys + bayA + "[[mqtt.signer]]\nid = \"x\"\npublic = \"" + publicA + "\"\nkinds = [\"*\"]\nbays = [\"z\"]\n", `mqtt: signer "x": bay "z": this station has no such bay`},
		"signer's unknown setting": {keys + bayA + "[[mqtt.signer]]\nkey = \"x\"\n", `7:1: unknown key "mqtt.signer.key"`},

		"the console's pin": {keys + bayA + "setup = \"GPIO14\"\n", `bay "a": setup GPIO14: it belongs to the serial console`},
		"by another name":   {keys + bayA + "reset = \"RXD1\"\n", `bay "a": reset RXD1: it belongs to the serial console`},
		"the HAT's pin":     {keys + bayA + "reset = \"GPIO4\"\nsetup = \"ID_SCL\"\nwiring = \"direct\"\n", `bay "a": setup ID_SCL: the Raspberry Pi itself talks on it`},
		"a pin of I2C":      {keys + bayA + "reset = \"GPIO2\"\nsetup = \"GPIO4\"\nwiring = \"direct\"\n", `bay "a": reset GPIO2: the Raspberry Pi has a strong pull-up`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "gatewayd.toml")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := daemon.LoadConfig(path)
			if err == nil {
				t.Fatal("it was taken")
			}
			got, ok := strings.CutPrefix(err.Error(), path+":")
			if !ok || !strings.Contains(got, c.want) {
				t.Errorf("it says %q, want the file and %q", err, c.want)
			}
			if strings.Contains(got, "\n") || strings.Contains(got, "daemon.") {
				t.Errorf("want one line for people: %q", err)
			}
		})
	}
}

func TestConfigPorts(t *testing.T) {
	for port, right := range map[string]bool{
		"1-1": true, "1-1.4": true, "12-1.4.3": true, "1": true, "1.4": true, "4.3.2.1": true,
		"": false, "1-": false, "-1": false, "1-1.": false, "1..4": false, "1-1-1": false, "usb1": false, "1-1.4:1.0": false,
		"0-1": false, "01-1": false, "1-01.4": false, "1.0": false, " 1-1": false, "1-1\n": false,
	} {
		_, err := daemon.ParseConfig([]byte(keys + "[[bay]]\nname = \"a\"\nport = " + quote(t, port)))
		if (err == nil) != right {
			t.Errorf("port %q: error %v", port, err)
		}
	}
}

// Two bays without the bus, or with two buses, are different ports.
func TestConfigPortsThatDiffer(t *testing.T) {
	for _, ports := range [][2]string{{"1-1.1", "2-1.1"}, {"1.1", "1.2"}, {"1.1", "1.1.1"}, {"1-1.1", "11-1.1"}, {"1-2.1", "1"}} {
		text := keys + "[[bay]]\nname = \"a\"\nport = \"" + ports[0] + "\"\n" + bayB + "port = \"" + ports[1] + "\"\n"
		if _, err := daemon.ParseConfig([]byte(text)); err != nil {
			t.Errorf("ports %v: %v", ports, err)
		}
	}
}

// A button and lights are there by default, and can be said not to be.
func TestConfigWithoutButtonAndLights(t *testing.T) {
	for _, none := range []string{"", "none"} {
		cfg, err := daemon.ParseConfig(fmt.Appendf(nil, `
			[button]
			line = %[1]q
			[lights]
			green = %[1]q
			red = %[1]q
			blue = %[1]q
			%[2]s
			%[3]s
			chip = "pinctrl-rp1"
			setup = "GPIO16"
			reset = "GPIO20"
			button = %[1]q
			[bay.lights]
			red = %[1]q
			green = "GPIO17"
		`, none, keys, bayA))
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Button.Line != "" || len(cfg.Lights.Lines()) != 0 || cfg.Bays[0].Button != "" {
			t.Errorf("%q: there are the button %+v and the lights %+v, in a bay %+v", none, cfg.Button, cfg.Lights, cfg.Bays[0])
		}
		if lines := cfg.Bays[0].Lights.Lines(); len(lines) != 1 || lines[gpio.Green] != "GPIO17" {
			t.Errorf("%q: the lights of the bay are %v", none, lines)
		}
		if cfg.Button.Chip != "pinctrl-rp1" || cfg.Lights.Chip != "pinctrl-rp1" || cfg.Bays[0].Lights.Chip != "pinctrl-rp1" {
			t.Errorf("%q: the chips are not that of the bay: %+v", none, cfg)
		}
	}
}

// Several mistakes are told together, each with the file.
func TestConfigTellsAllMistakes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(path, []byte("station = \"a b\"\nstore = \"x\"\nruntime = \"y\"\n"+keys), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := daemon.LoadConfig(path)
	if err == nil {
		t.Fatal("it was taken")
	}
	want := []string{"station \"a b\": ", "store \"x\": ", "runtime \"y\": ", "no [[bay]]: "}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d: %v", len(lines), len(want), err)
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, path+": "+want[i]) {
			t.Errorf("line %d is %q, want %q", i, line, want[i])
		}
	}
}

func TestConfigFileMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.toml")
	if _, err := daemon.LoadConfig(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want one that names the file", err)
	}
}

// Who has keys that sign wants signatures, if the configuration does not say
// what needs none.
func TestConfigUnsigned(t *testing.T) {
	signer := "[[mqtt.signer]]\nid = \"x\"\npublic = \"" + publicA + "\"\nkinds = [\"repair\"]\n"
	for text, want := range map[string]string{
		"":                                  "[diagnose backup]",
		"[mqtt]\nbroker = \"none\"\n":       "[diagnose backup]",
		"[mqtt]\nunsigned = []\n":           "[]",
		"[mqtt]\nunsigned = [\"repair\"]\n": "[repair]",
		signer:                              "[]",
		"[mqtt]\nunsigned = []\n" + signer:  "[]",
		"[mqtt]\nunsigned = [\"backup\"]\n" + signer: "[backup]",
	} {
		cfg, err := daemon.ParseConfig([]byte(keys + bayA + text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		policy, err := cfg.Policy()
		if err != nil || fmt.Sprint(policy.Unsigned) != want || cfg.MQTT.On() {
			t.Errorf("%q: unsigned are %v, want %s; %v", text, policy.Unsigned, want, err)
		}
	}
}

// A public key may stand in a file; a private one there is not printed. // P4
func TestConfigKeyFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	cfg, err := daemon.ParseConfig([]byte(keys + bayA + "[[mqtt.signer]]\nid = \"x\"\nkinds = [\"*\"]\npublic_file = " + quote(t, file)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.Policy(); err == nil || !strings.Contains(err.Error(), "reading the public key") {
		t.Errorf("without the file: %v", err)
	}
	if err := os.WriteFile(file, []byte(publicA+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if policy, err := cfg.Policy(); err != nil || len(policy.Keys) != 1 || len(policy.Keys[0].Public) != 32 {
		t.Errorf("the policy is %+v, %v", policy, err)
	}
	const private = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC"
	if err := os.WriteFile(file, []byte("-----BEGIN PRIVATE KEY-----\n"+private+"\n-----END PRIVATE KEY-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cfg.Policy(); err == nil || strings.Contains(err.Error(), private[20:40]) || !strings.Contains(err.Error(), "private key") {
		t.Errorf("a private key: %v", err)
	}
}

// A private key in the place of a public one is not printed. // P4
func TestConfigKeepsEscrowSecrets(t *testing.T) {
	const body = "GGG2Z4RF7N6TPKZQYU8CLGMS9AJX0W5D3EVH1Q2Z4RF7N6TPKZQYU8CLGMS"
	private := "AGE-SECRET-KEY-1" + body
	for _, value := range []string{
		quote(t, private), "[" + quote(t, private) + "]", "[" + quote(t, strings.ToLower(private)) + "]",
		"[" + quote(t, escrowA) + ", " + quote(t, " "+private) + "]", "[[" + quote(t, private) + "]]", "{x = " + quote(t, private) + "}",
	} {
		_, err := daemon.ParseConfig([]byte("[keys]\nescrow = " + value + "\n" + bayA))
		if err == nil {
			t.Fatalf("%s was taken", value)
		}
		if strings.Contains(strings.ToUpper(err.Error()), body[:16]) {
			t.Errorf("it is printed: %v", err)
		}
	}
}

func TestConfigEscrow(t *testing.T) {
	cfg, err := daemon.ParseConfig([]byte("[keys]\nescrow = [\"" + escrowA + "\"]\n" + bayA))
	if err != nil {
		t.Fatal(err)
	}
	if list, err := cfg.Keys.Recipients(); err != nil || len(list) != 1 || list[0] != escrowA {
		t.Errorf("recipients %v, %v", list, err)
	}
}

// drawConfig draws a configuration that is right.
func drawConfig(t *rapid.T) daemon.Config {
	cfg := daemon.DefaultConfig()
	cfg.Station = rapid.StringMatching(`[A-Za-z0-9._-]{1,64}`).Draw(t, "station")
	cfg.Keys.Escrow = rapid.SampledFrom([]any{"none", []any{escrowA}}).Draw(t, "escrow")
	cfg.OnPlug = rapid.SampledFrom([]string{"off", "diagnose", "repair"}).Draw(t, "on_plug")
	line := rapid.SampledFrom([]string{"", "GPIO16", "GPIO26"})
	cfg.Button = daemon.ButtonConfig{Chip: "bench", Line: line.Draw(t, "button")}
	cfg.Lights = daemon.LightsConfig{Chip: "pinctrl-rp1", Green: "GPIO5", Red: line.Draw(t, "red")}
	cfg.MQTT.Broker = rapid.SampledFrom([]string{"", "mqtts://broker.example", "wss://b/mqtt", "mqtt://localhost:1884"}).Draw(t, "broker")
	cfg.MQTT.Unsigned = rapid.SliceOfDistinct(rapid.SampledFrom([]string{"diagnose", "repair"}), rapid.ID[string]).Draw(t, "unsigned")
	if rapid.Bool().Draw(t, "signer") {
		cfg.MQTT.Signers = []daemon.SignerConfig{{ID: "x", Public: publicA, Kinds: []string{"*"}, Bays: []string{}}}
	}
	bays := rapid.IntRange(1, 3).Draw(t, "bays")
	for i := range bays {
		n := string(rune('1' + i))
		chip := rapid.SampledFrom([]string{"pinctrl-rp1", "bench"}).Draw(t, "chip")
		cfg.Bays = append(cfg.Bays, daemon.BayConfig{
			Name: rapid.StringMatching(`[A-Za-z0-9._-]{0,63}`).Draw(t, "name") + n,
			Type: "duo", Chip: chip,
			Reset: "GPIO1" + n, Setup: "GPIO2" + n, Wiring: "fet",
			Port:   rapid.SampledFrom([]string{"", "1-", "2-"}).Draw(t, "bus") + "1." + n,
			OnPlug: rapid.SampledFrom([]string{"", "off", "repair"}).Draw(t, "bay's on_plug"),
			Button: rapid.SampledFrom([]string{"", "GPIO3" + n}).Draw(t, "bay's button"),
			Lights: daemon.LightsConfig{Chip: chip, Blue: rapid.SampledFrom([]string{"", "GPIO4" + n}).Draw(t, "bay's light")},
		})
	}
	return cfg
}

// What is right is taken and comes through unchanged; one field spoilt is
// refused.
func TestConfigModel(t *testing.T) {
	spoil := []func(*daemon.Config){
		func(c *daemon.Config) { c.Station = "no name" },
		func(c *daemon.Config) { c.Store = "relative" },
		func(c *daemon.Config) { c.Keys.Escrow = "some" },
		func(c *daemon.Config) { c.Bays = nil },
		func(c *daemon.Config) { c.Bays[len(c.Bays)-1].Port = "x" },
		func(c *daemon.Config) { c.Bays[0].Setup = c.Bays[0].Reset },
		func(c *daemon.Config) { c.Bays[0].Type = "photon" },
		func(c *daemon.Config) { c.Bays = append(c.Bays, c.Bays[0]) },
		func(c *daemon.Config) { c.OnPlug = "on" },
		func(c *daemon.Config) { c.Bays[0].OnPlug = "on" },
		func(c *daemon.Config) { c.Button = daemon.ButtonConfig{Chip: c.Bays[0].Chip, Line: c.Bays[0].Reset} },
		func(c *daemon.Config) { c.Lights.Blue = c.Lights.Green },
		func(c *daemon.Config) { c.Bays[0].Lights.Red = c.Bays[0].Setup },
		func(c *daemon.Config) { c.Bays[0].Reset = "TXD0" },
		func(c *daemon.Config) { c.MQTT.Broker = "http://x" },
		func(c *daemon.Config) { c.MQTT.Letters = 0 },
		func(c *daemon.Config) { c.MQTT.Unsigned = []string{"save-key"} },
		func(c *daemon.Config) { c.MQTT.Signers = []daemon.SignerConfig{{ID: "x"}} },
	}
	rapid.Check(t, func(t *rapid.T) {
		cfg := drawConfig(t)
		text, err := toml.Marshal(cfg)
		if err != nil {
			t.Fatal(err)
		}
		got, err := daemon.ParseConfig(text)
		if err != nil {
			t.Fatalf("refused: %v\n%s", err, text)
		}
		if again, err := toml.Marshal(got); err != nil || string(again) != string(text) {
			t.Fatalf("it comes back as\n%s\ninstead of\n%s", again, text)
		}
		rapid.SampledFrom(spoil).Draw(t, "spoil")(&cfg)
		if text, err = toml.Marshal(cfg); err != nil {
			t.Fatal(err)
		}
		if _, err := daemon.ParseConfig(text); err == nil {
			t.Fatalf("taken:\n%s", text)
		}
	})
}

// Whatever the text, the answer is a configuration that its own check finds
// right, or an error in words.
func FuzzParseConfig(f *testing.F) {
	for _, seed := range []string{
		"", keys + bayA, keys + bayA + bayB + "port = \"1.2\"\n", "[gesture]\nhold = \"3.4s\"\n" + keys + bayA,
		"[keys]\nescrow = [\"" + escrowA + "\"]\n" + bayA, "bay = 3", "station = [", "\xff", "[[bay]]\n[[bay]]\n", "[keys]\nescrow = [[]]\n",
		"on_plug = \"off\"\n[button]\nline = \"none\"\n[lights]\nchip = \"x\"\ngreen = \"\"\nred = \"none\"\n" + keys + bayA + "on_plug = \"repair\"\nbutton = \"GPIO5\"\n[bay.lights]\nblue = \"GPIO6\"\n",
		keys + bayA + "setup = \"GPIO16\"\nreset = \"GPIO14\"\n", keys + "[bay]\nlights = 1\n",
		keys + bayA + "[mqtt]\nbroker = \"mqtts://b\"\nunsigned = []\n[[mqtt.signer]]\nid = \"x\"\npublic_file = \"/x\"\nkinds = [\"repair\"]\nbays = [\"a\"]\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, err := daemon.ParseConfig(text)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" || strings.Contains(err.Error(), "daemon.") {
				t.Errorf("it says %q", err)
			}
			return
		}
		if err := cfg.Check(); err != nil || len(cfg.Bays) == 0 {
			t.Errorf("taken, but: %v", err)
		}
		if _, err := cfg.Keys.Recipients(); err != nil {
			t.Error(err)
		}
	})
}

func TestConfigTable(t *testing.T) {
	var table strings.Builder
	if err := daemon.WriteConfigTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| `station` | `station` |", "| `keys.escrow` | must be set |", "| `gesture.hold` | `3.4s` |", "| `bay.name` | must be set |", "| `bay.reset` | `GPIO17` |",
		"| `mqtt.broker` | none |", "| `mqtt.keep_alive` | `1m0s` |", "| `mqtt.signer.id` | must be set |",
		"| `on_plug` | `diagnose` |", "| `bay.on_plug` | that of the station |", "| `button.line` | `GPIO16` |", "| `lights.red` | `GPIO21` |", "| `bay.lights.red` | none |",
	} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("there is no %q in\n%s", want, table.String())
		}
	}
}

// quote writes a TOML string.
func quote(t *testing.T, text string) string {
	t.Helper()
	quoted, err := toml.Marshal(map[string]string{"x": text})
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(strings.TrimPrefix(string(quoted), "x = "))
}
