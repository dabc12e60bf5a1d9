package virtualduo

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"
)

func (h host) standard(requestType, request uint8, value, index uint16, length int) ([]byte, error) {
	data := make([]byte, length)
	n, err := h.usb.Control(h.t.Context(), requestType, request, value, index, data)
	return data[:n], err
}

func TestDescriptorsByteForByte(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		device := []byte{0x12, 0x01, 0x00, 0x02, 0, 0, 0, 0x40, 0x04, 0x2B, 0x58, 0xD0, 0x50, 0x02, 1, 2, 3, 1}
		configuration := []byte{
			0x09, 0x02, 0x2D, 0x00, 0x01, 0x01, 0x02, 0xC0, 0x32,
			0x09, 0x04, 0x00, 0x00, 0x00, 0xFE, 0x01, 0x02, 0x06,
			0x09, 0x04, 0x00, 0x01, 0x00, 0xFE, 0x01, 0x02, 0x07,
			0x09, 0x04, 0x00, 0x02, 0x00, 0xFE, 0x01, 0x02, 0x08,
			0x09, 0x21, 0x0B, 0xFF, 0x00, 0x00, 0x10, 0x1A, 0x01,
		}
		for _, c := range []struct {
			name   string
			value  uint16
			length int
			want   []byte
		}{
			{"device", 0x0100, 18, device},
			{"device asked for a packet", 0x0100, 64, device[:8]},
			{"configuration head", 0x0200, 9, configuration[:9]},
			{"configuration", 0x0200, 255, configuration},
			{"functional", 0x2100, 9, configuration[36:]},
			{"languages", 0x0300, 255, []byte{4, 3, 9, 4}},
			{"manufacturer", 0x0301, 255, []byte("\x10\x03R\x00e\x00d\x00B\x00e\x00a\x00r\x00")},
			{"string 4", 0x0304, 255, []byte("\x08\x03D\x00F\x00U\x00")},
			{"string EE", 0x03EE, 18, []byte("\x12\x03M\x00S\x00F\x00T\x001\x000\x000\x00\xEE\x00")},
		} {
			if got, err := h.standard(fromDevice, getDescriptor, c.value, 0, c.length); err != nil || !bytes.Equal(got, c.want) {
				t.Errorf("%s: % x, %v, want % x", c.name, got, err, c.want)
			}
		}
		for _, value := range []uint16{0x0600, 0x0700, 0x0309} {
			if _, err := h.standard(fromDevice, getDescriptor, value, 0, 10); !stalls(err) {
				t.Errorf("descriptor %#x: %v, want a stall", value, err)
			}
		}
		id, err := h.standard(vendorFromDevice, winUSBString, 0, 4, 40)
		if err != nil || len(id) != 40 || !bytes.Equal(id[18:24], []byte("WINUSB")) {
			t.Errorf("compatible id % x, %v", id, err)
		}
		guids, err := h.standard(vendorFromInterf, winUSBString, 0, 5, 255)
		if err != nil || int(binary.LittleEndian.Uint32(guids)) != len(guids) {
			t.Errorf("%d bytes of GUIDs, %v", len(guids), err)
		}
		status, err := h.standard(fromDevice, getStatus, 0, 0, 2)
		if err != nil || !bytes.Equal(status, []byte{1, 0}) {
			t.Errorf("device status % x, %v", status, err)
		}
	})
}

// The poll time follows the pointer before the command, and stays where that
// is not valid for the alternate setting.
func TestPollTimes(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		for i, step := range []struct {
			alt  uint8
			data []byte
			want uint32
		}{
			{altDCT, pointer(commandSetAddress, 34), 0}, // the pointer is still 0x08020000
			{altDCT, pointer(commandSetAddress, 34), 1},
			{altDCT, pointer(commandErase, 0), 500},
			{altInternal, pointer(commandSetAddress, 0x08020000), 500}, // 0 is no address of alt 0
			{altInternal, pointer(commandSetAddress, 0x08020000), 0},
			{altDCT, pointer(commandSetAddress, 0), 0},
			{altSerial, pointer(commandSetAddress, 0), 0},
		} {
			h.alt(step.alt)
			h.must(h.out(dfuDownload, 0, step.data))
			status, err := h.status()
			h.must(err)
			poll := uint32(status[1]) | uint32(status[2])<<8 | uint32(status[3])<<16
			if status[4] != stateDownloadBusy || poll != step.want {
				t.Errorf("step %d: state %d, poll %d, want %d", i, status[4], poll, step.want)
			}
			_, err = h.status()
			h.must(err)
		}
	})
}

