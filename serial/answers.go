package serial

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"

	"duogateway/duo"
)

// The answers, without their last line end
// (redbear/firmware system/src/system_setup.cpp:219-301).
var (
	answerID      = regexp.MustCompile(`^Your device id is ([0-9a-f]{24})$`)
	answerMAC     = regexp.MustCompile(`^Your device MAC address is\r\n([0-9a-f]{2}(?::[0-9a-f]{2}){5})$`)
	answerVersion = regexp.MustCompile(`^system firmware version: ([0-9A-Za-z.+-]{1,32})$`)
)

// ParseDeviceID reads the answer to command i.
func ParseDeviceID(answer string) (duo.DeviceID, error) {
	found, err := match(answerID, answer)
	if err != nil {
		return "", err
	}
	id, err := duo.ParseDeviceID(found)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return id, nil
}

// ParseMAC reads the answer to command m: six bytes.
func ParseMAC(answer string) (net.HardwareAddr, error) {
	found, err := match(answerMAC, answer)
	if err != nil {
		return nil, err
	}
	return net.ParseMAC(found)
}

// ParseVersion reads the answer to command v: 1 to 32 letters, digits, dots and
// signs.
func ParseVersion(answer string) (string, error) { return match(answerVersion, answer) }

func match(form *regexp.Regexp, answer string) (string, error) {
	found := form.FindStringSubmatch(answer)
	if found == nil {
		return "", malformed(answer, "want %s", form)
	}
	return found[1], nil
}

// malformed shows the begin of an answer, which is of no use as a whole.
func malformed(answer, format string, args ...any) error {
	return fmt.Errorf("%w: %.80q: %w", ErrMalformed, answer, fmt.Errorf(format, args...))
}

// Module is one firmware module as the firmware describes it.
type Module struct {
	Function string // "b" bootloader, "s" system part, "u" user part, "" for none
	Number   int    // of the system part, or 0
	Version  uint16 // module_version
	Store    string // "m" where it runs, "f" factory, "b" backup, "t" scratch
	Sound    bool   // it passes all checks that were made
}

// mostModules is more than a Duo has places for.
const mostModules = 32

// modules is the answer to command s. The names of the fields are those of
// Particle's describe message; the board adds more of them.
type modules struct {
	Platform int `json:"p"`
	Modules  []struct {
		Function string `json:"f"`
		Number   string `json:"n"`
		Version  uint16 `json:"v"`
		Store    string `json:"l"`
		Checked  uint16 `json:"vc"`
		Passed   uint16 `json:"vv"`
	} `json:"m"`
}

// ParseModules reads the answer to command s: up to 32 modules, in the order of
// the board. A place that holds no module has no function.
func ParseModules(answer string) ([]Module, error) {
	var said modules
	if err := json.Unmarshal([]byte(answer), &said); err != nil {
		return nil, malformed(answer, "%w", err)
	}
	if said.Platform != duo.PlatformID {
		return nil, malformed(answer, "platform %d, want %d", said.Platform, duo.PlatformID)
	}
	if len(said.Modules) > mostModules {
		return nil, malformed(answer, "%d modules, want up to %d", len(said.Modules), mostModules)
	}
	var found []Module
	for _, m := range said.Modules {
		number, err := strconv.ParseUint(cmp.Or(m.Number, "0"), 10, 8)
		if err != nil || !isLetter(m.Function) || !isLetter(m.Store) {
			return nil, malformed(answer, "module %d: function %.8q, number %.8q, store %.8q", len(found), m.Function, m.Number, m.Store)
		}
		found = append(found, Module{m.Function, int(number), m.Version, m.Store, m.Passed == m.Checked})
	}
	return found, nil
}

// isLetter tells whether a text is one small letter, or empty.
func isLetter(s string) bool {
	return s == "" || len(s) == 1 && strings.Contains("abcdefghijklmnopqrstuvwxyz", s)
}
