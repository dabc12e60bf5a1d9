package dfutest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"duogateway/dfu"
)

// Transfer is one recorded control transfer. Its bytes are not kept but for
// the reply to a GETSTATUS.
type Transfer struct {
	RequestType, Request uint8
	Value, Index         uint16
	Length               int           // wLength
	Allowed              time.Duration // until the deadline at its start; 0 if it had none
	Status               [6]byte       // the reply, if it was a GETSTATUS that succeeded
	Err                  error
}

// class tells if the transfer is a DFU request and which.
func (t Transfer) class(request uint8) bool {
	return t.RequestType&0x60 == 0x20 && t.Request == request
}

// Recorder is a transport that keeps what went over another one.
type Recorder struct {
	Bus       dfu.Transport
	Transfers []Transfer
	Selected  []uint8 // alternate settings, in order
	Closed    int     // how often it was closed
}

// Control passes the transfer on and records it.
func (r *Recorder) Control(ctx context.Context, requestType, request uint8, value, index uint16, data []byte) (int, error) {
	transfer := Transfer{RequestType: requestType, Request: request, Value: value, Index: index, Length: len(data)}
	if deadline, set := ctx.Deadline(); set {
		transfer.Allowed = time.Until(deadline)
	}
	n, err := r.Bus.Control(ctx, requestType, request, value, index, data)
	transfer.Err = err
	if err == nil && transfer.class(dfu.RequestGetStatus) {
		copy(transfer.Status[:], data[:n])
	}
	r.Transfers = append(r.Transfers, transfer)
	return n, err
}

// SelectAlt passes the request on and records it.
func (r *Recorder) SelectAlt(ctx context.Context, alt uint8) error {
	r.Selected = append(r.Selected, alt)
	return r.Bus.SelectAlt(ctx, alt)
}

// Close passes the request on and counts it.
func (r *Recorder) Close() error {
	r.Closed++
	return r.Bus.Close()
}

// Downloads returns how many DNLOAD transfers of a block number were made.
func (r *Recorder) Downloads(block uint16) int {
	count := 0
	for _, transfer := range r.Transfers {
		if transfer.class(dfu.RequestDnload) && transfer.Value == block {
			count++
		}
	}
	return count
}

// CheckRules fails the test if what was recorded breaks a rule that a host
// must keep.
func (r *Recorder) CheckRules(t testing.TB, transferSize int) {
	t.Helper()
	host := host{transferSize: transferSize}
	for i, transfer := range r.Transfers {
		if err := host.judge(transfer); err != nil {
			t.Errorf("transfer %d (type 0x%02x request %d value %d length %d): %v", i,
				transfer.RequestType, transfer.Request, transfer.Value, transfer.Length, err)
		}
	}
}

// host is what the rules need to know of the transfers so far.
type host struct {
	transferSize int
	asked        bool // GETSTATE was sent: what another host left pending is known
	inError      bool // the last transfer was a GETSTATUS that told of an error
	unsettled    bool // a DNLOAD was not yet followed by a GETSTATUS
	mustAbort    bool // no UPLOAD before an ABORT
}

// judge takes in one transfer and says which rule it breaks.
func (h *host) judge(t Transfer) error {
	err := h.verdict(t)
	h.inError = t.class(dfu.RequestGetStatus) && t.Err == nil && dfu.State(t.Status[4]) >= dfu.StateError
	switch {
	case t.class(dfu.RequestGetState):
		h.asked = true
	case t.class(dfu.RequestDnload):
		h.unsettled, h.mustAbort = t.Err == nil, true
	case t.class(dfu.RequestGetStatus):
		h.unsettled = false
	case t.class(dfu.RequestAbort):
		h.unsettled, h.mustAbort = false, false
	}
	return err
}

func (h *host) verdict(t Transfer) error {
	block := t.class(dfu.RequestDnload) || t.class(dfu.RequestUpload)
	switch {
	case t.Allowed != 0 && t.Allowed < dfu.MinTimeout:
		return fmt.Errorf("may take only %v: an erase can take longer", t.Allowed)
	case t.RequestType&0x60 == 0x20 && t.Index != 0:
		return errors.New("a class request that is not for interface 0")
	case t.class(dfu.RequestGetStatus) && !h.asked:
		return errors.New("GETSTATUS before GETSTATE may do what another host left pending")
	case block && t.Value == 1:
		return errors.New("block 1 is used")
	case block && t.Length > h.transferSize:
		return errors.New("longer than wTransferSize")
	case t.class(dfu.RequestDnload) && t.Value == 0 && t.Length != 5:
		return errors.New("not a SET_ADDRESS or an erase of a sector")
	case t.class(dfu.RequestDnload) && h.unsettled:
		return errors.New("DNLOAD without GETSTATUS after the one before")
	case t.class(dfu.RequestUpload) && h.mustAbort:
		return errors.New("UPLOAD after DNLOAD without ABORT")
	case t.class(dfu.RequestUpload) && t.Length == 0:
		return errors.New("UPLOAD of nothing")
	case t.class(dfu.RequestClrStatus) && !h.inError:
		return errors.New("CLRSTATUS without a GETSTATUS that told of an error")
	}
	return nil
}
