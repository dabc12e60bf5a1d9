package virtualduo

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// listeningPort is the serial port of a board in listening mode.
func listeningPort(t *testing.T, b *Board) io.ReadWriteCloser {
	t.Helper()
	keyed(t, b)
	b.PowerOn()
	time.Sleep(2 * time.Second)
	port, err := b.Serial()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestListeningModeOverTheSerialPort(t *testing.T) {
	inBubble(t, Config{SystemVersion: 10}, func(t *testing.T, b *Board) {
		port := listeningPort(t, b)
		if n, err := port.Write([]byte("iv?ms")); n != 5 || err != nil {
			t.Fatalf("%d bytes, %v", n, err)
		}
		lines := bufio.NewScanner(port)
		id := hex.EncodeToString(b.config.UID[:])
		for _, want := range []string{
			"Your device id is " + id, "system firmware version: 0.3.1",
			"Your device MAC address is", b.mac().String(), `{"p":88,"m":[`,
		} {
			if !lines.Scan() || !strings.HasPrefix(lines.Text(), want) {
				t.Errorf("said %q, want %q", lines.Text(), want)
			}
		}
		if err := port.Close(); err != nil {
			t.Error(err)
		}
		if _, err := port.Read(make([]byte, 1)); err == nil {
			t.Error("a closed port is read")
		}
	})
}

func TestDescribeModules(t *testing.T) {
	inBubble(t, Config{FactoryImage: true}, func(t *testing.T, b *Board) {
		_ = listeningPort(t, b)
		if err := b.SetFlash(systemPart1At+0x1000, []byte{0, 0, 0, 0}); err != nil {
			t.Fatal(err)
		}
		var said struct {
			M []struct {
				F, N   string
				V      int
				VC, VV int
				D      []struct{ F, N string }
			}
		}
		if err := json.Unmarshal([]byte(b.SerialCommand('s')), &said); err != nil || len(said.M) != 3 {
			t.Fatalf("%+v, %v", said, err)
		}
		if loader := said.M[0]; loader.F != "b" || loader.V != 6 || loader.VV != loader.VC {
			t.Errorf("bootloader %+v", loader)
		}
		if damaged := said.M[1]; damaged.F != "s" || damaged.N != "1" || damaged.VV == damaged.VC {
			t.Errorf("damaged part 1 %+v", damaged)
		}
		if part2 := said.M[2]; part2.N != "2" || part2.V != 11 || len(part2.D) != 2 || part2.D[0].N != "1" {
			t.Errorf("part 2 %+v", part2)
		}
	})
}

func TestSerialReadWaitsForTheBoard(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *Board) {
		port := listeningPort(t, b)
		time.AfterFunc(time.Minute, func() { _, _ = port.Write([]byte{'v'}) })
		begun, data := time.Now(), make([]byte, 100)
		n, err := port.Read(data)
		if err != nil || time.Since(begun) != time.Minute || !strings.Contains(string(data[:n]), "0.3.3") {
			t.Errorf("%q after %v, %v", data[:n], time.Since(begun), err)
		}
		time.AfterFunc(time.Minute, b.PowerOff)
		if _, err := port.Read(data); !isGone(err) {
			t.Errorf("the board has gone: %v", err)
		}
	})
}

func TestBulkTransfers(t *testing.T) {
	inBubble(t, Config{WiFi: true}, func(t *testing.T, b *Board) {
		_ = listeningPort(t, b) // which it does not, with credentials
		usb, err := b.Open()
		if err != nil {
			t.Fatal(err)
		}
		if n, err := usb.Bulk(context.Background(), consoleOut, []byte("i")); n != 1 || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if n, err := usb.Bulk(ctx, consoleIn, make([]byte, 64)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("outside of listening mode it said %d bytes, %v", n, err)
		}
		if _, err := usb.Bulk(context.Background(), 0x82, nil); !stalls(err) {
			t.Errorf("an endpoint that is not there: %v", err)
		}
	})
}
