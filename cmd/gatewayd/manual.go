package main

import (
	"fmt"

	"duogateway/daemon"
	"duogateway/daemon/metrics"
	"duogateway/job"
)

// manualCmd writes the tables of the manual that are made from the code.
type manualCmd struct {
	Table string `arg:"" enum:"config,exit-codes,faults,metrics" help:"Which table: config, exit-codes, faults or metrics."`
}

// Run writes a table in Markdown.
func (c manualCmd) Run(env environment) error {
	switch c.Table {
	case "config":
		return daemon.WriteConfigTable(env.stdout)
	case "exit-codes":
		return writeExitCodes(env)
	case "metrics":
		return metrics.WriteTable(env.stdout)
	default:
		return writeFaults(env)
	}
}

func writeExitCodes(env environment) error {
	text := "| exit code | meaning |\n|---|---|\n"
	for code, meaning := range exitMeanings {
		text += fmt.Sprintf("| %d | %s |\n", code, meaning)
	}
	_, err := fmt.Fprint(env.stdout, text)
	return err
}

func writeFaults(env environment) error {
	text := "| code | class | try again | what to do |\n|---|---|---|---|\n"
	for _, f := range job.Faults() {
		text += fmt.Sprintf("| `%s` | %s | %s | %s |\n", f.Code, f.Class, yesNo(f.Retryable), f.Hint)
	}
	_, err := fmt.Fprint(env.stdout, text)
	return err
}
