package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"duogateway/duo"
)

// inspect runs the command on a file with that content, as the command line
// would: arguments are parsed by kong. err is what the user is told.
func inspect(t *testing.T, content []byte, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "dump.bin")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	var command dctCmd
	var out, complaint bytes.Buffer
	parser, err := kong.New(&command)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = parser.Parse(append([]string{"inspect", name}, args...)); err == nil {
		err = inspectDCT(command.Inspect, &out, &complaint)
	}
	return out.String(), complaint.String(), err
}

// area returns a dump of alternate setting 1 from offset 0 of a board with
// that private key and Particle's server.
func area(t *testing.T, key []byte) []byte {
	t.Helper()
	dump := bytes.Repeat([]byte{0xFF}, duo.AreaSize)
	copy(dump[duo.PrivateKeyOffset:], key)
	copy(dump[duo.ServerKeyOffset:], duo.ParticleServerKey())
	address, err := duo.EncodeServerAddress(duo.DefaultHost, 0)
	if err != nil {
		t.Fatal(err)
	}
	copy(dump[duo.ServerAddressOffset:], address)
	return dump
}

// sectors returns a first copy that holds area, and an erased second one.
func sectors(area []byte) []byte {
	dump := bytes.Repeat([]byte{0xFF}, 2*duo.SectorSize)
	clear(dump[:388])
	dump[9] = 1
	copy(dump[12:], "BRCM")
	copy(dump[duo.AreaStart:], area)
	return dump
}

func newKey(t *testing.T) *duo.PrivateKey {
	t.Helper()
	key, err := duo.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestInspectJSON(t *testing.T) {
	key := newKey(t)
	board := area(t, key.Fixed().Reveal())
	sound := `"private_key":{"state":"valid","form":"fixed","fingerprint":"` + key.Fingerprint() + `"},"public_key":{"state":"never-derived"},` +
		`"server_key":{"state":"particle","fingerprint":"aa8aba3c973ed4b668999047a09597948f36eefde525352e705fe8ef98c1677e"},` +
		`"server_address":{"state":"domain","host":"device.spark.io","port":5683}}`
	nothing := `"public_key":{"state":null},"server_key":{"state":null,"fingerprint":null},"server_address":{"state":null,"host":null,"port":null}}`
	two := `"current":1,"sectors":[{"class":"legacy","sequence":null,"crc_ok":null},{"class":"invalid","sequence":null,"crc_ok":null}],"device_id":null,`
	none := `"current":null,"sectors":[],"device_id":null,`
	tests := []struct {
		name string
		file []byte
		args []string
		want string
	}{
		{"sectors", sectors(board), nil, `{"size":32768,"engine":"unknown",` + two + sound},
		{"sectors by the old engine", sectors(board), []string{"--engine", "old"}, `{"size":32768,"engine":"old",` + two + sound},
		{"raw backup of r6", append(make([]byte, duo.SectorSize), sectors(board)...), []string{"--engine=new"}, `{"size":49152,"engine":"new",` + two + sound},
		{"one sector", sectors(board)[:duo.SectorSize], nil, `{"size":16384,"engine":"unknown","current":1,"sectors":[{"class":"legacy","sequence":null,"crc_ok":null}],"device_id":null,` + sound},
		{"alternate setting 1", board, nil, `{"size":8820,"engine":"unknown",` + none + sound},
		{"from 34", board[34:], []string{"--offset", "34"}, `{"size":8786,"engine":"unknown",` + none + sound},
		{"16350 bytes", append(bytes.Clone(board[34:]), make([]byte, 16350-8786)...), nil, `{"size":16350,"engine":"unknown",` + none + sound},
		{"cut short behind the key", board[:700], nil, `{"size":700,"engine":"unknown",` + none + `"private_key":{"state":"valid","form":"fixed","fingerprint":"` + key.Fingerprint() + `"},` + nothing},
		{"unreachable", make([]byte, 16384), nil, `{"size":16384,"engine":"unknown",` + none + `"private_key":{"state":"unreachable","form":null,"fingerprint":null},` + nothing},
		{"no current copy", make([]byte, 32768), nil, `{"size":32768,"engine":"unknown","current":null,"sectors":[{"class":"invalid","sequence":null,"crc_ok":null},{"class":"invalid","sequence":null,"crc_ok":null}],"device_id":null,` +
			`"private_key":{"state":null,"form":null,"fingerprint":null},` + nothing},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			stdout, stderr, err := inspect(t, test.file, append(test.args, "--json")...)
			if err != nil || stderr != "" {
				t.Fatalf("%v, stderr %q", err, stderr)
			}
			var got bytes.Buffer
			if err := json.Compact(&got, []byte(stdout)); err != nil {
				t.Fatalf("%v: %q", err, stdout)
			}
			if strings.TrimSpace(got.String()) != test.want {
				t.Errorf("\n%s\nwant\n%s", got.String(), test.want)
			}
		})
	}
}

