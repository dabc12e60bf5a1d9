//go:build hardware

package hardware_test

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"duogateway/dfu"
	"duogateway/dfu/dfutest"
	"duogateway/duo"
	"duogateway/serial"
)

// The gesture brings the board into DFU mode, and leaving brings it back: how
// long RESET to USB takes is in no data sheet.
func TestGesture(t *testing.T) {
	b := openBay(t)
	device := b.open(b.enterDFU())
	if err := device.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := device.Close(); err != nil {
		t.Error(err)
	}
	_, took := b.await(duo.ProductRun, time.Minute)
	t.Logf("the firmware was on the bus %v after the host said leave", took.Round(lookTime))
}

// RESET alone starts the firmware again.
func TestReset(t *testing.T) {
	b := openBay(t)
	before, _ := b.await(duo.ProductRun, time.Minute)
	if err := b.runner.Reset(t.Context(), b.config.Lines()); err != nil {
		t.Fatal(err)
	}
	after, took := b.await(duo.ProductRun, time.Minute)
	t.Logf("the firmware was on the bus %v after RESET", took.Round(lookTime))
	if after.Number == before.Number {
		t.Error("the board has not left the bus: is RESET wired?")
	}
}

// The firmware enters DFU mode when its serial port is set to 14400 baud.
func TestFirmwareEntersDFU(t *testing.T) {
	b := openBay(t)
	running, _ := b.await(duo.ProductRun, time.Minute)
	if err := serial.New(serial.Config{}).EnterDFU(t.Context(), running.Port); err != nil {
		t.Fatal(err)
	}
	attached, took := b.await(duo.ProductDFU, 10*time.Second)
	t.Logf("in DFU mode %v after the request", took.Round(lookTime))
	device := b.open(attached)
	if err := errors.Join(device.Leave(t.Context()), device.Close()); err != nil {
		t.Error(err)
	}
	b.await(duo.ProductRun, time.Minute)
}

// Both copies of the DCT are read as the maker's engine wrote them: the rules
// of our reader rest on its code, and on no dump of a real board.
func TestDCT(t *testing.T) {
	b := openBay(t)
	device := b.open(b.enterDFU())
	header, err := device.Read(t.Context(), duo.AltInternal, duo.VersionAddrBootloader, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	generation, err := duo.ParseGeneration(binary.LittleEndian.Uint16(header))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := device.ReadFresh(t.Context(), duo.AltInternal, duo.RawStart, duo.RawSize, nil)
	if err != nil {
		t.Fatal(err)
	}
	sectors, err := duo.ParseRaw(raw, generation)
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range []duo.Engine{duo.EngineOld, duo.EngineNew} {
		index, sound := sectors.Current(engine)
		t.Logf("bootloader %v, %v engine: current copy %d, sound %v", generation, engine, index+1, sound)
	}
	if err := errors.Join(device.Leave(t.Context()), device.Close()); err != nil {
		t.Error(err)
	}
	b.await(duo.ProductRun, time.Minute)
}

// The board and this host controller pass the suite that the virtual board
// passes: among other things it shows whether a stalled status stage is told
// as a stall.
func TestConformance(t *testing.T) {
	if !*eraseProgram {
		t.Skip("costs the board its program: run it with ERASE_PROGRAM=yes")
	}
	b := openBay(t)
	attached := b.enterDFU()
	dfutest.Suite(t, func(t *testing.T) dfutest.Fixture {
		return dfutest.Fixture{
			Open: func() (dfu.Transport, error) { return b.bus.Open(context.WithoutCancel(t.Context()), attached) },
			Flash: []dfutest.Area{
				{Alt: duo.AltInternal, Addr: 0x080C0000, Length: 256 << 10},
				{Alt: duo.AltSerial, Addr: 0, Length: 16 << 10},
			},
			Record: []dfutest.Area{{Alt: duo.AltDCT, Addr: 34, Length: 2560}},
		}
	})
}
