package dfu

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"
)

// The class requests of DFU 1.1, section 3.
const (
	RequestDnload    uint8 = 1
	RequestUpload    uint8 = 2
	RequestGetStatus uint8 = 3
	RequestClrStatus uint8 = 4
	RequestGetState  uint8 = 5
	RequestAbort     uint8 = 6
)

// bmRequestType of the class requests, which go to interface 0.
const (
	classOut uint8 = 0x21
	classIn  uint8 = 0xA1
)

// State is bState of DFU 1.1, section 6.1.2. A device may send values that
// are not named here.
type State uint8

// The states of a device in DFU mode.
const (
	StateIdle              State = 2
	StateDnloadSync        State = 3
	StateDnbusy            State = 4
	StateDnloadIdle        State = 5
	StateManifestSync      State = 6
	StateManifest          State = 7
	StateManifestWaitReset State = 8
	StateUploadIdle        State = 9
	StateError             State = 10
)

// String returns the name of DFU 1.1.
func (s State) String() string {
	switch s {
	case StateIdle:
		return "dfuIDLE"
	case StateDnloadSync:
		return "dfuDNLOAD-SYNC"
	case StateDnbusy:
		return "dfuDNBUSY"
	case StateDnloadIdle:
		return "dfuDNLOAD-IDLE"
	case StateManifestSync:
		return "dfuMANIFEST-SYNC"
	case StateManifest:
		return "dfuMANIFEST"
	case StateManifestWaitReset:
		return "dfuMANIFEST-WAIT-RESET"
	case StateUploadIdle:
		return "dfuUPLOAD-IDLE"
	case StateError:
		return "dfuERROR"
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Bounds of waiting. Erasing the largest sector of the slowest part we know
// takes 2 s (STM32F205 datasheet, table 38), so these are generous.
const (
	maxPoll = 10 * time.Second // the longest poll time a device may ask for
	maxBusy = 60 * time.Second // from a DNLOAD until the device has done it
	minPoll = time.Millisecond // between two looks at a device that is still busy
)

// status is the reply to GETSTATUS.
type status struct {
	code  uint8
	poll  time.Duration
	state State
}

// failure returns the error that the device reports, nil if none.
func (s status) failure() error {
	if s.code != 0 || s.state == StateError {
		return &StatusError{Status: s.code, State: s.state}
	}
	return nil
}

// control makes one transfer with the time limit of the device.
func (d *Device) control(ctx context.Context, requestType, request uint8, value, index uint16, data []byte) (int, error) {
	transfer, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	n, err := d.bus.Control(transfer, requestType, request, value, index, data)
	if err != nil {
		return 0, classify(ctx, transfer, err)
	}
	if n < 0 || n > len(data) {
		return 0, fmt.Errorf("%w: %d bytes moved of %d", ErrProtocol, n, len(data))
	}
	return n, nil
}

// exactly is control for a request whose length is fixed.
func (d *Device) exactly(ctx context.Context, requestType, request uint8, value uint16, data []byte) error {
	n, err := d.control(ctx, requestType, request, value, 0, data)
	if err == nil && n != len(data) {
		err = fmt.Errorf("%w: %d bytes moved of %d", ErrProtocol, n, len(data))
	}
	return err
}

func (d *Device) dnload(ctx context.Context, block uint16, data []byte) error {
	if err := d.exactly(ctx, classOut, RequestDnload, block, data); err != nil {
		return fmt.Errorf("DNLOAD block %d: %w", block, err)
	}
	return nil
}

func (d *Device) upload(ctx context.Context, block uint16, data []byte) error {
	if err := d.exactly(ctx, classIn, RequestUpload, block, data); err != nil {
		return fmt.Errorf("UPLOAD block %d: %w", block, err)
	}
	return nil
}

func (d *Device) abort(ctx context.Context) error {
	if err := d.exactly(ctx, classOut, RequestAbort, 0, nil); err != nil {
		return fmt.Errorf("ABORT: %w", err)
	}
	return nil
}

func (d *Device) clrStatus(ctx context.Context) error {
	if err := d.exactly(ctx, classOut, RequestClrStatus, 0, nil); err != nil {
		return fmt.Errorf("CLRSTATUS: %w", err)
	}
	return nil
}

// getState asks for the state. Unlike GETSTATUS it sets nothing going.
func (d *Device) getState(ctx context.Context) (State, error) {
	var reply [1]byte
	if err := d.exactly(ctx, classIn, RequestGetState, 0, reply[:]); err != nil {
		return 0, fmt.Errorf("GETSTATE: %w", err)
	}
	return State(reply[0]), nil
}

// getStatus asks for the status. In dfuDNLOAD-SYNC this is what makes the
// device do the work, so it may block for as long as an erase takes.
func (d *Device) getStatus(ctx context.Context) (status, error) {
	var reply [6]byte
	if err := d.exactly(ctx, classIn, RequestGetStatus, 0, reply[:]); err != nil {
		return status{}, fmt.Errorf("GETSTATUS: %w", err)
	}
	millis := uint32(reply[1]) | uint32(reply[2])<<8 | uint32(reply[3])<<16
	s := status{code: reply[0], poll: time.Duration(millis) * time.Millisecond, state: State(reply[4])}
	if s.poll > maxPoll {
		return status{}, fmt.Errorf("GETSTATUS: %w: poll time of %v", ErrProtocol, s.poll)
	}
	return s, nil
}

// settle waits until the device has done what the last DNLOAD asked for. The
// first GETSTATUS lasts until then where a device asks for no poll time, so the
// second one comes at once.
func (d *Device) settle(ctx context.Context) error {
	deadline := time.Now().Add(maxBusy)
	for least := time.Duration(0); ; least = minPoll {
		s, err := d.getStatus(ctx)
		if err != nil {
			return err
		}
		if err := s.failure(); err != nil {
			return err
		}
		switch s.state {
		case StateDnloadIdle:
			return nil
		case StateDnloadSync, StateDnbusy:
		default:
			return fmt.Errorf("%w: %v after a DNLOAD", ErrProtocol, s.state)
		}
		if !time.Now().Before(deadline) {
			return fmt.Errorf("%w: still %v after %v", ErrTimeout, s.state, maxBusy)
		}
		if err := sleep(ctx, max(s.poll, least)); err != nil {
			return err
		}
	}
}

// The DfuSe commands (ST UM0424, section 3.2), sent as block 0.
const (
	commandSetAddress = 0x21
	commandErase      = 0x41
)

// command sends a DfuSe command with an address and waits for its end.
func (d *Device) command(ctx context.Context, code byte, addr uint32) error {
	frame := binary.LittleEndian.AppendUint32([]byte{code}, addr)
	err := d.dnload(ctx, 0, frame)
	if err == nil {
		err = d.settle(ctx)
	}
	if err != nil {
		return fmt.Errorf("command 0x%02x at 0x%08x: %w", code, addr, err)
	}
	return nil
}

// sleep waits for a time, which may be none, or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
