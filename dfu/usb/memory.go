package usb

import (
	"cmp"
	"slices"

	"duogateway/dfu"
)

// memory numbers the stays of devices. It lasts as long as the process.
type memory struct {
	last  uint64
	ports map[string]stay
}

// stay is one stay of a device on the bus.
type stay struct {
	device
	number uint64
	serial string // empty until it could be read
}

// see brings the memory up to date and returns what is there, by port.
func (m *memory) see(now []device) []stay {
	slices.SortFunc(now, func(a, b device) int { return cmp.Compare(a.port, b.port) })
	before := m.ports
	m.ports = make(map[string]stay, len(now))
	stays := make([]stay, 0, len(now))
	for _, d := range now {
		s, known := before[d.port]
		if !known || s.device != d {
			m.last++
			s = stay{device: d, number: m.last}
		}
		m.ports[d.port] = s
		stays = append(stays, s)
	}
	return stays
}

// know keeps the serial number of a stay.
func (m *memory) know(s stay) { m.ports[s.port] = s }

// find returns the device of an attachment, if it was there at the last look.
func (m *memory) find(a dfu.Attachment) (device, bool) {
	s, found := m.ports[a.Port]
	same := found && s.number == a.Number && s.vendor == a.Vendor && s.product == a.Product
	return s.device, same
}
