package main

import (
	"fmt"

	"duogateway/daemon"
	"duogateway/job"
)

// manualCmd writes the tables of the manual that are made from the code.
type manualCmd struct {
	Table string `arg:"" enum:"faults,config" help:"Which table: faults or config."`
}

// Run writes a table in Markdown.
func (c manualCmd) Run(env environment) error {
	if c.Table == "config" {
		return daemon.WriteConfigTable(env.stdout)
	}
	fmt.Fprintln(env.stdout, "| code | class | try again | what to do |\n|---|---|---|---|")
	for _, f := range job.Faults() {
		fmt.Fprintf(env.stdout, "| `%s` | %s | %s | %s |\n", f.Code, f.Class, yesNo(f.Retryable), f.Hint)
	}
	return nil
}
