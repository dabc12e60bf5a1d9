// Package schemas holds the JSON Schemas (draft 2020-12) of what a station says
// and hears over MQTT, for whoever writes the other side. The folder docs has a
// copy.
//
// The schemas say what the types of package job look like in JSON; the package
// itself checks nothing and knows no message.
package schemas

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

// Base is where the ids of the schemas begin: version 1 is that of the topics
// too. Nothing is there to be fetched.
const Base = "https://schemas.duogateway.invalid/v1/"

//go:embed *.json
var files embed.FS

// Lookup gives the text of a schema by its name, such as "job".
func Lookup(name string) ([]byte, error) {
	text, err := files.ReadFile(name + ".json")
	if err != nil {
		return nil, fmt.Errorf("schema %q: there is none; want one of %v", name, Names())
	}
	return text, nil
}

// Names lists the schemas in order. All but "common" are of messages.
func Names() []string {
	found, err := fs.Glob(files, "*.json")
	if err != nil {
		panic(err) // only a bad pattern
	}
	for i, name := range found {
		found[i] = strings.TrimSuffix(name, ".json")
	}
	return found
}
