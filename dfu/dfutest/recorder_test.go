package dfutest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"duogateway/dfu"
	"duogateway/dfu/dfutest"
)

// verdicts is a test that only counts what it is told.
type verdicts struct {
	testing.TB
	broken []string
}

func (v *verdicts) Helper() {}

func (v *verdicts) Errorf(format string, args ...any) {
	v.broken = append(v.broken, fmt.Sprintf(format, args...))
}

func class(request uint8, value uint16, length int) dfutest.Transfer {
	requestType := uint8(0x21)
	if request == dfu.RequestUpload || request == dfu.RequestGetStatus || request == dfu.RequestGetState {
		requestType = 0xA1
	}
	return dfutest.Transfer{RequestType: requestType, Request: request, Value: value, Length: length}
}

// TestRules: each rule is seen to be broken, and a host that keeps them all is
// not blamed.
func TestRules(t *testing.T) {
	look := class(dfu.RequestGetState, 0, 1)
	abort := class(dfu.RequestAbort, 0, 0)
	clr := class(dfu.RequestClrStatus, 0, 0)
	settle := class(dfu.RequestGetStatus, 0, 6)
	told := settle
	told.Status[4] = uint8(dfu.StateError)
	address := class(dfu.RequestDnload, 0, 5)
	hasty, elsewhere, refused := look, look, told
	hasty.Allowed = 4 * time.Second
	elsewhere.Index = 1
	refused.Err = dfutest.Stall
	for what, c := range map[string]struct {
		transfers []dfutest.Transfer
		broken    int
	}{
		"sound read": {[]dfutest.Transfer{look, address, settle, settle, abort,
			class(dfu.RequestUpload, 2, 64), class(dfu.RequestUpload, 3, 1), abort}, 0},
		"sound write": {[]dfutest.Transfer{look, address, settle, class(dfu.RequestDnload, 2, 64), settle,
			class(dfu.RequestDnload, 2, 0), settle}, 0},
		"sound recovery":           {[]dfutest.Transfer{look, told, clr, look, told, clr}, 0},
		"too little time":          {[]dfutest.Transfer{hasty}, 1},
		"another interface":        {[]dfutest.Transfer{elsewhere}, 1},
		"status before state":      {[]dfutest.Transfer{settle}, 1},
		"download of block 1":      {[]dfutest.Transfer{look, class(dfu.RequestDnload, 1, 64)}, 1},
		"upload of block 1":        {[]dfutest.Transfer{look, class(dfu.RequestUpload, 1, 64)}, 1},
		"too long a block":         {[]dfutest.Transfer{look, class(dfu.RequestDnload, 2, 65)}, 1},
		"mass erase":               {[]dfutest.Transfer{look, class(dfu.RequestDnload, 0, 1)}, 1},
		"no status between":        {[]dfutest.Transfer{look, address, class(dfu.RequestDnload, 2, 64)}, 1},
		"upload without abort":     {[]dfutest.Transfer{look, address, settle, class(dfu.RequestUpload, 2, 64)}, 1},
		"upload of nothing":        {[]dfutest.Transfer{look, class(dfu.RequestUpload, 2, 0)}, 1},
		"clear without looking":    {[]dfutest.Transfer{look, clr}, 1},
		"clear without an error":   {[]dfutest.Transfer{look, settle, clr}, 1},
		"clear after a stall":      {[]dfutest.Transfer{look, refused, clr}, 1},
		"clear twice on one error": {[]dfutest.Transfer{look, told, clr, clr}, 1},
	} {
		seen := &verdicts{TB: t}
		(&dfutest.Recorder{Transfers: c.transfers}).CheckRules(seen, 64)
		if len(seen.broken) != c.broken {
			t.Errorf("%s: %d rules broken, want %d: %v", what, len(seen.broken), c.broken, seen.broken)
		}
	}
}

// TestScriptTells: a script fails the test for anything but its exchanges.
func TestScriptTells(t *testing.T) {
	seen := &verdicts{TB: t}
	script := dfutest.NewScript(seen, dfutest.Descriptors{},
		dfutest.Exchange{Request: dfu.RequestAbort},
		dfutest.Exchange{Request: dfu.RequestDnload, Value: 2, Sent: []byte{1}})
	ctx := context.Background()
	for _, c := range []struct {
		request uint8
		value   uint16
		data    []byte
		broken  int
	}{
		{dfu.RequestClrStatus, 0, nil, 1},
		{dfu.RequestDnload, 2, []byte{2}, 2},
		{dfu.RequestAbort, 0, nil, 3},
	} {
		_, _ = script.Control(ctx, 0x21, c.request, c.value, 0, c.data)
		if len(seen.broken) != c.broken {
			t.Errorf("request %d: %v", c.request, seen.broken)
		}
	}
}
