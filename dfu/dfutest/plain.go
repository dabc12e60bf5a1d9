package dfutest

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"duogateway/dfu"
)

// Memory is one alternate setting of a [Plain] device. It begins at Base and
// is as long as Bytes, which its layout string must agree with.
type Memory struct {
	Base   uint32
	Bytes  []byte
	Sector int  // bytes of its equal sectors
	Flash  bool // programming only clears bits and erasing sets them
}

// Durations of a Plain device.
const (
	plainErase = 250 * time.Millisecond
	plainLeave = 500 * time.Millisecond
)

// Plain is a small DfuSe device in memory. It has the habits of bootloaders
// that the host must bear: a GETSTATUS runs and outlasts the operation, a
// failed one stalls it while the status stays OK, CLRSTATUS without an error
// makes one, and UPLOAD of block 1 leads to a state that DFU does not know.
type Plain struct {
	Descriptors
	Memories []*Memory // by alternate setting

	mu      sync.Mutex
	plugged chan struct{} // closed at unplugging
	state   dfu.State
	status  uint8
	alt     uint8
	pointer uint32
	block   uint16
	pending []byte
}

// NewPlain returns a plugged device with a flash in two regions as alternate
// setting 0 and a memory that needs no erasing as 1.
func NewPlain() *Plain {
	p := &Plain{
		Descriptors: Descriptors{
			Vendor: 0x1209, Product: 0x0001, Device: 0x0100,
			Strings:      [3]string{"Test", "Plain DFU", "0001"},
			TransferSize: 1024,
			Layouts: []string{
				"@Flash  /0x08000000/01*002Ka,05*002Kg,02*002Kg",
				"@Record /0x00000000/01*004Kg",
			},
		},
		Memories: []*Memory{
			{Base: 0x08000000, Bytes: make([]byte, 16<<10), Sector: 2 << 10, Flash: true},
			{Bytes: make([]byte, 4<<10), Sector: 4 << 10},
		},
	}
	p.Plug()
	return p
}

// Plug puts the device on the bus, in dfuIDLE.
func (p *Plain) Plug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plugged = make(chan struct{})
	p.state, p.status, p.alt, p.pointer, p.pending = dfu.StateIdle, 0, 0, 0, nil
}

// Unplug takes it off the bus. It may be called during a transfer.
func (p *Plain) Unplug() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.plugged:
	default:
		close(p.plugged)
	}
}

// Open returns a handle that lasts until the device is unplugged.
func (p *Plain) Open() (dfu.Transport, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.plugged:
		return nil, Gone
	default:
		return &plainHandle{device: p, plugged: p.plugged}, nil
	}
}

type plainHandle struct {
	device  *Plain
	plugged chan struct{}
}

func (h *plainHandle) Close() error { return nil }

func (h *plainHandle) SelectAlt(ctx context.Context, alt uint8) error {
	if err := h.wait(ctx, 0); err != nil {
		return err
	}
	h.device.mu.Lock()
	defer h.device.mu.Unlock()
	if int(alt) >= len(h.device.Memories) {
		return Stall
	}
	h.device.alt = alt
	return nil
}

func (h *plainHandle) Control(ctx context.Context, requestType, request uint8, value, _ uint16, data []byte) (int, error) {
	if err := h.wait(ctx, 0); err != nil {
		return 0, err
	}
	n, busy, err := h.device.request(requestType, request, value, data)
	if wait := h.wait(ctx, busy); wait != nil {
		return 0, wait
	}
	return n, err
}

// wait lets time pass, unless the device is unplugged or ctx ends.
func (h *plainHandle) wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-h.plugged:
		return Gone
	default:
	}
	select {
	case <-h.plugged:
		return Gone
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return ctx.Err()
	}
}

// request serves one control transfer and says how long it takes.
func (p *Plain) request(requestType, request uint8, value uint16, data []byte) (int, time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if requestType&0x60 == 0 {
		n, err := p.Answer(requestType, request, value, data)
		return n, 0, err
	}
	switch request {
	case dfu.RequestDnload:
		n, err := p.dnload(value, data)
		return n, 0, err
	case dfu.RequestUpload:
		n, err := p.upload(value, data)
		return n, 0, err
	case dfu.RequestGetStatus:
		return p.getStatus(data)
	case dfu.RequestClrStatus:
		if p.state == dfu.StateError {
			p.state, p.status = dfu.StateIdle, 0
		} else {
			p.state, p.status = dfu.StateError, 0x0E
		}
		return 0, 0, nil
	case dfu.RequestGetState:
		return copy(data, []byte{uint8(p.state)}), 0, nil
	case dfu.RequestAbort:
		if p.state < dfu.StateError && p.state != dfu.StateManifestWaitReset {
			p.state, p.pending = dfu.StateIdle, nil
		}
		return 0, 0, nil
	}
	return 0, 0, Stall
}

