package serial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"duogateway/duo"
)

// Command is one character that firmware in listening mode answers, and changes
// nothing by (redbear/firmware system/src/system_setup.cpp:219-301).
type Command byte

// The commands.
const (
	AskDeviceID Command = 'i'
	AskMAC      Command = 'm'
	AskVersion  Command = 'v'
	AskModules  Command = 's'
)

// lines is how many lines the answer to a command has.
func (c Command) lines() int {
	switch c {
	case AskDeviceID, AskVersion, AskModules:
		return 1
	case AskMAC:
		return 2
	default:
		return 0
	}
}

const (
	// answerTime bounds an answer. The firmware looks for commands all the time
	// and answers at once; the modules take it a look through its flash.
	answerTime = 3 * time.Second

	// longestAnswer is far more than the description of all modules.
	longestAnswer = 8 << 10
)

const lineEnd = "\r\n"

// Ask types one command and returns the answer without its last line end. It is
// only for a board that is known to be in listening mode (its light blinks
// blue): else the character goes to the customer's program, whatever that does
// with it. The USB port is given with its bus, as 1-1.4.
//
// It takes up to 3 s, and less if ctx ends. The errors are those of the package;
// a board that is not in listening mode gives [ErrNoAnswer], or [ErrMalformed]
// if its program talks.
func (p *Ports) Ask(ctx context.Context, usbPort string, c Command) (string, error) {
	if c.lines() == 0 {
		return "", fmt.Errorf("command %q: want one of i, m, v, s; others change the board", rune(c))
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	opened, err := p.take(usbPort)
	if err != nil {
		return "", err
	}
	answer, err := ask(ctx, opened, c)
	if closing := opened.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return "", fmt.Errorf("asking %c on USB port %s: %w", c, usbPort, err)
	}
	return answer, nil
}

func ask(ctx context.Context, opened port, c Command) (string, error) {
	if err := opened.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { _ = opened.SetDeadline(time.Unix(1, 0)) }) // the transfer tells
	defer stop()
	if _, err := opened.Write([]byte{byte(c)}); err != nil {
		return "", transferFault(ctx, err)
	}
	var said []byte
	packet := make([]byte, 64)
	for bytes.Count(said, []byte(lineEnd)) < c.lines() {
		if len(said) > longestAnswer {
			return "", fmt.Errorf("%w: more than %d bytes", ErrMalformed, longestAnswer)
		}
		n, err := opened.Read(packet)
		said = append(said, packet[:n]...)
		if err != nil {
			return "", transferFault(ctx, err)
		}
	}
	answer, whole := bytes.CutSuffix(said, []byte(lineEnd))
	if !whole || bytes.Count(said, []byte(lineEnd)) > c.lines() {
		return "", fmt.Errorf("%w: it goes on behind the last line", ErrMalformed)
	}
	return string(answer), nil
}

// transferFault says why a read or a write failed.
func transferFault(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrNoAnswer
	case errors.Is(err, io.EOF), left(err):
		return fmt.Errorf("%w: %w", ErrLeft, err)
	default:
		return err
	}
}

// DeviceID asks a board in listening mode for its device id; see [Ports.Ask].
func (p *Ports) DeviceID(ctx context.Context, usbPort string) (duo.DeviceID, error) {
	return parsed(ctx, p, usbPort, AskDeviceID, ParseDeviceID)
}

// MAC asks a board in listening mode for its Wi-Fi address; see [Ports.Ask].
func (p *Ports) MAC(ctx context.Context, usbPort string) (net.HardwareAddr, error) {
	return parsed(ctx, p, usbPort, AskMAC, ParseMAC)
}

// Version asks a board in listening mode for the version of its system firmware;
// see [Ports.Ask]. Release 0.3.2 says 0.3.1: the modules tell better.
func (p *Ports) Version(ctx context.Context, usbPort string) (string, error) {
	return parsed(ctx, p, usbPort, AskVersion, ParseVersion)
}

// Modules asks a board in listening mode for its firmware modules; see
// [Ports.Ask].
func (p *Ports) Modules(ctx context.Context, usbPort string) ([]Module, error) {
	return parsed(ctx, p, usbPort, AskModules, ParseModules)
}

func parsed[T any](ctx context.Context, p *Ports, usbPort string, c Command, parse func(string) (T, error)) (T, error) {
	answer, err := p.Ask(ctx, usbPort, c)
	if err != nil {
		var none T
		return none, err
	}
	return parse(answer)
}
