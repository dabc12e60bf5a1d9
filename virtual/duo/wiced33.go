package virtualduo

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// Wiced33 is the DCT engine of the bootloaders r3 to r5 and of all systems up
// to 0.3.1: no version block, one valid copy, the other blank. Its rules are
// those of the DCT objects in redbear/firmware
// hal/src/duo/lib/FreeRTOS/STM32F2xx.a at commit 72c9d0fc4. (That it is WICED
// 3.3 is inferred from the class 0x330 that the new engine gives its copies.)
type Wiced33 struct{}

var _ Engine = Wiced33{}

// ErrSpilled means that the old engine programmed over the end of the sector
// and found then that it cannot swap: what lies behind is damaged. (That it
// refuses after the attempt in place is inferred from the later source.)
var ErrSpilled = errors.New("the DCT engine has written over the end of the sector")

// Limit33 is the end of the sector behind offset 0 of the application DCT, in bytes.
const Limit33 = CopySize - applicationOffset

// Limit returns Limit33.
func (Wiced33) Limit() int { return Limit33 }

// Valid says whether one of the copies is in force.
func (Wiced33) Valid(flash Flash) bool { return inForce33(flash, 0) || inForce33(flash, 1) }

// Current returns the first copy that is in force, and writes a default into
// copy 0 if there is none; copy 1 is left as it is.
func (Wiced33) Current(flash Flash) (int, error) {
	for which := range 2 {
		if inForce33(flash, which) {
			return which, nil
		}
	}
	if err := flash.Erase(0); err != nil {
		return 0, err
	}
	return 0, flash.Program(0, defaultHeader33())
}

// Write programs data over the current copy, which is enough if only ones
// become zeros. If it is not, the other copy is written; what the attempt has
// done to the current one stays until that is finished.
func (e Wiced33) Write(flash Flash, offset int, data []byte) error {
	if offset < 0 || offset > CopySize {
		return fmt.Errorf("%d bytes at %d: %w", len(data), offset, ErrRejected)
	}
	current, err := e.Current(flash)
	if err != nil {
		return err
	}
	base, at := current*CopySize, applicationOffset+offset
	before := slices.Clone(flash.Read(base, CopySize))
	if err := flash.Program(base+at, data); err != nil {
		return err
	}
	if bytes.Equal(flash.Read(base+at, len(data)), data) {
		return nil
	}
	if at+len(data) > CopySize {
		return fmt.Errorf("%d bytes at %d: %w", len(data), offset, ErrSpilled)
	}
	copy(before[at:], data)
	return swap33(flash, current, before)
}

// swap33 writes next as the other copy, its header last, and erases the one
// that was current.
func swap33(flash Flash, current int, next []byte) error {
	base := (1 - current) * CopySize
	if !isBlank(flash.Read(base, CopySize)) {
		if err := flash.Erase(1 - current); err != nil {
			return err
		}
	}
	err := programAll(flash, []piece{{base + headerSize, next[headerSize:]}, {base, next[:headerSize]}})
	if err != nil {
		return err
	}
	return flash.Erase(current)
}

// inForce33 is all that the engine looks at: complete, current, the magic.
func inForce33(flash Flash, which int) bool {
	header := flash.Read(which*CopySize, headerSize)
	return header[writeIncompleteAt] == 0 && header[isCurrentAt] == 1 &&
		string(header[magicAt:magicAt+4]) == headerMagic
}

// defaultHeader33 has none of the constants of the new engine's default.
func defaultHeader33() []byte {
	header := make([]byte, headerSize)
	header[isCurrentAt], header[appValidAt] = 1, 1
	copy(header[magicAt:], headerMagic)
	return header
}

func isBlank(b []byte) bool { return bytes.Count(b, []byte{0xFF}) == len(b) }