func (p *Plain) dnload(block uint16, data []byte) (int, error) {
	if p.state != dfu.StateIdle && p.state != dfu.StateDnloadIdle {
		return 0, Stall
	}
	if len(data) == 0 {
		p.state = dfu.StateManifestSync
		return 0, nil
	}
	p.state, p.block, p.pending = dfu.StateDnloadSync, block, append([]byte(nil), data...)
	return len(data), nil
}

func (p *Plain) upload(block uint16, data []byte) (int, error) {
	if p.state != dfu.StateIdle && p.state != dfu.StateUploadIdle {
		p.pending = nil
		return 0, Stall
	}
	switch block {
	case 0:
		p.state = dfu.StateIdle
		return copy(data, []byte{0x00, 0x21, 0x41}), nil
	case 1:
		p.state = 0x0F
		return 0, Stall
	}
	p.state = dfu.StateUploadIdle
	clear(data)
	if memory, at := p.place(p.address(block)); memory != nil {
		copy(data, memory.Bytes[at:])
	}
	return len(data), nil
}

func (p *Plain) getStatus(data []byte) (int, time.Duration, error) {
	reply := []byte{p.status, 0, 0, 0, 0, 0}
	var busy time.Duration
	var err error
	switch p.state {
	case dfu.StateDnloadSync:
		p.state = dfu.StateDnloadIdle
		if p.pending != nil {
			busy, err = p.operate()
			p.state, p.pending = dfu.StateDnloadSync, nil
			reply[4] = uint8(dfu.StateDnbusy)
		} else {
			reply[4] = uint8(p.state)
		}
	case dfu.StateManifestSync:
		reply[4] = uint8(dfu.StateDnloadIdle)
		p.state = dfu.StateManifestWaitReset
		plugged := p.plugged
		time.AfterFunc(plainLeave, func() { p.leave(plugged) })
	default:
		reply[4] = uint8(p.state)
	}
	if err != nil {
		return 0, busy, err
	}
	return copy(data, reply), busy, nil
}

// leave unplugs the device if it is still plugged as it was.
func (p *Plain) leave(plugged chan struct{}) {
	p.mu.Lock()
	same := p.plugged == plugged
	p.mu.Unlock()
	if same {
		p.Unplug()
	}
}

// operate carries out the pending block.
func (p *Plain) operate() (time.Duration, error) {
	if p.block == 0 {
		return p.command()
	}
	if p.block == 1 {
		return 0, nil
	}
	memory, at := p.place(p.address(p.block))
	if memory == nil || at+len(p.pending) > len(memory.Bytes) {
		return 0, Stall
	}
	return 0, memory.write(at, p.pending)
}

func (p *Plain) command() (time.Duration, error) {
	if len(p.pending) != 5 || p.pending[0] != 0x21 && p.pending[0] != 0x41 {
		return 0, Stall
	}
	p.pointer = binary.LittleEndian.Uint32(p.pending[1:])
	if p.pending[0] == 0x21 {
		return 0, nil
	}
	memory, at := p.place(p.pointer)
	if memory == nil {
		return 0, Stall
	}
	if memory.Flash {
		memory.erase(at)
	}
	return plainErase, nil
}

func (p *Plain) address(block uint16) uint32 {
	return p.pointer + uint32(block-2)*uint32(p.TransferSize)
}

// place finds an address in the memory of the current alternate setting.
func (p *Plain) place(addr uint32) (*Memory, int) {
	memory := p.Memories[p.alt]
	if addr < memory.Base || addr-memory.Base >= uint32(len(memory.Bytes)) {
		return nil, 0
	}
	return memory, int(addr - memory.Base)
}

func (m *Memory) erase(at int) {
	start := at - at%m.Sector
	for i := range m.Bytes[start : start+m.Sector] {
		m.Bytes[start+i] = 0xFF
	}
}

// write programs data and stalls if flash did not take it.
func (m *Memory) write(at int, data []byte) error {
	if !m.Flash {
		copy(m.Bytes[at:], data)
		return nil
	}
	taken := true
	for i, b := range data {
		m.Bytes[at+i] &= b
		taken = taken && m.Bytes[at+i] == b
	}
	if !taken {
		return Stall
	}
	return nil
}
