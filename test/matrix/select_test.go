package matrix_test

import "testing"

// bootloaders are the generations that were shipped with a DFU mode.
var bootloaders = []string{"r3", "r4", "r5", "r6"}

// seeds is how many seeds of a seeded fault the full matrix tries.
const seeds = 3

// whole is every cell.
func whole() (cells []cell) {
	for _, k := range kinds() {
		for _, f := range faults() {
			for _, b := range bootloaders {
				for seed := uint64(1); seed <= f.seeds(); seed++ {
					cells = append(cells, cell{k, f, b, seed})
				}
			}
		}
	}
	return cells
}

// pairwise has each kind with each fault once, on the bootloaders in turn, so
// that each kind and each fault meets each of them.
func pairwise() (cells []cell) {
	for i, k := range kinds() {
		for n, f := range faults() {
			seed := 1 + uint64(i+n/len(bootloaders))%f.seeds()
			cells = append(cells, cell{k, f, bootloaders[(i+n)%len(bootloaders)], seed})
		}
	}
	return cells
}

func (f fault) seeds() uint64 {
	if f.seeded {
		return seeds
	}
	return 1
}

// Every two values of two different properties meet in a cell.
func TestPairwise(t *testing.T) {
	met := map[[2]string]bool{}
	for _, c := range pairwise() {
		met[[2]string{string(c.kind.name), c.fault.name}] = true
		met[[2]string{string(c.kind.name), c.bootloader}] = true
		met[[2]string{c.fault.name, c.bootloader}] = true
	}
	for _, c := range whole() {
		for _, pair := range [][2]string{
			{string(c.kind.name), c.fault.name}, {string(c.kind.name), c.bootloader}, {c.fault.name, c.bootloader},
		} {
			if !met[pair] {
				t.Errorf("%s and %s do not meet", pair[0], pair[1])
			}
		}
	}
}
