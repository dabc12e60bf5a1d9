package virtualduo

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
)

// SerialCommand answers one character typed in listening mode
// (redbear/firmware system/src/system_setup.cpp:219-301). Empty outside of it
// and for commands that this board does not know.
func (b *Board) SerialCommand(command byte) string {
	b.lock()
	defer b.unlock()
	return b.answerTo(command)
}

func (b *Board) answerTo(command byte) string {
	if b.mode != modeRun || !b.run.listening {
		return ""
	}
	switch command {
	case 'i':
		return fmt.Sprintf("Your device id is %s\r\n", hex.EncodeToString(b.config.UID[:]))
	case 'm':
		return fmt.Sprintf("Your device MAC address is\r\n%s\r\n", b.mac())
	case 's':
		return b.describeModules() + "\r\n"
	case 'v':
		return fmt.Sprintf("system firmware version: %s\r\n", b.systemVersion())
	case 'x':
		if b.wifi {
			b.run.listening = false
			b.showRun()
		}
	}
	return ""
}

// systemVersion is the text the firmware gives, which for 0.3.2 is wrong.
func (b *Board) systemVersion() string { return b.release().Says }

// mac is an address of the local kind that follows the unique id.
func (b *Board) mac() net.HardwareAddr {
	return append(net.HardwareAddr{0x02}, b.config.UID[:5]...)
}

// moduleReport is one module as the firmware describes it. The order and
// names of the fields are those of Particle's describe message; that the
// Duo's are the same is inferred.
type moduleReport struct {
	Size     int             `json:"s"`
	Location string          `json:"l"`
	Checked  int             `json:"vc"`
	Valid    int             `json:"vv"`
	Function string          `json:"f"`
	Name     string          `json:"n"`
	Version  uint16          `json:"v"`
	Needs    []moduleReports `json:"d"`
}

type moduleReports struct {
	Function string `json:"f"`
	Name     string `json:"n"`
	Version  uint16 `json:"v"`
}

// Bits of a module's check: integrity, dependencies, range, platform.
const (
	moduleChecks    = 0x1E
	moduleIntegrity = 0x02
)

// describeModules is what is in internal flash, as JSON.
func (b *Board) describeModules() string {
	var found []moduleReport
	for _, place := range []struct{ at, room int }{
		{flashBase, 32 << 10}, {systemPart1At, 128 << 10}, {systemPart2At, 512 << 10}, {userPartAt, userPartSize},
	} {
		m := moduleAt(b.internal, place.at-flashBase)
		if m.Platform == platformDuo && int(m.Start) == place.at {
			found = append(found, b.report(m, place.room))
		}
	}
	text, _ := json.Marshal(struct { // numbers and strings always marshal
		Platform int            `json:"p"`
		Modules  []moduleReport `json:"m"`
	}{platformDuo, found})
	return string(text)
}

func (b *Board) report(m module, room int) moduleReport {
	valid := moduleChecks
	if !m.intact(b.internal, int(m.Start-flashBase)) {
		valid &^= moduleIntegrity
	}
	needs := []moduleReports{}
	for _, d := range []dependency{m.Needs, m.AlsoNeeds} {
		if d.Function != 0 {
			needs = append(needs, moduleReports{functionLetter(d.Function), strconv.Itoa(int(d.Index)), d.Version})
		}
	}
	return moduleReport{
		Size: room, Location: "m", Checked: moduleChecks, Valid: valid,
		Function: functionLetter(m.Function), Name: strconv.Itoa(int(m.Index)), Version: m.Version, Needs: needs,
	}
}

func functionLetter(function byte) string {
	switch function {
	case functionBootloader:
		return "b"
	case functionSystem:
		return "s"
	case functionUser:
		return "u"
	default:
		return ""
	}
}
