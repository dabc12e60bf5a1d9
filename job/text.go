package job

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// deepest bounds how deep the values of a request are nested.
const deepest = 32

// plainName is how the options spell their members. encoding/json would take
// capitals, and some letters that are not Latin, for the same.
var plainName = regexp.MustCompile(`^[a-z0-9_]+$`)

// checkText refuses what encoding/json lets pass: members that are there twice,
// and inside the options names that are not spelt exactly, and null.
func checkText(text []byte) error {
	return checkValue(json.NewDecoder(bytes.NewReader(text)), 0, false)
}

// checkValue looks at the next value. options says that it is in the options.
func checkValue(d *json.Decoder, depth int, options bool) error {
	token, err := d.Token()
	switch {
	case err != nil:
		return err
	case depth > deepest:
		return fmt.Errorf("it is nested deeper than %d", deepest)
	case token == nil && options:
		return errors.New("options: something in them is null")
	case token == json.Delim('{'):
		return checkMembers(d, depth, options)
	case token == json.Delim('['):
		return checkElements(d, depth, options)
	}
	return nil
}

func checkMembers(d *json.Decoder, depth int, options bool) error {
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		switch {
		case seen[name]:
			return fmt.Errorf("member %.64q is there twice", name)
		case options && !plainName.MatchString(name):
			return fmt.Errorf("options: there is no member %.64q", name)
		}
		seen[name] = true
		if err := checkValue(d, depth+1, options || depth == 0 && name == "options"); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func checkElements(d *json.Decoder, depth int, options bool) error {
	for d.More() {
		if err := checkValue(d, depth+1, options); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// jsonName is the name of a field in JSON.
func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}
