package usbip

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
)

// words is a header that begins with these words.
func words(beginning ...uint32) []byte {
	var out []byte
	for _, w := range beginning {
		out = binary.BigEndian.AppendUint32(out, w)
	}
	return append(out, make([]byte, headerSize-len(out))...)
}

func TestReadCommand(t *testing.T) {
	for name, c := range map[string]struct {
		bytes []byte
		want  string // of the error, or empty
	}{
		"read":           {words(1, 7, 0x10002, 1, 2, 0, 64), ""},
		"write":          {append(words(1, 7, 0x10002, 0, 1, 0, 3), "abc"...), ""},
		"no packets":     {words(1, 7, 0x10002, 1, 2, 0, 64, 0, 0xFFFFFFFF), ""},
		"unlink":         {words(2, 7, 0x10002, 0, 0, 6), ""},
		"nothing":        {nil, "read a command: EOF"},
		"half a header":  {words(1)[:47], "read a command: unexpected EOF"},
		"half the data":  {append(words(1, 7, 0, 0, 1, 0, 3), "ab"...), "read the data of a transfer: unexpected EOF"},
		"another kind":   {words(3, 7), "no command 3"},
		"endpoint 16":    {words(1, 7, 0, 1, 16, 0, 64), "no endpoint 16"},
		"direction 2":    {words(1, 7, 0, 2, 1, 0, 64), "direction 2"},
		"too long":       {words(1, 7, 0, 1, 1, 0, 65537), "65537 bytes is too long"},
		"negative":       {words(1, 7, 0, 0, 1, 0, 0xFFFFFFFF), "too long"},
		"isochronous":    {words(1, 7, 0, 1, 1, 0, 64, 0, 2), "2 isochronous packets"},
		"longest":        {append(words(1, 7, 0, 0, 1, 0, 65536), make([]byte, 65536)...), ""},
		"all of nothing": {words(1, 7, 0, 0, 0, 0, 0), ""},
	} {
		_, err := readCommand(bytes.NewReader(c.bytes))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// The command of the protocol's documentation, in its bytes (Linux
// Documentation/usb/usbip_protocol.rst, CmdIntrIN), and replies in that form.
func TestDocumentedBytes(t *testing.T) {
	submit, err := hex.DecodeString("00000001" + "00000d05" + "0001000f" + "00000001" + "00000001" +
		"00000200" + "00000040" + "ffffffff" + "00000000" + "00000004" + "0000000000000000")
	if err != nil {
		t.Fatal(err)
	}
	c, err := readCommand(bytes.NewReader(submit))
	if err != nil || c.kind != commandSubmit || c.number != 0xd05 || c.device != 0x1000f ||
		!c.in || c.endpoint != 1 || c.length != 64 || c.flags != 0x200 {
		t.Errorf("%+v, %v", c, err)
	}
	got := submitReply(0xd05, outcome{moved: 4, data: []byte{0xff, 0xff, 0x80, 0x01}})
	want := "00000003" + "00000d05" + "00000000" + "00000000" + "00000000" + "00000000" + "00000004" +
		"00000000" + "00000000" + "00000000" + "0000000000000000" + "ffff8001"
	if hex.EncodeToString(got) != want {
		t.Errorf("reply\n%x\nwant\n%s", got, want)
	}
	if got := unlinkReply(5, statusUnlinked); hex.EncodeToString(got[20:24]) != "ffffff98" || len(got) != headerSize {
		t.Errorf("reply to an unlink: %x", got)
	}
}

// Whatever a host sends, reading it ends, and takes no more memory than the
// longest transfer.
func FuzzReadCommand(f *testing.F) {
	f.Add(words(1, 7, 0x10002, 1, 2, 0, 64))
	f.Add(append(words(1, 7, 0x10002, 0, 1, 0, 3), "abc"...))
	f.Add(words(2, 7, 0x10002, 0, 0, 6))
	f.Add(words(1, 7, 0, 0, 1, 0, 0xFFFFFFFF))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		for {
			c, err := readCommand(r)
			if err != nil {
				return
			}
			if c.length < 0 || c.length > longestTransfer || !c.in && c.kind == commandSubmit && len(c.data) != c.length || c.endpoint > 15 {
				t.Fatalf("%+v", c)
			}
		}
	})
}

func FuzzRequests(f *testing.F) {
	f.Add(importRequest("1-1"))
	f.Add(head(requestList, 0))
	f.Add(append(head(replyImport, resultOK), make([]byte, descriptionSize)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		if code, busID, err := readRequest(bytes.NewReader(data)); err == nil && (len(busID) > busIDSize || code == requestList && busID != "") {
			t.Errorf("%#x, %q", code, busID)
		}
		if _, err := readImportReply(bytes.NewReader(data)); err == nil && len(data) < requestSize+descriptionSize {
			t.Errorf("%x is a whole reply", data)
		}
	})
}

// What follows the configuration descriptor is the device's; nothing in it
// lets the list of its interfaces run over.
func FuzzInterfaces(f *testing.F) {
	f.Add([]byte{9, 2, 18, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 0, 0xFE, 1, 2, 0})
	f.Add([]byte{9, 4, 0})
	f.Add([]byte{0, 4})
	f.Fuzz(func(t *testing.T, data []byte) {
		if found := interfacesOf(data); len(found) > len(data)/9 {
			t.Errorf("%d interfaces in %d bytes", len(found), len(data))
		}
	})
}
