//go:build guest

package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// writeTable prints how the trials went, as a table in Markdown.
func writeTable(w io.Writer, trials []*trial) error {
	fmt.Fprintln(w, "| work | dfu-util | ours | ours / dfu-util |")
	fmt.Fprintln(w, "|---|---|---|---|")
	for _, t := range trials {
		ratios := make([]float64, len(t.ours))
		for i := range ratios {
			ratios[i] = t.ours[i].Seconds() / t.theirs[i].Seconds()
		}
		if _, err := fmt.Fprintf(w, "| %s | %s | %s | %s |\n", t.name,
			spread(seconds(t.theirs), "%.2f s"), spread(seconds(t.ours), "%.2f s"), spread(ratios, "%.2f")); err != nil {
			return err
		}
	}
	return nil
}

func seconds(times []time.Duration) []float64 {
	numbers := make([]float64, len(times))
	for i, t := range times {
		numbers[i] = t.Seconds()
	}
	return numbers
}

// spread is the median of numbers, and in brackets the quartiles.
func spread(numbers []float64, format string) string {
	sorted := slices.Sorted(slices.Values(numbers))
	return fmt.Sprintf(format+" ("+format+" to "+format+")", quantile(sorted, 0.5), quantile(sorted, 0.25), quantile(sorted, 0.75))
}

// quantile is that of sorted numbers, at least one, with steps made slopes.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	below := int(at)
	if below+1 == len(sorted) {
		return sorted[below]
	}
	return sorted[below] + (at-float64(below))*(sorted[below+1]-sorted[below])
}
