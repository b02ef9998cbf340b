package apipage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// object is a JSON object that keeps the order of its members: a description is
// read in the order in which it was written.
type object struct {
	keys   []string
	values map[string]any
}

// decode reads JSON into objects, slices and plain values.
func decode(content []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber()
	return decodeValue(d)
}

func decodeValue(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		o := &object{values: map[string]any{}}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			value, err := decodeValue(d)
			if err != nil {
				return nil, err
			}
			o.set(fmt.Sprint(key), value)
		}
		_, err = d.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			value, err := decodeValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err = d.Token()
		return list, err
	}
	return token, nil
}

// MarshalJSON writes the members in their order.
func (o *object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, key := range o.keys {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(o.values[key])
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func (o *object) set(key string, value any) {
	if _, ok := o.values[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.values[key] = value
}

func (o *object) remove(key string) {
	delete(o.values, key)
	o.keys = slices.DeleteFunc(o.keys, func(k string) bool { return k == key })
}

// text is the member if it is text.
func (o *object) text(key string) string {
	text, _ := o.member(key).(string)
	return text
}

// at returns the object at the path of keys, nil if there is none.
func (o *object) at(keys ...string) *object {
	for _, key := range keys {
		if o == nil {
			return nil
		}
		o, _ = o.values[key].(*object)
	}
	return o
}

// member is a member of an object that may not be there.
func (o *object) member(key string) any {
	if o == nil {
		return nil
	}
	return o.values[key]
}

// names are the names of the members of an object that may not be there.
func (o *object) names() []string {
	if o == nil {
		return nil
	}
	return o.keys
}

// objects are the members that are objects, in their order.
func (o *object) objects() []*object {
	var all []*object
	for _, key := range o.names() {
		if value := o.at(key); value != nil {
			all = append(all, value)
		}
	}
	return all
}

// with is a copy with one member more.
func (o *object) with(key string, value any) *object {
	c := &object{keys: slices.Clone(o.keys), values: make(map[string]any, len(o.values)+1)}
	for k, v := range o.values {
		c.values[k] = v
	}
	c.set(key, value)
	return c
}
