package flags

import (
	"encoding"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// value sets a field from text. It is a pflag.Value.
type value struct {
	of          reflect.Value
	placeholder string
	isPath      bool
	// given is true if the command line has set it. Further values of a list are
	// then appended.
	given bool
}

// String returns empty text, because values may be secrets.
func (v *value) String() string { return "" }

// Type returns the placeholder of the value in help texts.
func (v *value) Type() string {
	switch {
	case v.placeholder != "":
		return v.placeholder
	case v.of.Type() == reflect.TypeFor[time.Duration]():
		return "duration"
	case v.of.Kind() == reflect.Int:
		return "number"
	case v.of.Kind() == reflect.Bool:
		return "bool"
	}
	return "text"
}

// Set parses text into the field. Errors do not contain the text.
func (v *value) Set(text string) error {
	defer func() { v.given = true }()
	if unmarshaler, ok := v.of.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if unmarshaler.UnmarshalText([]byte(text)) != nil {
			return errors.New("this is not one of the allowed values")
		}
		return nil
	}
	if v.of.Type() == reflect.TypeFor[time.Duration]() {
		d, err := time.ParseDuration(text)
		if err != nil {
			return errors.New("this is not a duration such as 30s or 5m")
		}
		v.of.SetInt(int64(d))
		return nil
	}
	switch v.of.Kind() {
	case reflect.String:
		return v.setString(text)
	case reflect.Bool:
		is, err := strconv.ParseBool(text)
		if err != nil {
			return errors.New("this is not true or false")
		}
		v.of.SetBool(is)
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return errors.New("this is not an integer")
		}
		v.of.SetInt(int64(n))
	case reflect.Slice:
		v.setList(text)
	case reflect.Map:
		return v.setMap(text)
	default:
		return fmt.Errorf("a flag cannot be a %s", v.of.Type())
	}
	return nil
}

func (v *value) setString(text string) error {
	if v.isPath && text != "" {
		if rest, ok := strings.CutPrefix(text, "~/"); ok {
			home, err := os.UserHomeDir()
			if err != nil {
				return err
			}
			text = filepath.Join(home, rest)
		}
		var err error
		if text, err = filepath.Abs(text); err != nil {
			return err
		}
	}
	v.of.SetString(text)
	return nil
}

// setList parses elements separated by commas.
func (v *value) setList(text string) {
	var list []string
	if v.given {
		list = v.of.Interface().([]string)
	}
	if text != "" {
		list = append(list, strings.Split(text, ",")...)
	}
	v.of.Set(reflect.ValueOf(list))
}

// setMap parses NAME=VALUE pairs separated by semicolons.
func (v *value) setMap(text string) error {
	if !v.given || v.of.IsNil() {
		v.of.Set(reflect.MakeMap(v.of.Type()))
	}
	for pair := range strings.SplitSeq(text, ";") {
		name, value, found := strings.Cut(pair, "=")
		if !found && pair != "" {
			return errors.New("this is not NAME=VALUE")
		}
		if found {
			v.of.SetMapIndex(reflect.ValueOf(name), reflect.ValueOf(value))
		}
	}
	return nil
}

// negation is the flag that negates a boolean.
type negation struct{ *value }

// Set implements pflag.Value.
func (n *negation) Set(text string) error {
	is, err := strconv.ParseBool(text)
	if err != nil {
		return errors.New("this is not true or false")
	}
	return n.value.Set(strconv.FormatBool(!is))
}
