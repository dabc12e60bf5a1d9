package daemon

import (
	"cmp"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// WriteConfigTable writes the reference of the configuration in Markdown, as
// the fields of Config document themselves.
func WriteConfigTable(w io.Writer) error {
	defaults := DefaultConfig()
	bay := BayConfig{}
	bay.setDefaults()
	bay.Lights.Chip = "" // it has none of its own
	defaults.MQTT.Signers, defaults.Bays = []SignerConfig{{}}, []BayConfig{bay}
	if _, err := fmt.Fprintln(w, "| key | default | meaning |\n|---|---|---|"); err != nil {
		return err
	}
	return writeTable(w, "", reflect.ValueOf(defaults))
}

func writeTable(w io.Writer, prefix string, table reflect.Value) error {
	for i := range table.NumField() {
		field, value := table.Type().Field(i), table.Field(i)
		key := prefix + field.Tag.Get("toml")
		var err error
		switch {
		case field.Tag.Get("doc") != "":
			_, err = fmt.Fprintf(w, "| `%s` | %s | %s |\n", key, defaultOf(field, value), field.Tag.Get("doc"))
		case value.Kind() == reflect.Struct:
			err = writeTable(w, key+".", value)
		case value.Kind() == reflect.Slice: // of tables, of which one shows what is in all
			err = writeTable(w, key+".", value.Index(0))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// defaultOf tells the default of a setting. One that is not a value of its own
// is told by the tag of the field.
func defaultOf(field reflect.StructField, value reflect.Value) string {
	if value.IsZero() {
		return cmp.Or(field.Tag.Get("default"), "must be set")
	}
	if d, ok := value.Interface().(Duration); ok {
		return "`" + strings.TrimSpace(d.Duration().String()) + "`"
	}
	return fmt.Sprintf("`%v`", value.Interface())
}
