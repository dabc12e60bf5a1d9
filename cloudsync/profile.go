package cloudsync

import (
	"net/url"
	"slices"
	"strings"
)

// The profiles.
const (
	Generic = "generic"       // any broker of MQTT 3.1.1
	IoTHub  = "azure-iot-hub" // Azure IoT Hub, which knows only its own topics
)

// Profiles lists the names of the profiles.
func Profiles() []string {
	var names []string
	for _, p := range profiles {
		names = append(names, p.name)
	}
	return names
}

func profileNamed(name string) (profile, bool) {
	i := slices.IndexFunc(profiles, func(p profile) bool { return p.name == name })
	if i < 0 {
		return profile{}, false
	}
	return profiles[i], true
}

// A profile says how what a station tells and hears is carried by one sort of
// broker. Its texts are templates: {name} stands for a value.
type profile struct {
	name    string
	user    string // who the station is to the broker; empty means as configured
	checkID string // client id for a check; the station's own would end its link
	echoes  bool   // what is published can be subscribed to
	outlets map[subject]outlet
	inlets  []inlet
}

// subject is what a message is about.
type subject string

// The subjects.
const (
	aboutState  subject = "state"
	aboutInfo   subject = "info"
	aboutBay    subject = "bay"
	aboutJob    subject = "job"
	aboutEvent  subject = "event"
	aboutAnswer subject = "answer"

	aboutRequest subject = "request"
	aboutCancel  subject = "cancel"
	aboutPatch   subject = "patch" // what became of a patch of the twin
	aboutOther   subject = "other" // nothing that the station knows
)

// outlet is where messages about a subject go.
type outlet struct {
	topic    string
	retained bool

	// within names the members of JSON that the message is wrapped in, the
	// outermost first.
	within []string

	// merged says that the broker merges a message into the one before: what
	// the new one does not have would stay.
	merged bool
}

// steps is what to send one after the other so that content stands in the place
// of what was sent before.
func (o outlet) steps(content any) []any {
	if o.merged {
		return []any{nil, content}
	}
	return []any{content}
}

// inlet is where messages about a subject come from. The first inlet of a
// profile that a topic fits is the one.
type inlet struct {
	about  subject
	filter string
	qos    byte

	// topic is what the topics of the messages are like. A value named bag is a
	// list of properties, which are values too.
	topic string
	where values // what some values have to be

	// reply is where the broker waits for a word on what became of the message.
	reply string
}

// values fill a template.
type values map[string]string

// fill puts values in the place of the names in a template.
func fill(template string, with values) string {
	var pairs []string
	for name, value := range with {
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(template)
}

// match finds the values of the names in a template; it says false when the
// text is not like the template. A name stands for the rest of a level.
func match(template, text string) (values, bool) {
	found := values{}
	parts, levels := strings.Split(template, "/"), strings.Split(text, "/")
	if len(parts) != len(levels) {
		return nil, false
	}
	for i, part := range parts {
		before, name, named := strings.Cut(part, "{")
		value, ok := strings.CutPrefix(levels[i], before)
		if !ok || named == (value == "") {
			return nil, false
		}
		if named {
			found.take(strings.TrimSuffix(name, "}"), value)
		}
	}
	return found, true
}

// take notes a value, or all those of a bag of properties.
func (v values) take(name, value string) {
	if name != "bag" {
		v[name] = value
		return
	}
	bag, err := url.ParseQuery(value)
	if err != nil {
		return // what cannot be read says nothing
	}
	for property := range bag {
		v[property] = bag.Get(property)
	}
}

// route finds the inlet that a topic belongs to, and the values in it.
func (p profile) route(station, topic string) (inlet, values, bool) {
	for _, in := range p.inlets {
		found, ok := match(fill(in.topic, values{"station": station}), topic)
		if ok && in.admits(found) {
			return in, found, true
		}
	}
	return inlet{}, nil, false
}

func (in inlet) admits(found values) bool {
	for name, want := range in.where {
		if found[name] != want {
			return false
		}
	}
	return true
}

// filters lists what to subscribe to, with the QoS of each.
func (p profile) filters(station string) []subscription {
	var list []subscription
	for _, in := range p.inlets {
		wanted := subscription{fill(in.filter, values{"station": station}), in.qos}
		if !slices.Contains(list, wanted) {
			list = append(list, wanted)
		}
	}
	return list
}

// subscription is a filter of topics, and the quality that is asked for.
type subscription struct {
	filter string
	qos    byte
}
