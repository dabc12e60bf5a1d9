package duo

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestCheckFlash(t *testing.T) {
	at := func(gen Generation, part1, part2 uint16, current int) BoardModules {
		return BoardModules{Bootloader: gen, Part1: part1, Part2: part2, User: VersionErased, CurrentCopy: current}
	}
	const none = VersionErased
	newest, oldest := at(R6, 11, 11, 1), at(R4, 7, 7, 1)
	for _, test := range []struct {
		name  string
		info  ModuleInfo
		board BoardModules
		want  error
	}{
		{"part 1 again", part1Info(11), newest, nil},
		{"part 2 again", part2Info(11), newest, nil},
		{"part 2 onto a board with nothing", part2Info(11), at(R6, none, none, 1), ErrDependency},
		{"part 2 before part 1", part2Info(11), at(R6, 10, 10, 1), ErrDependency},
		{"part 2 after part 1", part2Info(11), at(R6, 11, 10, 1), nil},
		{"part 1 onto a board with nothing", part1Info(11), at(R6, none, none, 0), nil},
		{"to 0.3.0 on r6", part2Info(8), newest, nil},
		{"part 1 of 0.2.4 on r5", part1Info(7), at(R5, 9, 9, 1), ErrDestroysBootloader},
		{"part 2 of 0.2.4 on r6", part2Info(7), newest, ErrDestroysBootloader},
		{"part 2 of 0.2.3 on r4", part2Info(6), oldest, nil},
		{"user part for what is there", userInfo(11), newest, nil},
		{"user part for a newer system", userInfo(11), at(R6, 10, 10, 1), ErrDependency},
		{"user part for no system", userInfo(8), at(R6, 11, none, 1), ErrDependency},
		{"part 1 of 0.3.3 on r4", part1Info(11), oldest, nil},
		{"part 2 of 0.3.3 on r4, copy 1", part2Info(11), at(R4, 11, 7, 1), ErrOverwritesDCT},
		{"part 2 of 0.3.3 on r4, no copy", part2Info(11), at(R4, 11, 7, 0), ErrOverwritesDCT},
		{"part 2 of 0.3.0 on r3, copy 1", part2Info(8), at(R3, 8, 3, 1), ErrOverwritesDCT},
		{"part 2 of 0.3.3 on r4, copy 2", part2Info(11), at(R4, 11, 7, 2), nil},
		{"part 2 of 0.3.3 on r4, copy 2, before part 1", part2Info(11), at(R4, 7, 7, 2), ErrDependency},
		{"onto an unknown bootloader", part1Info(11), at(0, 11, 11, 1), ErrGeneration},
	} {
		err := CheckFlash(inspected(t, test.info, 2000), test.board)
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
}

func TestCheckFlashRefusesWhatInspectionRefused(t *testing.T) {
	damaged := soundImage(part1Info(11), 2000, nil)
	damaged[1000] ^= 1
	m, err := InspectModule(damaged)
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]Module{"damaged": m, "zero value": {}} {
		if err := CheckFlash(m, BoardModules{Bootloader: R6, Part1: 11, Part2: 11}); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	strange := part1Info(11)
	strange.Dependency = Dependency{6, 1, 1}
	if err := CheckFlash(inspected(t, strange, 2000), BoardModules{Bootloader: R6}); !errors.Is(err, ErrDependency) {
		t.Errorf("a dependency that no board has: %v", err)
	}
}

func TestCheckFlashSet(t *testing.T) {
	old := BoardModules{Bootloader: R5, Part1: 9, Part2: 9, User: 3, CurrentCopy: 1}
	part1, part2, user := inspected(t, part1Info(11), 2000), inspected(t, part2Info(11), 2000), inspected(t, userInfo(11), 2000)
	for name, test := range map[string]struct {
		set  []Module
		want error
	}{
		"nothing":            {nil, nil},
		"whole release":      {[]Module{part1, part2, user}, nil},
		"part 2 first":       {[]Module{part2, part1}, ErrDependency},
		"user part first":    {[]Module{user, part1, part2}, ErrDependency},
		"part 1 alone":       {[]Module{part1}, ErrFlashOrder},
		"for what is there":  {[]Module{inspected(t, userInfo(9), 2000)}, nil},
		"parts do not match": {[]Module{part1, inspected(t, part2Info(10), 2000)}, ErrFlashOrder},
	} {
		err := CheckFlashSet(test.set, old)
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	set := []Module{user, part2, part1}
	SortForFlash(set)
	if err := CheckFlashSet(set, old); err != nil {
		t.Errorf("sorted: %v", err)
	}
}

func TestCheckFactory(t *testing.T) {
	board := BoardModules{Bootloader: R6, Part1: 11, Part2: 11}
	for name, test := range map[string]struct {
		m    Module
		want error
	}{
		"user part":    {inspected(t, userInfo(11), 2000), nil},
		"largest":      {inspected(t, userInfo(11), 128<<10-4), nil},
		"too large":    {inspected(t, userInfo(11), 128<<10), ErrRefused},
		"system part":  {inspected(t, part1Info(11), 2000), ErrRefused},
		"newer system": {inspected(t, userInfo(12), 2000), ErrDependency},
	} {
		if err := CheckFactory(test.m, board); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// The shipped systems and the bootloaders in them.
func TestAfterStart(t *testing.T) {
	carried := map[uint16]Generation{1: 0, 2: 0, 3: R3, 4: R3, 6: R3, 7: R4, 8: R5, 9: R5, 10: R6, 11: R6, VersionErased: 0}
	for part2, want := range carried {
		if got, ok := EmbeddedBootloader(part2); got != want || ok != (want != 0) {
			t.Errorf("part 2 of version %d carries %v, %v", part2, got, ok)
		}
	}
	for _, test := range []struct{ before, after BoardModules }{
		{BoardModules{R4, 11, 11, 3, 2}, BoardModules{R6, 11, 11, 3, 1}},
		{BoardModules{R4, 11, 11, 3, 1}, BoardModules{R6, 11, 11, 3, 0}},
		{BoardModules{R3, 7, 7, 3, 1}, BoardModules{R4, 7, 7, 3, 1}},
		{BoardModules{R5, 11, 11, 3, 2}, BoardModules{R6, 11, 11, 3, 2}},
		{BoardModules{R6, 8, 8, 3, 2}, BoardModules{R6, 8, 8, 3, 2}},
		{BoardModules{R6, 11, VersionErased, 3, 2}, BoardModules{R6, 11, VersionErased, 3, 2}},
	} {
		if got := test.before.AfterStart(); got != test.after {
			t.Errorf("%+v becomes %+v", test.before, got)
		}
	}
}

func TestCheckFlashSetSaysWhatIsMissing(t *testing.T) {
	err := CheckFlashSet([]Module{inspected(t, part1Info(11), 2000)}, BoardModules{Bootloader: R6, Part1: VersionErased, Part2: VersionErased})
	if !errors.Is(err, ErrFlashOrder) || !strings.Contains(err.Error(), "part 1 of version 11 and part 2 of version none") {
		t.Error(err)
	}
}

func TestCheckWiFi(t *testing.T) {
	if err := CheckWiFi([]byte("something"), BoardModules{Part2: 11}); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
	for part2, want := range map[uint16]int{1: 1, 9: 1, 10: 2, 11: 2} {
		if got := wifiRevisionFor(part2); got != want {
			t.Errorf("part 2 of version %d needs r%d", part2, got)
		}
	}
	revisions := make([]int, 0, len(wifiRevisions))
	for _, revision := range wifiRevisions {
		revisions = append(revisions, revision)
	}
	if slices.Sort(revisions); !slices.Equal(revisions, []int{1, 2}) || PlaceWiFi().Size != 512<<10 {
		t.Errorf("revisions %v, place %+v", revisions, PlaceWiFi())
	}
}
