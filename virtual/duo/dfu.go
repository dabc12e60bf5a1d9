package virtualduo

import (
	"encoding/binary"
	"time"
)

// The DFU engine of the bootloader, quirks and all (redbear/firmware
// platform/MCU/STM32F2xx/STM32_USB_Device_Driver/src/usbd_dfu_core.c).

// dfuRequest numbers.
const (
	dfuDetach = iota
	dfuDownload
	dfuUpload
	dfuGetStatus
	dfuClearStatus
	dfuGetState
	dfuAbort
)

// DFU states (usbd_dfu_core.h:68-76). stateLost is what an upload of block 1
// leaves behind.
const (
	stateIdle          = 2
	stateDownloadSync  = 3
	stateDownloadBusy  = 4
	stateDownloadIdle  = 5
	stateManifestSync  = 6
	stateManifest      = 7
	stateManifestReset = 8
	stateUploadIdle    = 9
	stateError         = 10
	stateLost          = 0x0F
)

const (
	transferSize       = 4096
	initialPointer     = 0x08020000
	statusUnknown      = 0x0E
	commandSetAddress  = 0x21
	commandErase       = 0x41
	leaveDelay         = 500 * time.Millisecond
	detachGap          = 3 * time.Millisecond
	firstDataBlock     = 2
	uploadCommandsSize = 3
)

// dfuState are the engine's registers.
type dfuState struct {
	state, status byte
	poll          uint32 // milliseconds, 24 bits
	pointer       uint32 // for all alternate settings together
	alt           uint8
	block         uint16
	buffer        []byte             // what the last download brought; nil once executed
	stale         [transferSize]byte // what the transfer buffer still holds
	// initTransfer is set by reading the configuration descriptor.
	initTransfer bool
}

// answer is how the board answers a control transfer.
type answer struct {
	data  []byte
	stall bool
	// wait is flash work that the transfer's end has to wait for.
	wait *work
	// again: nothing has happened yet, ask again after wait.
	again bool
}

var stalled = answer{stall: true}

func (b *Board) enterDFU() {
	b.mode = modeDFU
	b.dfu = dfuState{state: stateIdle, pointer: initialPointer}
	b.shine(lightDFU)
	b.tell(Event{What: Booted, Detail: "dfu"})
	b.joinBus()
}

func (b *Board) dfuRequest(s setup, data []byte) answer {
	switch s.request {
	case dfuDetach:
		return b.detach()
	case dfuDownload:
		return b.download(s.value, data)
	case dfuUpload:
		return b.upload(s.value, int(s.length))
	case dfuGetStatus:
		if b.strikes(b.faults.StallStatus, "stalled GETSTATUS") {
			return stalled
		}
		return b.getStatus()
	case dfuClearStatus:
		return b.clearStatus()
	case dfuGetState:
		return answer{data: []byte{b.dfu.state}}
	case dfuAbort:
		return b.abort()
	default:
		return stalled
	}
}

func (b *Board) interruptible() bool {
	switch b.dfu.state {
	case stateIdle, stateDownloadSync, stateDownloadIdle, stateManifestSync, stateUploadIdle:
		return true
	}
	return false
}

// detach leaves the bus for a moment and stays in DFU (:717-742).
func (b *Board) detach() answer {
	if b.interruptible() {
		b.dfu.state, b.dfu.block, b.dfu.buffer = stateIdle, 0, nil
	}
	b.after(0, func() {
		b.leaveBus()
		b.after(detachGap, func() {
			b.joinBus()
		})
	})
	return answer{}
}

// download takes a block; more than the buffer holds would overwrite the
// bootloader's memory, which is taken to crash it (:751-793).
func (b *Board) download(block uint16, data []byte) answer {
	d := &b.dfu
	switch {
	case d.state != stateIdle && d.state != stateDownloadIdle:
		return stalled
	case len(data) == 0:
		d.state = stateManifestSync
	case len(data) > transferSize:
		b.endSession()
		b.hang("hung")
	default:
		d.block, d.buffer, d.state = block, append([]byte(nil), data...), stateDownloadSync
		copy(d.stale[:], data)
	}
	return answer{}
}

