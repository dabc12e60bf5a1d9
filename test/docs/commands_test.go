package docs

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	makeCommand = regexp.MustCompile("(?m)(?:^ {4}|`)make ([a-z-]+)")
	makeTarget  = regexp.MustCompile(`(?m)^([a-z-]+):`)
	// A command in text stands in backquotes, in a block at the line's begin.
	gatewaydCommand = regexp.MustCompile("(?m)(?:^ {4}(?:bin/)?|`(?:bin/)?)gatewayd ([a-z][a-z-]*)((?: [a-z]+)?)((?: --[a-z-]+)*)")
)

// used returns what a pattern finds in all pages, each once and in order.
func used(t *testing.T, pattern *regexp.Regexp) [][]string {
	t.Helper()
	found := make(map[string][]string)
	for _, page := range pages(t) {
		for _, match := range pattern.FindAllStringSubmatch(read(t, page), -1) {
			found[match[0]] = match
		}
	}
	return slices.SortedFunc(maps.Values(found), slices.Compare)
}

func TestMakeTargetsExist(t *testing.T) {
	var targets []string
	for _, target := range makeTarget.FindAllStringSubmatch(read(t, "Makefile"), -1) {
		targets = append(targets, target[1])
	}
	commands := used(t, makeCommand)
	if len(commands) < 2 {
		t.Errorf("the pages name only these targets: %v", commands)
	}
	for _, command := range commands {
		if !slices.Contains(targets, command[1]) {
			t.Errorf("there is no make %s", command[1])
		}
	}
}

// Every command that a page names is one, and has the flags that stand right
// behind it.
func TestCommandsExist(t *testing.T) {
	commands := used(t, gatewaydCommand)
	if len(commands) < 10 {
		t.Errorf("the pages name only these commands: %v", commands)
	}
	for _, command := range commands {
		args := []string{command[1]}
		if below := strings.TrimSpace(command[2]); below != "" && slices.Contains([]string{"dct", "keys", "firmware", "jobs", "mqtt"}, command[1]) {
			args = append(args, below)
		}
		help, err := gatewayd(t, append(args, "--help")...)
		if err != nil {
			t.Errorf("gatewayd %s: %v", strings.Join(args, " "), err)
		}
		for _, flag := range strings.Fields(command[3]) {
			if !strings.Contains(help, flag) {
				t.Errorf("gatewayd %s has no %s", strings.Join(args, " "), flag)
			}
		}
	}
}
