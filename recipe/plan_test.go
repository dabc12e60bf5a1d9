package recipe

import (
	"testing"

	"duogateway/job"
)

// A job that is taken up at any step has the board open in the steps behind it,
// as a job that was never interrupted has. // P3
func TestEachStepBringsTheBoardBackForTheNext(t *testing.T) {
	for kind, steps := range kinds {
		plan := steps(&visit{Bay: NewBay("bay-1", nil, nil, nil), book: &Book{}, job: job.Job{}})
		for i, next := range plan[1:] {
			step := plan[i]
			enters := step.Name == stepEnter || step.Name == stepEnterAgain
			if len(next.Again) > 0 && len(step.Again) == 0 && !enters {
				t.Errorf("%s: a job taken up at step %s comes to step %s without the board", kind, step.Name, next.Name)
			}
		}
	}
}
