package usb

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/gousb"
	"pgregory.net/rapid"

	"duogateway/dfu"
)

func TestNumbers(t *testing.T) {
	other := board("1-1.4", 5)
	other.product = 2
	var m memory
	for _, look := range []struct {
		what    string
		plugged []device
		ports   []string
		numbers []uint64
	}{
		{"two, by port", []device{board("1-2", 3), board("1-1.4", 2)}, []string{"1-1.4", "1-2"}, []uint64{1, 2}},
		{"the same", []device{board("1-1.4", 2), board("1-2", 3)}, []string{"1-1.4", "1-2"}, []uint64{1, 2}},
		{"one with a new address", []device{board("1-1.4", 5), board("1-2", 3)}, []string{"1-1.4", "1-2"}, []uint64{3, 2}},
		{"one is another product", []device{other, board("1-2", 3)}, []string{"1-1.4", "1-2"}, []uint64{4, 2}},
		{"one is away", []device{board("1-2", 3)}, []string{"1-2"}, []uint64{2}},
		{"it is back with its old address", []device{other, board("1-2", 3)}, []string{"1-1.4", "1-2"}, []uint64{5, 2}},
		{"they changed ports", []device{board("1-1.4", 3), board("1-2", 5)}, []string{"1-1.4", "1-2"}, []uint64{6, 7}},
		{"none", nil, nil, nil},
	} {
		var ports []string
		var numbers []uint64
		for _, s := range m.see(slices.Clone(look.plugged)) {
			ports, numbers = append(ports, s.port), append(numbers, s.number)
		}
		if !slices.Equal(ports, look.ports) || !slices.Equal(numbers, look.numbers) {
			t.Errorf("%s: %v %v, want %v %v", look.what, ports, numbers, look.ports, look.numbers)
		}
	}
}

// kernel is a bus that gives addresses as the kernel does: the next free one,
// round and round.
type kernel struct {
	next  int
	stays map[string]int // identity of the stay by port
	at    map[string]int // address by port
	count int            // of stays
}

func (k *kernel) plug(port string) {
	delete(k.at, port)
	for taken := true; taken; {
		k.next = k.next%127 + 1
		taken = false
		for _, a := range k.at {
			taken = taken || a == k.next
		}
	}
	k.count++
	k.stays[port], k.at[port] = k.count, k.next
}

// Equal numbers mean equal stays, and the number of a later stay is greater,
// as long as less than a round of addresses goes by between two looks.
func TestNumbersModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := kernel{stays: map[string]int{}, at: map[string]int{}}
		var m memory
		numbers := map[int]uint64{} // by stay
		var highest uint64
		port := rapid.Custom(func(t *rapid.T) string { return fmt.Sprintf("1-%d", rapid.IntRange(1, 4).Draw(t, "port")) })
		looks := rapid.IntRange(1, 20).Draw(t, "looks")
		for range looks {
			for range rapid.IntRange(0, 120).Draw(t, "changes") {
				p := port.Draw(t, "at")
				if _, here := k.at[p]; here && rapid.Bool().Draw(t, "away") {
					delete(k.at, p)
				} else {
					k.plug(p)
				}
			}
			var now []device
			for p, address := range k.at {
				now = append(now, board(p, address))
			}
			before := highest
			for _, s := range m.see(now) {
				stay := k.stays[s.port]
				known, seen := numbers[stay]
				if seen && known != s.number || !seen && s.number <= before {
					t.Fatalf("stay %d on %s has number %d; known as %d, highest before %d", stay, s.port, s.number, known, before)
				}
				numbers[stay], highest = s.number, max(highest, s.number)
			}
		}
	})
}

func TestSerial(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	sysfs := func(devnum, serial string) fstest.MapFS {
		return fstest.MapFS{"1-1.4/devnum": file(devnum), "1-1.4/serial": file(serial)}
	}
	for what, c := range map[string]struct {
		sysfs shifting
		want  string
	}{
		"this device":   {shifting{MapFS: sysfs("5\n", "0123\n")}, "0123"},
		"with a blank":  {shifting{MapFS: sysfs("5\n", "01 \n")}, "01 "},
		"none":          {shifting{MapFS: fstest.MapFS{"1-1.4/devnum": file("5\n")}}, ""},
		"no sysfs":      {shifting{MapFS: fstest.MapFS{}}, ""},
		"another one":   {shifting{MapFS: sysfs("6\n", "0123\n")}, ""},
		"another later": {shifting{sysfs("5\n", "0123\n"), "1-1.4/serial", sysfs("6\n", "0123\n")}, ""},
		"gone later":    {shifting{sysfs("5\n", "0123\n"), "1-1.4/serial", sysfs("", "")}, ""},
	} {
		if got := serial(c.sysfs, board("1-1.4", 5)); got != c.want {
			t.Errorf("%s: serial %q, want %q", what, got, c.want)
		}
	}
}

// A serial number is read once: reading it waits for whoever uses the device.
func TestSerialOnce(t *testing.T) {
	b, _ := newFake(t, board("1-1.4", 5))
	sysfs := fstest.MapFS{"1-1.4/devnum": {Data: []byte("5\n")}}
	b.sysfs = sysfs
	for _, look := range []struct{ file, want string }{{"", ""}, {"A\n", "A"}, {"B\n", "A"}} {
		if look.file != "" {
			sysfs["1-1.4/serial"] = &fstest.MapFile{Data: []byte(look.file)}
		}
		if got := attachment(t, b, "1-1.4").Serial; got != look.want {
			t.Errorf("with %q in the file: serial %q, want %q", look.file, got, look.want)
		}
	}
}

func TestAttachments(t *testing.T) {
	hub := board("1-1", 2)
	hub.class = gousb.ClassHub
	b, native := newFake(t, device{address: 1, class: gousb.ClassHub}, device{address: 1}, hub, board("1-1.4", 5))
	want := []dfu.Attachment{{Port: "1-1.4", Number: 1, Vendor: 0x1209, Product: 1}}
	for _, c := range []struct {
		err error
		ok  bool
	}{{nil, true}, {gousb.ErrorNoDevice, true}, {gousb.ErrorIO, true}, {gousb.ErrorNotFound, true}, {gousb.ErrorNoMem, false}, {gousb.ErrorOther, false}} {
		native.set(func(b *fakeBus) { b.listErr = c.err })
		got, err := b.Attachments(t.Context())
		if c.ok && (err != nil || !slices.Equal(got, want)) {
			t.Errorf("with %v: %v and %v, want %v", c.err, got, err, want)
		}
		if !c.ok && !errors.Is(err, c.err) {
			t.Errorf("with %v: %v", c.err, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	for want, desc := range map[device]gousb.DeviceDesc{
		{port: "1-1.4", address: 7, vendor: 0x2B04, product: 0xD058}: {Bus: 1, Path: []int{1, 4}, Port: 4, Address: 7, Vendor: 0x2B04, Product: 0xD058},
		{port: "12-3", address: 127, class: gousb.ClassHub}:          {Bus: 12, Path: []int{3}, Address: 127, Class: gousb.ClassHub},
		{address: 1, class: gousb.ClassHub}:                          {Bus: 2, Address: 1, Class: gousb.ClassHub},
	} {
		if got := describe(&desc); got != want {
			t.Errorf("%v: %+v, want %+v", &desc, got, want)
		}
	}
}
