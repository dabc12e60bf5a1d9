//go:build guest

package guest

import (
	"fmt"
	"testing"
	"time"

	"duogateway/duo"
	"duogateway/serial"
	virtualduo "duogateway/virtual/duo"
)

// Firmware that runs, or waits in listening mode, is asked into DFU mode through
// the kernel's cdc-acm, and does not fall into it again by itself.
func TestAskedByBaudRate(t *testing.T) {
	long(t)
	for _, listening := range []bool{false, true} {
		t.Run(fmt.Sprint("listening ", listening), func(t *testing.T) {
			t.Parallel()
			port := usbPorts.take(t, 1)[0]
			board := plugged(t, port, virtualduo.Config{WiFi: !listening, Timing: quickFlash})
			commission(t, board, 1)
			board.PowerOn()
			awaitProduct(t, port, running)
			ports := serial.New(serial.Config{Log: quiet(t)})

			ask := time.Now()
			await(t, 5*time.Second, "the serial port on port "+port, func() bool { return ports.EnterDFU(t.Context(), port) == nil })
			awaitProduct(t, port, inDFU)
			t.Logf("in DFU mode after %v", time.Since(ask))

			board.SetReset(true)
			board.SetReset(false)
			awaitProduct(t, port, running)
			if listening {
				checkAnswers(t, ports, port, board)
			}
			before, _ := board.Attached()
			time.Sleep(time.Second)
			if now, ok := board.Attached(); !ok || now != before || product(port) != running {
				t.Errorf("the board has left: from %+v to %+v", before, now)
			}
		})
	}
}

// checkAnswers asks a board in listening mode all that it answers.
func checkAnswers(t *testing.T, ports *serial.Ports, port string, board *virtualduo.Board) {
	t.Helper()
	var id duo.DeviceID
	await(t, 5*time.Second, "the id from port "+port, func() (ok bool) {
		var err error
		id, err = ports.DeviceID(t.Context(), port)
		return err == nil
	})
	if want := fmt.Sprintf("%x", board.UID()); string(id) != want {
		t.Errorf("it says that it is %s, not %s", id, want)
	}
	if version, err := ports.Version(t.Context(), port); err != nil || version == "" {
		t.Errorf("version %q, %v", version, err)
	}
	if mac, err := ports.MAC(t.Context(), port); err != nil || len(mac) != 6 {
		t.Errorf("MAC %v, %v", mac, err)
	}
	if modules, err := ports.Modules(t.Context(), port); err != nil || len(modules) == 0 {
		t.Errorf("modules %v, %v", modules, err)
	}
}
