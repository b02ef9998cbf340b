package collectors

import (
	"fmt"
	"reflect"
	"strconv"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
)

// Kubernetes' own kinds are read as protobuf, which tells the length of what is not needed: half of an
// object is managed fields. A member that is read has its number, as in Kubernetes' generated.proto, in the tag
// protobuf. Kinds of OpenShift are only served as JSON.
const (
	protobufType = "application/vnd.kubernetes.protobuf"
	// protobufMagic is before the envelope of an object, in which it has a number.
	protobufMagic = "k8s\x00"
)

// envelope is Kubernetes' runtime.Unknown.
type envelope struct {
	Raw []byte `protobuf:"2"`
}

// unmarshalProtobuf reads the members with a tag of what an API server answers.
func unmarshalProtobuf(text []byte, into any) error {
	if len(text) < len(protobufMagic) || string(text[:len(protobufMagic)]) != protobufMagic {
		return fmt.Errorf("%d bytes that are no object of Kubernetes in protobuf", len(text))
	}
	var e envelope
	if err := readMessage(text[len(protobufMagic):], reflect.ValueOf(&e).Elem()); err != nil {
		return err
	}
	return readMessage(e.Raw, reflect.ValueOf(into).Elem())
}

// isProtobuf reports whether a kind, or that of the items of a list, has members with a tag.
func isProtobuf(kind reflect.Type) bool {
	if items, is := kind.FieldByName("Items"); is {
		kind = items.Type.Elem()
	}
	return len(membersOf(kind)) > 0
}

// plans are the members of types, by their numbers: map[reflect.Type]map[protowire.Number]int.
var plans sync.Map

func membersOf(kind reflect.Type) map[protowire.Number]int {
	if known, found := plans.Load(kind); found {
		return known.(map[protowire.Number]int)
	}
	members := map[protowire.Number]int{}
	for i := range kind.NumField() {
		if number, err := strconv.Atoi(kind.Field(i).Tag.Get("protobuf")); err == nil {
			members[protowire.Number(number)] = i
		}
	}
	plans.Store(kind, members)
	return members
}

func readMessage(text []byte, into reflect.Value) error {
	members := membersOf(into.Type())
	for len(text) > 0 {
		number, kind, n := protowire.ConsumeTag(text)
		if n < 0 {
			return protowire.ParseError(n)
		}
		text = text[n:]
		if n = protowire.ConsumeFieldValue(number, kind, text); n < 0 {
			return protowire.ParseError(n)
		}
		if member, wanted := members[number]; wanted {
			if err := readMember(kind, text[:n], into.Field(member)); err != nil {
				return err
			}
		}
		text = text[n:]
	}
	return nil
}

func readMember(kind protowire.Type, text []byte, into reflect.Value) error {
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	switch {
	case kind == protowire.VarintType && into.CanInt():
		n, _ := protowire.ConsumeVarint(text)
		into.SetInt(int64(n)) //nolint:gosec // negative numbers are encoded so
		return nil
	case kind != protowire.BytesType:
		return fmt.Errorf("a %s of the type %d in protobuf", into.Type(), kind)
	}
	text, _ = protowire.ConsumeBytes(text)
	switch into.Kind() {
	case reflect.String:
		into.SetString(string(text))
	case reflect.Struct:
		return readMessage(text, into)
	case reflect.Map:
		return readEntry(text, into)
	case reflect.Slice:
		if into.Type().Elem().Kind() == reflect.Uint8 {
			into.SetBytes(text)
			return nil
		}
		into.Grow(1)
		into.SetLen(into.Len() + 1)
		return readMessage(text, into.Index(into.Len()-1))
	default:
		return fmt.Errorf("a %s cannot be read from protobuf", into.Type())
	}
	return nil
}

// readEntry reads one entry of a map from texts to texts.
func readEntry(text []byte, into reflect.Value) error {
	var entry struct {
		Key   string `protobuf:"1"`
		Value string `protobuf:"2"`
	}
	if err := readMessage(text, reflect.ValueOf(&entry).Elem()); err != nil {
		return err
	}
	if into.IsNil() {
		into.Set(reflect.MakeMap(into.Type()))
	}
	into.SetMapIndex(reflect.ValueOf(entry.Key), reflect.ValueOf(entry.Value))
	return nil
}
