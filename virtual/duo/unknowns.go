package virtualduo

// Unknowns are the habits of a board that none of its sources tells. The zero
// value is the most careful guess; set them to see that a host does not
// depend on it. (How long things take that nobody has measured is in Timing.)
type Unknowns struct {
	// InternalOverrun lets a write on alternate setting 0 that runs over the
	// end of flash seem to work, its tail lost. By default it is refused.
	InternalOverrun bool
	// SerialOverrun lets a write on alternate setting 2 that runs over the end
	// of the chip go on at its beginning. By default it is refused.
	SerialOverrun bool
	// OddStall says that the host's controller reports a stalled status stage
	// as some error and not as a stall.
	OddStall bool
	// MirrorDebounceAt is the place of the debounce field inside the 32 bytes
	// of mode_button_mirror; 0 means 30, its last two bytes.
	MirrorDebounceAt int
}

func (u Unknowns) withDefaults() Unknowns {
	if u.MirrorDebounceAt == 0 {
		u.MirrorDebounceAt = 30
	}
	return u
}