func TestStatusBlocksForTheFlash(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		for _, c := range []struct {
			alt     uint8
			address uint32
			want    time.Duration
		}{
			{altInternal, 0x0800C000, 250 * time.Millisecond},
			{altInternal, 0x08010000, 550 * time.Millisecond},
			{altInternal, 0x080C0000, time.Second},
			{altSerial, 0x140000, 40 * time.Millisecond},
			{altDCT, 34, 0},
		} {
			begun := time.Now()
			h.erase(c.alt, c.address)
			if took := time.Since(begun); took != c.want {
				t.Errorf("erase at %#x took %v, want %v", c.address, took, c.want)
			}
		}
		begun := time.Now()
		h.must(h.write(altDCT, privateKeyOffset, make([]byte, 2560)))
		if took := time.Since(begun); took < 300*time.Millisecond || took > 500*time.Millisecond {
			t.Errorf("a DCT write took %v", took)
		}
	})
}

func TestFailuresStallTheStatusAndLeaveItOK(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		for name, fail := range map[string]func() error{
			"mass erase":              func() error { h.alt(altInternal); return h.run(0, []byte{commandErase}) },
			"read unprotect":          func() error { h.alt(altInternal); return h.run(0, []byte{0x92}) },
			"erase of the bootloader": func() error { h.alt(altInternal); return h.run(0, pointer(commandErase, 0x08004000)) },
			"write to the bootloader": func() error { return h.write(altInternal, 0x08007FFC, []byte{0, 0, 0, 0}) },
			"write outside of flash":  func() error { return h.write(altInternal, 0x08100000, []byte{0}) },
			"write over the end":      func() error { return h.write(altInternal, 0x080FFFFC, make([]byte, 8)) },
			"DCT write too far":       func() error { return h.write(altDCT, 8800, make([]byte, 37)) },
			"DCT pointer outside":     func() error { return h.write(altDCT, CopySize, []byte{0}) },
			"serial write too far":    func() error { return h.write(altSerial, serialSize-1, []byte{0, 0}) },
		} {
			before := b.Flash()
			if err := fail(); !stalls(err) {
				t.Errorf("%s: %v, want a stall", name, err)
			}
			if status, err := h.status(); err != nil || status[0] != 0 || status[4] != stateDownloadIdle {
				t.Errorf("%s: then % x, %v", name, status, err)
			}
			if !bytes.Equal(b.Flash(), before) {
				t.Errorf("%s changed the flash", name)
			}
		}
		if c := b.Counters(); c.HostWrites != 0 || c.HostErases != 0 {
			t.Errorf("counted: %+v", c)
		}
	})
}

func TestInternalFlashOnlyClearsBits(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		h.must(h.write(altInternal, userPartAt, []byte{0xF0, 0x0F, 0xAA}))
		if err := h.write(altInternal, userPartAt, []byte{0x0F, 0x0F, 0xAA}); !stalls(err) {
			t.Errorf("writing ones: %v, want a stall", err)
		}
		if got := h.read(altInternal, userPartAt, 5); !bytes.Equal(got, []byte{0x00, 0x0F, 0xAA, 0xFF, 0xFF}) {
			t.Errorf("read % x", got)
		}
		h.erase(altInternal, userPartAt+1000)
		h.must(h.write(altInternal, userPartAt, []byte{0x0F, 0x0F, 0xAA}))
	})
}

func TestSystemPartsAreWriteProtectedUntilErased(t *testing.T) {
	inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
		keyed(t, b)
		b.PowerOn()
		time.Sleep(time.Second) // the firmware protects its sectors
		h := dfuHost(t, b)
		if err := h.write(altInternal, systemPart1At+0x10000, []byte{0}); !stalls(err) {
			t.Errorf("write without erase: %v, want a stall", err)
		}
		h.erase(altInternal, systemPart1At)
		h.must(h.write(altInternal, systemPart1At+0x10000, []byte{0}))
	})
}

func TestSerialFlash(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		data := synthetic("serial", 1, 3000)
		h.writeAll(altSerial, 0x1000, data)
		if got := h.read(altSerial, 0x1000, len(data)); !bytes.Equal(got, data) {
			t.Error("read something else")
		}
		h.erase(altSerial, 0x1FFF)
		if got := h.read(altSerial, 0x1000, 16); !bytes.Equal(got, blankMemory(16)) {
			t.Errorf("after the erase % x", got)
		}
		if got := h.read(altSerial, 0, 5000); len(got) != transferSize {
			t.Errorf("a long read gave %d bytes", len(got))
		}
	})
}

