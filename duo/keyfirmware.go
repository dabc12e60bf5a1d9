package duo

import "math/big"

// ReadableByFirmware reports whether the firmware of a board, which reads
// positions and not DER, gets the numbers of key out of the field. It does
// not for a minimal key with a number that is shorter than its full width:
// such a key is fine for every desktop tool and never connects.
func ReadableByFirmware(field []byte, key *PrivateKey) bool {
	read := firmwareNumbers(field)
	for i, x := range key.numbers() {
		if read[i].Cmp(x) != 0 {
			return false
		}
	}
	return true
}

// firmwareNumbers reads N, D, P, Q, DP, DQ and QInv as
// redbear/firmware communication/src/handshake.cpp:141-226 does: fixed
// strides, each one byte longer when the length octet is odd. A field that is
// too short reads on in erased flash.
func firmwareNumbers(field []byte) [7]*big.Int {
	// From the length octet of N, and from each number to the next octet.
	strides := [7]int{9, 135, 129, 65, 65, 65, 65}
	var numbers [7]*big.Int
	i := 0
	for k, stride := range strides {
		i += stride
		i += 1 + int(byteAt(field, i)&1)
		width := primeLen
		if k < 2 {
			width = modulusLen
		}
		value := make([]byte, width)
		for j := range value {
			value[j] = byteAt(field, i+j)
		}
		numbers[k] = new(big.Int).SetBytes(value)
	}
	return numbers
}

// byteAt returns byte i of a field, or that of erased flash behind its end.
func byteAt(field []byte, i int) byte {
	if i < len(field) {
		return field[i]
	}
	return 0xFF
}
