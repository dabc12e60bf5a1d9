package cloudsync

import (
	"encoding/json"
	"fmt"
	"slices"

	"duogateway/job"
)

// message is what the link sends: always with QoS 1.
type message struct {
	topic    string
	payload  []byte
	retained bool
}

// message makes one about a subject, the way that the profile carries it.
func (p profile) message(about subject, with values, content any) (message, error) {
	out := p.outlets[about]
	for _, name := range slices.Backward(out.within) {
		content = map[string]any{fill(name, with): content}
	}
	payload, err := json.Marshal(content)
	if err != nil {
		return message{}, fmt.Errorf("putting a message about %s into JSON: %w", about, err)
	}
	return message{fill(out.topic, with), payload, out.retained}, nil
}

// letter makes the message that a letter is.
func (p profile) letter(l job.Letter, with values) (message, error) {
	switch {
	case l.Job != nil:
		with["job"] = l.Job.ID
		return p.message(aboutJob, with, l.Job)
	case l.Event != nil:
		return p.message(aboutEvent, with, l.Event)
	case l.Answer != nil:
		return p.message(aboutAnswer, with, l.Answer)
	default:
		return message{}, fmt.Errorf("a letter of kind %q says nothing", l.Kind)
	}
}
