package docs

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	metricRow  = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([a-z]+) \\| (.*?) \\|")
	metricName = regexp.MustCompile(`\b(?:gatewayd|go|process)_[a-z_]+`)
	// A label is compared, or a sum is made by it.
	comparedLabel = regexp.MustCompile(`[{,] *([a-z]+) *(?:=|!)`)
	labelList     = regexp.MustCompile(`\bby \(([a-z, ]+)\)|label_values\(gatewayd_[a-z_]+, ([a-z]+)\)`)
	// What is said to a person, of a series.
	legendLabel = regexp.MustCompile(`\{\{([a-z]+)\}\}`)
)

// metrics are those that the program tells, with the labels of each.
func metrics(t *testing.T) map[string][]string {
	t.Helper()
	table, err := gatewayd(t, "manual", "metrics")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, row := range metricRow.FindAllStringSubmatch(table, -1) {
		labels := regexp.MustCompile(`[a-z]+`).FindAllString(row[3], -1)
		// What the scrape and Prometheus add.
		labels = append(labels, "station", "job", "instance")
		all[row[1]] = labels
		if row[2] == "histogram" {
			for _, series := range []string{"_bucket", "_sum", "_count"} {
				all[row[1]+series] = append(labels, "le")
			}
		}
	}
	if len(all) < 10 {
		t.Fatalf("there are only these metrics: %v", all)
	}
	return all
}

// found are the texts in a JSON document that stand under one of the keys.
func found(value any, keys ...string) (texts []string) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			if text, ok := inner.(string); ok && slices.Contains(keys, key) {
				texts = append(texts, text)
			} else {
				texts = append(texts, found(inner, keys...)...)
			}
		}
	case []any:
		for _, inner := range v {
			texts = append(texts, found(inner, keys...)...)
		}
	}
	return texts
}

// checkExpression finds metrics and labels in an expression that the program does not tell.
func checkExpression(t *testing.T, where, expression string, told map[string][]string) (names []string) {
	t.Helper()
	labels := []string{"__name__"}
	names = metricName.FindAllString(expression, -1)
	for _, name := range names {
		if _, ok := told[name]; !ok {
			t.Errorf("%s: there is no metric %s: %s", where, name, expression)
		}
		labels = append(labels, told[name]...)
	}
	var used []string
	for _, match := range comparedLabel.FindAllStringSubmatch(expression, -1) {
		used = append(used, match[1])
	}
	for _, match := range labelList.FindAllStringSubmatch(expression, -1) {
		used = append(used, strings.Split(strings.ReplaceAll(match[1]+match[2], " ", ""), ",")...)
	}
	for _, label := range used {
		if !slices.Contains(labels, label) {
			t.Errorf("%s: no metric there has the label %s: %s", where, label, expression)
		}
	}
	return names
}

// The dashboard asks for what there is, and shows all of it.
func TestDashboard(t *testing.T) {
	told := metrics(t)
	var dashboard any
	if err := json.Unmarshal([]byte(read(t, "docs/grafana-dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, expression := range found(dashboard, "expr", "query") {
		if expression != "prometheus" { // the kind of data source
			shown = append(shown, checkExpression(t, "the dashboard", expression, told)...)
		}
	}
	for _, legend := range found(dashboard, "legendFormat") {
		for _, label := range legendLabel.FindAllStringSubmatch(legend, -1) {
			if !slices.ContainsFunc(slices.Collect(maps.Values(told)), func(labels []string) bool { return slices.Contains(labels, label[1]) }) {
				t.Errorf("the dashboard: no metric has the label %s of the legend %q", label[1], legend)
			}
		}
	}
	for name, labels := range told {
		histogram := slices.Contains(slices.Collect(maps.Keys(told)), name+"_bucket")
		if !histogram && !slices.Contains(labels, "le") && !slices.Contains(shown, name) {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}

// What the page says to watch for can be asked.
func TestAlarms(t *testing.T) {
	told, alarms := metrics(t), 0
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]*gatewayd_[^`]*[<>=][^`]*)` \\|").FindAllStringSubmatch(read(t, "docs/metrics.md"), -1) {
		alarms++
		checkExpression(t, "docs/metrics.md", row[1], told)
	}
	if alarms < 5 {
		t.Errorf("there are only %d alarms", alarms)
	}
}
