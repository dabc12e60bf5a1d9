package recipe

import "duogateway/job"

// backupSteps save what is on the board, whatever it is.
func backupSteps(v *visit) []job.Step {
	return append(lookSteps(v), leaveSteps(v)...)
}
