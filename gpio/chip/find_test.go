package chip

import (
	"errors"
	"strings"
	"testing"

	"duogateway/gpio"
)

func TestFind(t *testing.T) {
	pi := newKernel("pinctrl-bcm2711", "ID_SDA", "", "GPIO17", "TWICE", "TWICE")
	bare := newKernel("bare", "", "")
	problem := errors.New("open /dev/gpiochip1: permission denied")
	cases := map[string]struct {
		host       *host
		chip, name string
		want       []string // parts of the error; none for no error
	}{
		"there":         {hostOf(nil, pi), "pinctrl-bcm2711", "GPIO17", nil},
		"a problem":     {hostOf(problem, pi), "pinctrl-bcm2711", "GPIO17", nil},
		"no chips":      {hostOf(nil), "pinctrl-bcm2711", "GPIO17", []string{`labelled "pinctrl-bcm2711"`, "none at all", "gpiodetect"}},
		"no such chip":  {hostOf(nil, pi, bare), "pinctrl-rp1", "GPIO17", []string{`"pinctrl-rp1"`, `"pinctrl-bcm2711", "bare"`}},
		"not permitted": {hostOf(problem), "pinctrl-bcm2711", "GPIO17", []string{"none at all", "permission denied"}},
		"two chips":     {hostOf(nil, pi, pi), "pinctrl-bcm2711", "GPIO17", []string{"more than one", `"pinctrl-bcm2711"`}},
		"no such line":  {hostOf(nil, pi), "pinctrl-bcm2711", "GPIO18", []string{`"GPIO18"`, `"ID_SDA", "GPIO17"`}},
		"no names":      {hostOf(nil, bare), "bare", "GPIO18", []string{"none at all"}},
		"no name":       {hostOf(nil, bare), "bare", "", []string{`no line called ""`}},
		"two lines":     {hostOf(nil, pi), "pinctrl-bcm2711", "TWICE", []string{"more than one line", `"TWICE"`}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, offset, err := c.host.find(c.chip, c.name)
			if c.want == nil {
				if err != nil || offset != 2 {
					t.Errorf("got %d, %v", offset, err)
				}
				return
			}
			for _, part := range c.want {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("got %v, want %s in it", err, part)
				}
			}
			if errors.Is(err, gpio.ErrLinesBusy) {
				t.Errorf("%v is not busy", err)
			}
		})
	}
}
