package daemon

import (
	"context"
	"time"

	"duogateway/gpio"
	"duogateway/job"
	"duogateway/station"
)

// Lights shows a technician how it stands. A part of it that is not there shows
// nothing.
type Lights interface {
	// Show shows a pattern from now on, on the lights of a bay; on those of the
	// station if bay is empty. It does not block.
	Show(bay string, p gpio.Pattern)
}

// showLights shows the state of the bays until ctx ends, and then nothing. The
// lights of the station show what is worst.
func (d *Daemon) showLights(ctx context.Context) {
	if d.Parts.Lights == nil {
		return
	}
	changed, stop := d.station.Changes()
	defer stop()
	shown := map[string]gpio.Pattern{}
	again := d.lookAtLink()
	defer again.Stop()
	for {
		d.show(shown, d.patterns())
		select {
		case <-changed:
		case <-again.C:
		case <-ctx.Done():
			d.show(shown, d.allDark())
			return
		}
	}
}

// linkTime is how often the link is looked at, which rings no bell.
const linkTime = time.Second

// lookAtLink ticks when the link is to be looked at: never without one.
func (d *Daemon) lookAtLink() *time.Ticker {
	ticker := time.NewTicker(linkTime)
	if d.link == nil {
		ticker.Stop()
	}
	return ticker
}

// show shows what is not shown already.
func (d *Daemon) show(shown, patterns map[string]gpio.Pattern) {
	for bay, p := range patterns {
		if shown[bay] != p {
			d.Parts.Lights.Show(bay, p)
			shown[bay] = p
		}
	}
}

// patterns tells what the lights of each bay are to say, and under the empty
// name those of the station.
func (d *Daemon) patterns() map[string]gpio.Pattern {
	all, err := d.station.Bays()
	if err != nil {
		d.Log.Error("the state of the bays cannot be read", "error", err)
		return map[string]gpio.Pattern{"": gpio.PatternError}
	}
	patterns := map[string]gpio.Pattern{}
	worst := gpio.PatternIdle
	if d.stuck || d.hasTwin() {
		worst = gpio.PatternAttention
	}
	for _, b := range all {
		patterns[b.Name] = pattern(b)
		worst = gpio.Worst(worst, patterns[b.Name])
	}
	patterns[""] = worst
	return patterns
}

func (d *Daemon) allDark() map[string]gpio.Pattern {
	patterns := map[string]gpio.Pattern{"": gpio.PatternOff}
	for _, b := range d.Bays {
		patterns[b.Name] = gpio.PatternOff
	}
	return patterns
}

// pattern tells what the lights of a bay are to say.
func pattern(b station.Status) gpio.Pattern {
	switch {
	case b.Running != "":
		return gpio.PatternBusy
	case b.Trouble != "":
		return gpio.PatternError
	case b.Waiting > 0:
		return gpio.PatternBusy
	case b.Judged != nil:
		return verdictPattern(b.Judged)
	default:
		return gpio.PatternIdle
	}
}

// verdictPattern tells what the lights are to say of a job that is over.
func verdictPattern(j *job.Job) gpio.Pattern {
	switch {
	case j.Fault != nil && needsPerson(j.Fault.Code):
		return gpio.PatternAttention
	case j.Verdict == job.Fail:
		return gpio.PatternFail
	case j.Verdict == job.Error, j.State == job.TimedOut:
		return gpio.PatternError
	case j.Verdict == job.Pass && j.Proof == job.Proven:
		return gpio.PatternProven
	case j.Verdict == job.Pass:
		return gpio.PatternUnproven
	default: // canceled: nothing is known of the board
		return gpio.PatternIdle
	}
}

// needsPerson tells whether a fault is not to be mended by asking again:
// somebody has to look at the board, or into the log, before it is touched.
func needsPerson(code job.Code) bool {
	return code == job.ResetPossible || code == job.Interrupted
}