func TestReadsGoOnOverTheEnd(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		flash := b.Flash()
		if got := h.read(altInternal, 0x08008000, 0x8000); !bytes.Equal(got, flash[0x8000:0x10000]) {
			t.Error("a long read of internal flash is wrong")
		}
		want := flash[0x8000+applicationOffset+8000:][:4000]
		if got := h.read(altDCT, 8000, 4000); !bytes.Equal(got, want) {
			t.Error("a DCT read does not run into the next sector")
		}
		if got := h.read(altInternal, 0x07000000, 10); !bytes.Equal(got, make([]byte, 10)) {
			t.Errorf("an invalid address reads % x, want zeros", got)
		}
	})
}

func TestBlocksCountInWholeTransferSizes(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		h.alt(altInternal)
		h.setAddress(0x08008000)
		h.must(h.out(dfuAbort, 0, nil))
		got, err := h.in(dfuUpload, 3, 16)
		if err != nil || !bytes.Equal(got, b.Flash()[0x9000:0x9010]) {
			t.Errorf("block 3: % x, %v", got, err)
		}
		commands, err := h.in(dfuUpload, 0, 64)
		h.must(err)
		if !bytes.Equal(commands, []byte{0x00, 0x21, 0x41}) {
			t.Errorf("commands % x", commands)
		}
	})
}

func TestUploadNeedsAnAbortAfterSetAddress(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		h.setAddress(0x08008000)
		if _, err := h.in(dfuUpload, 2, 16); !stalls(err) {
			t.Errorf("upload in dfuDNLOAD-IDLE: %v, want a stall", err)
		}
		h.stateIs(stateDownloadIdle)
		h.must(h.out(dfuAbort, 0, nil))
		if _, err := h.in(dfuUpload, 2, 16); err != nil {
			t.Error(err)
		}
		h.stateIs(stateUploadIdle)
	})
}

func TestDetachReturnsInDFU(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		before, _ := b.Attached()
		_ = h.out(dfuDetach, 0, nil) // the answer races with the departure
		time.Sleep(10 * time.Millisecond)
		after, ok := b.Attached()
		if !ok || after.Product != productDFU || after.Number != before.Number+1 {
			t.Errorf("after detach %+v", after)
		}
		if _, err := h.status(); !isGone(err) {
			t.Errorf("the old handle: %v", err)
		}
	})
}

func TestWriteIntoTheVersionBlockDestroysTheBoard(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		h.must(h.write(altDCT, 8816, make([]byte, 4)))
		h.alt(altDCT)
		h.setAddress(8816)
		h.must(h.out(dfuDownload, firstDataBlock, make([]byte, 5)))
		if _, err := h.status(); !isGone(err) {
			t.Errorf("status: %v, want gone", err)
		}
		b.PowerOff()
		gesture(b, 3400*time.Millisecond)
		if _, attached := b.Attached(); attached || b.Counters().Bricked != 1 {
			t.Errorf("attached %v, %+v", attached, b.Counters())
		}
	})
}

func TestFirstBlockOfAProgramChangesTheWicedFlag(t *testing.T) {
	program := binary.LittleEndian.AppendUint32(nil, 0x20010000)
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		keyed(t, b)
		h := dfuHost(t, b)
		h.writeAll(altInternal, wicedApplicationAt, program)
		if flag := b.ApplicationDCT()[extraFlagsAt:]; binary.LittleEndian.Uint16(flag) != wicedApplicationYes {
			t.Fatalf("flag % x", flag[:2])
		}
		b.PowerOff()
		b.PowerOn()
		time.Sleep(5 * time.Second)
		if _, attached := b.Attached(); attached {
			t.Error("the WICED program came up as a Duo")
		}
		b.PowerOff()
		gesture(b, 50*time.Millisecond)
		if attached, _ := b.Attached(); attached.Product != productDFU {
			t.Errorf("SETUP at reset: product %x, want DFU at once", attached.Product)
		}
	})
}

func TestOversizedDownloadCrashesTheBootloader(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		h := dfuHost(t, b)
		if err := h.out(dfuDownload, 2, make([]byte, transferSize+1)); !isGone(err) {
			t.Errorf("error %v, want gone", err)
		}
	})
}

// What the profile of an older bootloader changes.
func TestBootloaderWithItsOwnEngineAndStaleReads(t *testing.T) {
	older := BootloaderR6()
	older.EngineInParts, older.StaleReads = false, true
	inBubble(t, Config{Bootloader: older}, func(t *testing.T, b *Board) {
		key := keyed(t, b)
		h := dfuHost(t, b)
		h.erase(altInternal, systemPart2At)
		if got := h.read(altDCT, privateKeyOffset, len(key)); !bytes.Equal(got, key) {
			t.Error("the DCT needs part 2")
		}
		if got := h.read(altDCT, CopySize, 5); !bytes.Equal(got, pointer(commandSetAddress, CopySize)) {
			t.Errorf("a failed read shows % x, want what was sent before", got)
		}
	})
}
