//go:build guest

package guest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"duogateway/dfu"
	"duogateway/dfu/usb"
	"duogateway/duo"
	virtualduo "duogateway/virtual/duo"
)

// secondOpinion is a board that dfu-util and our own host use in turn.
type secondOpinion struct {
	t     *testing.T
	port  string
	bus   *usb.Bus
	board *virtualduo.Board
}

// dfuUtil runs dfu-util on the board and returns what it said.
func (o secondOpinion) dfuUtil(args ...string) string {
	o.t.Helper()
	said, err := exec.Command("dfu-util", append([]string{"-d", "2b04:d058", "-p", o.port}, args...)...).CombinedOutput()
	if err != nil {
		o.t.Fatalf("dfu-util %v: %v\n%s", args, err, said)
	}
	return string(said)
}

// place is how dfu-util names a range, or its beginning.
func place(addr uint32, more ...any) string {
	text := fmt.Sprintf("%#x", addr)
	for _, m := range more {
		text += fmt.Sprint(":", m)
	}
	return text
}

// theirs reads a range by dfu-util.
func (o secondOpinion) theirs(alt uint8, addr uint32, length int) []byte {
	o.t.Helper()
	file := filepath.Join(o.t.TempDir(), "upload")
	o.dfuUtil("-a", fmt.Sprint(alt), "-s", place(addr, length), "-U", file)
	data, err := os.ReadFile(file)
	must(o.t, err)
	return data
}

// theyWrite writes by dfu-util. The flags go behind the address.
func (o secondOpinion) theyWrite(alt uint8, addr uint32, data []byte, flags ...any) {
	o.t.Helper()
	file := filepath.Join(o.t.TempDir(), "download")
	must(o.t, os.WriteFile(file, data, 0o600))
	o.dfuUtil("-a", fmt.Sprint(alt), "-s", place(addr, flags...), "-D", file)
}

// use opens the board for one task of our own host.
func (o secondOpinion) use(task func(*dfu.Device)) {
	o.t.Helper()
	transport, err := openBoard(o.t, o.bus, o.port)
	must(o.t, err)
	limit := func(alt uint8, addr uint32, length int) error {
		return duo.CheckWrite(duo.R6, alt, addr, length)
	}
	device, err := dfu.Open(o.t.Context(), transport, dfu.Options{Limit: limit})
	must(o.t, err)
	task(device)
	must(o.t, device.Close())
}

// ours reads a range by our own host.
func (o secondOpinion) ours(alt uint8, addr uint32, length int) (data []byte) {
	o.t.Helper()
	o.use(func(device *dfu.Device) {
		var err error
		data, err = device.ReadFresh(o.t.Context(), alt, addr, length, nil)
		must(o.t, err)
	})
	return data
}

// weWrite writes by our own host; flash is erased before.
func (o secondOpinion) weWrite(alt uint8, addr uint32, data []byte) {
	o.t.Helper()
	o.use(func(device *dfu.Device) {
		write := device.Program
		if alt == duo.AltDCT {
			write = device.Write
		}
		must(o.t, write(o.t.Context(), alt, addr, data, nil))
	})
}

// same holds what both hosts read against what is on the board.
func (o secondOpinion) same(alt uint8, addr uint32, want []byte) {
	o.t.Helper()
	if theirs := o.theirs(alt, addr, len(want)); !bytes.Equal(theirs, want) {
		o.t.Errorf("dfu-util reads something else at %#x of alt %d than the board has", addr, alt)
	}
	if ours := o.ours(alt, addr, len(want)); !bytes.Equal(ours, want) {
		o.t.Errorf("we read something else at %#x of alt %d than the board has", addr, alt)
	}
}

// Unmodified dfu-util and our own host find the same board, read the same
// bytes, and read what the other has written.
func TestDFUUtil(t *testing.T) {
	t.Parallel()
	long(t)
	processors.take(t, 1)
	port := usbPorts.take(t, 1)[0]
	board := plugged(t, port, virtualduo.Config{Seed: 3, FactoryImage: true, WiFi: true, Timing: quickFlash})
	commission(t, board, 3)
	startDFU(board)
	awaitProduct(t, port, inDFU)
	o := secondOpinion{t, port, usb.New(quiet(t)), board}

	o.checkList()
	o.same(duo.AltDCT, 0, board.ApplicationDCT()[:duo.AreaSize])
	raw := board.Flash()[0x8000:0x10000]
	o.same(duo.AltInternal, 0x08008000, raw)

	key, other := virtualduo.GenerateKey(4), virtualduo.GenerateKey(5)
	o.theyWrite(duo.AltDCT, duo.PrivateKeyOffset, key.Reveal())
	o.same(duo.AltDCT, duo.PrivateKeyOffset, key.Reveal())
	o.weWrite(duo.AltDCT, duo.PrivateKeyOffset, other.Reveal())
	o.same(duo.AltDCT, duo.PrivateKeyOffset, other.Reveal())

	image := bytes.Repeat([]byte("a user's data. "), 400) // ends within a block
	o.theyWrite(duo.AltSerial, 0x1C0000, image)
	o.same(duo.AltSerial, 0x1C0000, image)
	o.weWrite(duo.AltInternal, 0x080C0000, image)
	o.same(duo.AltInternal, 0x080C0000, image)

	o.theyWrite(duo.AltDCT, duo.PrivateKeyOffset, key.Reveal(), "leave")
	awaitProduct(t, port, running)
	if board.FirmwareFingerprint() == "" {
		t.Error("the board does not understand its key")
	}
}

// checkList holds dfu-util's list against the board.
func (o secondOpinion) checkList() {
	o.t.Helper()
	said := o.dfuUtil("-l")
	for alt, name := range []string{
		"@Internal Flash   /0x08000000/02*016Ka,02*016Kg,01*064Kg,07*128Kg",
		"@DCT Flash   /0x00000000/01*016Kg",
		"@Serial Flash   /0x00000000/192*004Kg,128*004Kg,64*004Kg,128*004Kg",
	} {
		want := fmt.Sprintf("path=%q, alt=%d, name=%q, serial=\"%x\"", o.port, alt, name, o.board.UID())
		if !strings.Contains(said, want) {
			o.t.Errorf("dfu-util does not list %s, but\n%s", want, said)
		}
	}
}
