package chip

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"duogateway/gpio"
)

// P2: a gesture whose process dies is safe only if the kernel lets go.
func TestSelfTest(t *testing.T) {
	const (
		no  = "N\n"
		yes = "Y\n"
	)
	cases := map[string]struct {
		label, module, says string // says is empty for a kernel without the parameter
		keeps               bool
		line                string
		keepsOutputs        bool
		fails               bool
		driven              bool
	}{
		"lets go":                         {label: "sim", line: "GPIO17", driven: true},
		"keeps":                           {label: "sim", line: "GPIO17", keeps: true, keepsOutputs: true, driven: true},
		"lets go and says so":             {label: "pinctrl-bcm2711", module: "pinctrl_bcm2835", says: no, line: "GPIO17", driven: true},
		"says so only":                    {label: "pinctrl-rp1", module: "pinctrl_rp1", says: no, line: "GPIO17", keeps: true, keepsOutputs: true, driven: true},
		"keeps and says so":               {label: "pinctrl-bcm2835", module: "pinctrl_bcm2835", says: yes, line: "GPIO17", keeps: true, keepsOutputs: true},
		"says so of another chip":         {label: "pinctrl-rp1", module: "pinctrl_bcm2835", says: yes, line: "GPIO17", driven: true},
		"no line, lets go and says so":    {label: "pinctrl-bcm2711", module: "pinctrl_bcm2835", says: no},
		"no line, keeps and says so":      {label: "pinctrl-rp1", module: "pinctrl_rp1", says: yes, keepsOutputs: true},
		"no line, and nothing said":       {label: "pinctrl-rp1", fails: true},
		"no line, and said of another":    {label: "sim", module: "pinctrl_rp1", says: no, fails: true},
		"a line that is not there":        {label: "sim", line: "GPIO18", fails: true},
		"a line that another has":         {label: "sim", line: "BUSY", fails: true},
		"a line that cannot be an output": {label: "sim", line: "BROKEN", fails: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			k := newKernel(c.label, "GPIO17", "BUSY", "BROKEN")
			k.keeps = c.keeps
			k.named("BUSY").stranger = true
			k.named("BROKEN").fault = errors.New("broken")
			h := hostOf(nil, k)
			if c.says != "" {
				h.sys = fstest.MapFS{"module/" + c.module + "/parameters/persist_gpio_outputs": {Data: []byte(c.says)}}
			}
			err := h.selfTest(c.label, c.line)
			if errors.Is(err, gpio.ErrKeepsOutputs) != c.keepsOutputs || (err != nil) != (c.fails || c.keepsOutputs) {
				t.Errorf("got %v", err)
			}
			l := k.named("GPIO17")
			if slices.Contains(l.history, "high") || l.output || l.requested || (len(l.history) > 0) != c.driven {
				t.Errorf("the line saw %v, output %v, requested %v", l.history, l.output, l.requested)
			}
			if c.keepsOutputs && !strings.Contains(err.Error(), "strict_gpiod") {
				t.Errorf("%v is no help", err)
			}
		})
	}
}
