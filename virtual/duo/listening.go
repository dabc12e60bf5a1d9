package virtualduo

import (
	"encoding/hex"
	"fmt"
)

// SerialCommand answers one character typed in listening mode
// (redbear/firmware system/src/system_setup.cpp:219-301). Empty outside of it
// and for commands that this board does not know.
func (b *Board) SerialCommand(command byte) string {
	b.lock()
	defer b.unlock()
	if b.mode != modeRun || !b.run.listening {
		return ""
	}
	switch command {
	case 'i':
		return fmt.Sprintf("Your device id is %s\r\n", hex.EncodeToString(b.config.UID[:]))
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