// P4: the report for people names what is there and never shows the key.
func TestInspectText(t *testing.T) {
	key := newKey(t)
	stdout, stderr, err := inspect(t, sectors(area(t, key.Fixed().Reveal())))
	if err != nil || stderr != "" {
		t.Fatalf("%v, stderr %q", err, stderr)
	}
	for _, want := range []string{"sector 1        legacy (current)\n", "private key     valid, fixed form, " + key.Fingerprint(),
		"server key      Particle's", "server address  device.spark.io, port 5683\n", "device id       none\n"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	for _, leak := range [][]byte{key.Fixed().Reveal()[150:160], key.Fixed().Reveal()[285:295]} {
		if strings.Contains(stdout, string(leak)) {
			t.Error("the private key is shown")
		}
	}
}

// Every finding has words of its own, with the raw text of none.
func TestInspectFindings(t *testing.T) {
	key := newKey(t)
	blank := bytes.Repeat([]byte{0xFF}, duo.AreaSize)
	for want, dump := range map[string][]byte{
		"erased: the board makes a new one": blank,
		"zeroed: the board cannot connect":  area(t, make([]byte, duo.PrivateKeyReserved)),
		"corrupt: the board cannot connect": area(t, key.Fixed().Reveal()[:300]),
		"unreachable: the board answered":   make([]byte, duo.AreaSize),
		"erased: the board uses device":     blank,
		"erased: only system 0.3.2":         blank,
		"not in this dump":                  area(t, key.Fixed().Reveal())[:700],
	} {
		if stdout, _, err := inspect(t, dump); err != nil || !strings.Contains(stdout, want) {
			t.Errorf("%v, no %q in\n%s", err, want, stdout)
		}
	}
}

// What is no dump gives an error of one line, and nothing on stdout.
func TestInspectRefuses(t *testing.T) {
	whole := sectors(area(t, nil))
	for name, test := range map[string]struct {
		file []byte
		args []string
		want string
	}{
		"empty":                 {nil, nil, "it is empty"},
		"two sectors cut short": {whole[:20000], nil, "20000 bytes"},
		"sector cut short":      {whole[:9000], nil, "cut short"},
		"too short":             {make([]byte, 600), nil, "no whole field"},
		"too long":              {make([]byte, 1<<20), nil, "not a dump"},
		"offset too large":      {make([]byte, 16384), []string{"--offset", "1"}, "do not fit"},
		"negative offset":       {make([]byte, 16384), []string{"--offset=-1"}, "--offset"},
		"unknown engine":        {whole, []string{"--engine", "best"}, "--engine"},
	} {
		for _, args := range [][]string{test.args, append([]string{"--json"}, test.args...)} {
			stdout, stderr, err := inspect(t, test.file, args...)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: error %v, want one line with %q", name, err, test.want)
			}
			if stdout != "" || stderr != "" {
				t.Errorf("%s: stdout %q, stderr %q", name, stdout, stderr)
			}
		}
	}
	var stdout bytes.Buffer
	args := dctInspectCmd{File: filepath.Join(t.TempDir(), "none"), JSON: true}
	if err := inspectDCT(args, &stdout, &stdout); err == nil || stdout.Len() > 0 {
		t.Errorf("a file that is not there: %v, %q", err, stdout.String())
	}
}

func TestInspectRemarksOnOffset(t *testing.T) {
	stdout, stderr, err := inspect(t, sectors(area(t, nil)), "--offset", "34", "--json")
	if err != nil || !json.Valid([]byte(stdout)) || !strings.HasPrefix(stderr, "note: ") {
		t.Errorf("%v, stderr %q, stdout %q", err, stderr, stdout)
	}
}
