package dfu

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// Logged returns a transport that tells log, at debug level, of each transfer
// of bus: what it was, how many bytes, how long and what came of it. The bytes
// themselves are never logged: a memory may hold keys.
func Logged(bus Transport, log *slog.Logger) Transport {
	return &logged{bus: bus, log: log}
}

type logged struct {
	bus Transport
	log *slog.Logger
}

func (l *logged) Control(ctx context.Context, requestType, request uint8, value, index uint16, data []byte) (int, error) {
	start := time.Now()
	n, err := l.bus.Control(ctx, requestType, request, value, index, data)
	l.log.DebugContext(ctx, "usb control transfer",
		"request", requestName(requestType, request), "value", value, "index", index,
		"length", len(data), "moved", n, "took", time.Since(start), "error", err)
	return n, err
}

func (l *logged) SelectAlt(ctx context.Context, alt uint8) error {
	err := l.bus.SelectAlt(ctx, alt)
	l.log.DebugContext(ctx, "usb alternate setting", "alt", alt, "error", err)
	return err
}

func (l *logged) Close() error {
	err := l.bus.Close()
	l.log.Debug("usb device closed", "error", err)
	return err
}

// requestName names the requests of this package.
func requestName(requestType, request uint8) string {
	if requestType == standardInDevice || requestType == standardInInterface {
		if request == requestGetDescriptor {
			return "GET_DESCRIPTOR"
		}
	}
	if requestType == classOut || requestType == classIn {
		switch request {
		case RequestDnload:
			return "DNLOAD"
		case RequestUpload:
			return "UPLOAD"
		case RequestGetStatus:
			return "GETSTATUS"
		case RequestClrStatus:
			return "CLRSTATUS"
		case RequestGetState:
			return "GETSTATE"
		case RequestAbort:
			return "ABORT"
		}
	}
	return fmt.Sprintf("0x%02x/0x%02x", requestType, request)
}
