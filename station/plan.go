package station

import (
	"fmt"
	"slices"

	"duogateway/job"
)

// plan makes the plan of a job and refuses one that cannot be walked.
func (s *Station) plan(j job.Job) (*job.Plan, error) {
	plan, err := s.Recipes(j)
	if err != nil {
		return nil, err
	}
	if len(plan.Steps) == 0 {
		return nil, fmt.Errorf("the plan of a %s has no steps", j.Kind)
	}
	for _, step := range plan.Steps {
		for _, name := range step.Again {
			if index(plan, name) < 0 {
				return nil, fmt.Errorf("step %s is to repeat step %q, which there is not", step.Name, name)
			}
		}
	}
	return plan, nil
}

// index finds a step by its name; -1 means that there is none.
func index(plan *job.Plan, step string) int {
	return slices.IndexFunc(plan.Steps, func(s job.Step) bool { return s.Name == step })
}
