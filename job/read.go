package job

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"unicode/utf8"
)

// LargestRequest bounds the text of a request, in bytes.
const LargestRequest = 64 << 10

// ReadRequest reads the text of a request from elsewhere: one JSON object. Its
// options are those that a station knows, for a misspelt one must not be passed
// over. Beside them it may say what it likes: unknown members go into Extra.
// Names are spelt exactly, and none is there twice, for readers differ about
// which one counts.
//
// Errors have the codes TooLarge and BadRequest. Then the request holds nothing
// but its id, if there is a valid one, for whoever answers.
func ReadRequest(text []byte) (Request, error) {
	if len(text) > LargestRequest {
		return Request{}, Failf(TooLarge, "reading the request: it has %d bytes, the limit is %d", len(text), LargestRequest)
	}
	r := Request{Source: FromMQTT}
	if err := r.read(text); err != nil {
		return Request{ID: r.ID, Source: r.Source}, Failf(BadRequest, "reading the request: %w", err)
	}
	return r, nil
}

func (r *Request) read(text []byte) error {
	if !utf8.Valid(text) {
		return errors.New("it is not UTF-8")
	}
	if err := checkText(text); err != nil {
		return err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	var id string
	if err := readMember(members["id"], &id); err != nil || !ValidID(id) {
		return errors.New("id: want a job id")
	}
	r.ID = id
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if err := r.take(name, members[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return r.CheckForm()
}

// take takes one member over. What belongs into the options must not stand
// beside them, where it would be passed over.
func (r *Request) take(name string, raw json.RawMessage) error {
	switch name {
	case "id", "source": // who sent it is not for the sender to say
		return nil
	case "kind":
		return readMember(raw, &r.Kind)
	case "bay":
		return readMember(raw, &r.Bay)
	case "options":
		return readMember(raw, &r.Options)
	case "not_after":
		return readMember(raw, &r.NotAfter)
	case "extra":
		var more map[string]json.RawMessage
		if err := readMember(raw, &more); err != nil {
			return err
		}
		for name, raw := range more {
			if err := r.keep(name, raw); err != nil {
				return err
			}
		}
		return nil
	}
	if slices.Contains(optionNames(), name) {
		return errors.New("it belongs into the options")
	}
	return r.keep(name, raw)
}

func (r *Request) keep(name string, raw json.RawMessage) error {
	if _, taken := r.Extra[name]; taken {
		return fmt.Errorf("%.64q is there twice, beside extra and in it", name)
	}
	if r.Extra == nil {
		r.Extra = map[string]json.RawMessage{}
	}
	r.Extra[name] = raw
	return nil
}

// optionNames are the members of Options in JSON.
func optionNames() []string {
	var names []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Options]()) {
		names = append(names, jsonName(field))
	}
	return names
}

// readMember reads one value into place, and refuses null, and members that it
// does not know. A value that is not there is null.
func readMember(raw json.RawMessage, place any) error {
	if raw == nil || bytes.Equal(raw, []byte("null")) {
		return errors.New("it is null")
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode(place)
}
