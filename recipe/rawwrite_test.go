package recipe

import (
	"bytes"
	"testing"

	"duogateway/dfu"
	"duogateway/duo"
	"duogateway/job"
	virtualduo "duogateway/virtual/duo"
)

// A copy whose content was lost on its way to the flash never counts, however
// well its header was written: the old engine looks at nothing else. // P1
func TestRawWriteWithoutItsContent(t *testing.T) {
	for _, loader := range []*virtualduo.Bootloader{virtualduo.BootloaderR5(), virtualduo.BootloaderR6()} {
		t.Run(loader.Name, func(t *testing.T) {
			config := usual
			config.Bootloader = loader
			onBench(t, config, func(t *testing.T, b *bench) {
				b.must(b.board.WriteDCT(duo.ServerAddressOffset, []byte("\x01\x07elsewhe")))
				before := b.board.ApplicationDCT()
				b.open = func(transport dfu.Transport) dfu.Transport {
					return &tamper{Transport: transport, download: func(_ uint8, address uint32, _ []byte) error {
						var faults virtualduo.Faults
						if content := address % duo.SectorSize; content >= 388 {
							faults.LoseWrites = 1
						}
						return b.board.SetFaults(faults)
					}}
				}
				hasCode(t, b.begin(job.FactoryDCT, job.Options{}).run(), job.WriteNotVerified)
				if !bytes.Equal(before, b.board.ApplicationDCT()) {
					t.Error("the current copy of the DCT is another one now")
				}
			})
		})
	}
}
