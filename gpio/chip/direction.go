package chip

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// From linux include/uapi/linux/gpio.h. The driver reads these facts too, but
// only once, and does not give the flags away.
const (
	getLineInfo = 0xc100b405 // GPIO_V2_GET_LINEINFO_IOCTL: _IOWR(0xB4, 0x05, 256 bytes)
	flagOutput  = 1 << 3     // GPIO_V2_LINE_FLAG_OUTPUT
)

// lineInfo is struct gpio_v2_line_info.
type lineInfo struct {
	name, consumer  [32]byte
	offset          uint32
	attributeCount  uint32
	flags           uint64
	attributes      [10]struct{ id, padding, value, valueHigh uint32 }
	reservedPadding [4]uint32
}

// readDirection says whether the kernel takes a line of the chip at path for an
// output.
func readDirection(path string, offset int) (output bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return false, fmt.Errorf("open the GPIO chip: %w", err)
	}
	defer func() { _ = file.Close() }()
	info := lineInfo{offset: uint32(offset)}
	//nolint:gosec // the kernel's interface is a pointer to a struct
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, file.Fd(), getLineInfo, uintptr(unsafe.Pointer(&info)))
	if errno != 0 {
		return false, fmt.Errorf("read the state of line %d: %w", offset, errno)
	}
	return info.flags&flagOutput != 0, nil
}
