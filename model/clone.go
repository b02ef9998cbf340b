package model

import "reflect"

// Clone returns a deep copy. Members that this release does not know are shared,
// because they are never changed.
func (c *Cluster) Clone() *Cluster {
	return deepCopy(reflect.ValueOf(c)).Interface().(*Cluster)
}

func deepCopy(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		p := reflect.New(v.Type().Elem())
		p.Elem().Set(deepCopy(v.Elem()))
		return p
	case reflect.Struct:
		s := reflect.New(v.Type()).Elem()
		s.Set(v) // includes the unexported members
		for i := range v.NumField() {
			if f := s.Field(i); f.CanSet() && mayPoint(f.Kind()) {
				f.Set(deepCopy(v.Field(i)))
			}
		}
		return s
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		s := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			s.Index(i).Set(deepCopy(v.Index(i)))
		}
		return s
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		m := reflect.MakeMapWithSize(v.Type(), v.Len())
		for key, value := range v.Seq2() {
			m.SetMapIndex(key, deepCopy(value))
		}
		return m
	}
	return v
}

func mayPoint(k reflect.Kind) bool {
	return k == reflect.Pointer || k == reflect.Struct || k == reflect.Slice || k == reflect.Map
}

// WithoutSecrets returns a clone in which every secret is empty.
func (c *Cluster) WithoutSecrets() *Cluster {
	c = c.Clone()
	blank(reflect.ValueOf(c))
	return c
}

func blank(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			blank(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				blank(f)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			blank(v.Index(i))
		}
	case reflect.String:
		if v.Type() == reflect.TypeFor[Secret]() {
			v.SetString("")
		}
	}
}