// upload reads memory. Block 1 is an error that loses the state (:818-866).
func (b *Board) upload(block uint16, length int) answer {
	d := &b.dfu
	switch {
	case length == 0:
		d.state = stateIdle
		return answer{}
	case d.state != stateIdle && d.state != stateUploadIdle:
		d.block, d.buffer = 0, nil
		return stalled
	case block == 0:
		d.state = stateUploadIdle
		if length > uploadCommandsSize {
			d.state = stateIdle
		}
		commands := []byte{0x00, commandSetAddress, commandErase}
		copy(d.stale[:], commands)
		return answer{data: commands}
	case block < firstDataBlock:
		d.state = stateLost
		return stalled
	}
	if operations := b.defaultForRead(); len(operations) > 0 {
		return answer{wait: b.startWork(operations, nil), again: true}
	}
	d.state = stateUploadIdle
	read := b.readMemory(d.alt, d.address(block), length)
	if b.strikes(b.faults.ZeroReads, "zeros for a read") {
		read = make([]byte, len(read))
	}
	return answer{data: read}
}

// address of a data block: blocks count in whole transfer sizes, however long
// they are (:656, :839).
func (d *dfuState) address(block uint16) uint32 {
	return d.pointer + uint32(block-firstDataBlock)*transferSize
}

// getStatus answers and then runs what a download has brought. Its own status
// stage waits for that, and fails if the operation fails (:599-693, :903-915).
func (b *Board) getStatus() answer {
	d := &b.dfu
	report, execute := d.state, false
	switch d.state {
	case stateDownloadSync:
		report = stateDownloadIdle
		execute = d.buffer != nil
		if execute {
			report = stateDownloadBusy
			b.refreshPoll()
		}
		d.state = report
	case stateManifestSync:
		d.state, report = stateManifestReset, stateDownloadIdle
		b.after(leaveDelay, b.leave)
	}
	reply := answer{data: []byte{
		d.status, byte(d.poll), byte(d.poll >> 8), byte(d.poll >> 16), report, 0,
	}}
	if execute {
		b.execute(&reply)
	}
	return reply
}

// refreshPoll sets the poll time, but only while the pointer, as it was before
// the command, is valid for the alternate setting (usbd_dfu_mal.c:284-308).
func (b *Board) refreshPoll() {
	d := &b.dfu
	if !validAddress(d.alt, d.pointer) {
		return
	}
	poll := b.loader.Poll[d.alt].Write
	if d.block == 0 && d.buffer[0] == commandErase {
		poll = b.loader.Poll[d.alt].Erase
	}
	d.poll = uint32(poll / time.Millisecond)
}

// execute runs the pending command or block. Whatever comes of it, the state
// is dfuDNLOAD-SYNC with nothing pending, and the status stays OK.
func (b *Board) execute(reply *answer) {
	d := &b.dfu
	block, data := d.block, d.buffer
	d.state, d.block, d.buffer = stateDownloadSync, 0, nil
	switch {
	case block == 0:
		b.command(data, reply)
	case block >= firstDataBlock:
		b.writeBlock(d.address(block), data, reply)
	}
}

// command is a download of block 0 (:616-649).
func (b *Board) command(data []byte, reply *answer) {
	switch {
	case len(data) == 1 && data[0] == 0:
	case len(data) == 5 && data[0] == commandSetAddress:
		b.dfu.pointer = binary.LittleEndian.Uint32(data[1:])
	case len(data) == 5 && data[0] == commandErase:
		b.dfu.pointer = binary.LittleEndian.Uint32(data[1:])
		b.eraseMemory(b.dfu.alt, b.dfu.pointer, reply)
	default:
		reply.stall = true
	}
}

// leave resets the board; the flags make the firmware reset once more
// (platform/MCU/STM32F2xx/SPARK_Firmware_Driver/src/hw_config.c:1004-1018).
// Bootloaders that keep them in the DCT write it for that.
func (b *Board) leave() {
	if !b.loader.FlagsInDCT {
		b.registers.watchdog = watchdogSecond
		b.systemReset()
		return
	}
	s := b.loaderStore()
	flags := b.readStore(s, systemFlagsAt, systemFlagsSize)
	binary.LittleEndian.PutUint16(flags[watchdogFlagAt:], watchdogSecond)
	binary.LittleEndian.PutUint16(flags[otaUpdateFlagAt:], otaUpdateDone)
	operations, _ := b.planStore(s, systemFlagsAt, flags) // the place is always inside
	b.startWork(operations, b.systemReset)
}

// clearStatus clears an error, and makes one where there was none (:947-961).
func (b *Board) clearStatus() answer {
	d := &b.dfu
	if d.state == stateError {
		d.state, d.status = stateIdle, 0
	} else {
		d.state, d.status = stateError, statusUnknown
	}
	return answer{}
}

func (b *Board) abort() answer {
	d := &b.dfu
	if b.interruptible() {
		d.state, d.status, d.block, d.buffer = stateIdle, 0, 0, nil
	}
	return answer{}
}
