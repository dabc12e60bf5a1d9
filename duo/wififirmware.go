package duo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// wifiRevisions are the shipped firmwares of the Wi-Fi chip by their SHA-256.
// They have no header that tells what they are
// (redbear/Duo firmware/wifi/duo-wifi-r1.bin and duo-wifi-r2.bin).
var wifiRevisions = map[string]int{
	"f54fc0f64d44e28658dc72356561fccfff9389c81394a1b6023ae91859763753": 1,
	"6b0061b07b465a6f2d2585cab01d8f2934834beb3f1b2919051f3ae582f8b444": 2,
}

// WiFiRevision returns the revision of a shipped Wi-Fi firmware, and false for
// a file that is not one of them.
func WiFiRevision(image []byte) (int, bool) {
	sum := sha256.Sum256(image)
	revision, ok := wifiRevisions[hex.EncodeToString(sum[:])]
	return revision, ok
}

// CheckWiFi says whether a Wi-Fi firmware may be written to PlaceWiFi of a
// board in that state: r1 is for system 0.3.1 and earlier, r2 for 0.3.2 and
// later. A file that was not shipped cannot be checked and is refused.
func CheckWiFi(image []byte, board BoardModules) error {
	revision, ok := WiFiRevision(image)
	if !ok {
		return fmt.Errorf("%w: not a Wi-Fi firmware that was shipped for the Duo", ErrRefused)
	}
	if board.Part2 == VersionErased {
		return fmt.Errorf("%w: the Wi-Fi firmware depends on system part 2, which the board lacks", ErrDependency)
	}
	if want := wifiRevisionFor(board.Part2); revision != want {
		return fmt.Errorf("%w: Wi-Fi firmware r%d, system part 2 of version %d needs r%d", ErrDependency, revision, board.Part2, want)
	}
	return nil
}

func wifiRevisionFor(part2 uint16) int {
	if part2 >= Part2NewEngine {
		return 2
	}
	return 1
}
