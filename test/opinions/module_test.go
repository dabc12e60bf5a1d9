package opinions_test

import (
	"testing"

	"duogateway/duo"
	virtualduo "duogateway/virtual/duo"
)

// The firmware on every virtual board, built by another hand, is sound to duo,
// and fits the board that it is on.
func TestBothKnowTheSameModules(t *testing.T) {
	for _, version := range []uint16{10, 11} {
		board := virtualduo.New(virtualduo.Config{Seed: uint64(version), SystemVersion: version})
		flash := board.Flash()
		board.Close()
		state := duo.BoardModules{Bootloader: duo.R6, Part1: version, Part2: version, CurrentCopy: 1}
		for _, at := range []uint32{duo.AddrPart1, duo.AddrPart2} {
			content := flash[at-duo.InternalStart:]
			info, err := duo.ParseModuleInfo(content)
			if err != nil {
				t.Fatal(err)
			}
			module, err := duo.InspectModule(content[:info.Len()+4])
			if err != nil || module.Refusal != "" || module.Target.Address != at || module.Version != version {
				t.Fatalf("at %#x: %+v, %v", at, module, err)
			}
			if err := duo.CheckFlash(module, state); err != nil {
				t.Error(err)
			}
		}
	}
}
