package dfutest

// Fault is a transport error that tells its kind, as dfu.Transport asks for.
type Fault string

// The two kinds.
const (
	Stall Fault = "endpoint stalled"
	Gone  Fault = "no such device"
)

// Error tells the kind.
func (f Fault) Error() string { return string(f) }

// Stalled is true for a stall.
func (f Fault) Stalled() bool { return f == Stall }

// Gone is true for a device that has left the bus.
func (f Fault) Gone() bool { return f == Gone }
