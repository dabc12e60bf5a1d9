package recipe

import (
	"context"

	"duogateway/job"
)

// diagnoseSteps look at the board, save what is on it and say what they saw.
func diagnoseSteps(v *visit) []job.Step {
	judge := job.Step{Name: stepDecide, Do: v.judge, Again: inDFU}
	return append(append(lookSteps(v), judge), leaveSteps(v)...)
}

// judge turns the diagnosis into the ending of the job.
func (v *visit) judge(context.Context, job.Say) (job.Outcome, error) {
	err := v.memory.Found.trouble()
	if err == nil {
		return job.Outcome{Detail: "the board has what it needs"}, nil
	}
	fault := job.ReportOf(err)
	v.memory.Ending = &fault
	return job.Outcome{Detail: fault.Message}, nil
}
