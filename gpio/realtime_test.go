package gpio

import (
	"slices"
	"testing"
)

func TestFileMappings(t *testing.T) {
	const text = `00402000-00966000 r-xp 00002000 00:02 447                                /usr/local/bin/gatewayd
00966000-00967000 ---p 00566000 00:02 447                                /usr/local/bin/gatewayd
00f69000-02fac000 rw-p 00000000 00:00 0 
7eff98492000-7eff985e8000 r--p 00026000 00:02 168                        /usr/lib/libc.so.6 (deleted)
7ffd12345000-7ffd12366000 rw-p 00000000 00:00 0                          [stack]
nonsense
`
	want := []mapping{{0x402000, 0x966000}, {0x7eff98492000, 0x7eff985e8000}}
	if got := fileMappings(text); !slices.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}
