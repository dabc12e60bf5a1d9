package architecture

// project is the architecture of Duo Gateway, from the ground up. A part is a
// folder with its sub-packages. It imports only parts of lower floors: parts
// on one floor do not know each other.
var project = architecture{
	module: "duogateway",
	floors: [][]string{
		0: {"secret"},
		1: {"duo", "job"},
		2: {"gpio", "dfu", "serial", "keystore", "cloudsync", "devkit"},
		3: {"station", "recipe"},
		4: {"daemon"},
		5: {"cmd"},
	},
	// The virtual bench is the second opinion on what a Duo is. If it shared
	// our engine or our DFU host, it would share their mistakes.
	beside: map[string][]string{
		"virtual": {"secret", "duo"},
		"test":    {"secret", "duo", "job", "gpio", "dfu", "serial", "keystore", "cloudsync", "devkit", "station", "recipe", "daemon", "cmd", "virtual"},
	},
	// A sub-package may import its parent. These few serve their parent
	// instead: the parent imports them.
	inner: []string{"keystore/seal", "daemon/metrics", "cmd/virtualbench/parts"},
	// Who starts processes, who may pretend, and who needs cgo: each in few
	// places. The files of tests are free to do so everywhere.
	reserved: map[string][]string{
		"os/exec":            {"gpio", "devkit", "virtual", "cmd/virtualbench", "test"},
		"duogateway/virtual": {"virtual", "cmd/virtualbench", "test"},
		"duogateway/test":    {"test"},
		"duogateway/dfu/usb": {"cmd/gatewayd", "test"},
	},
}
