#!/usr/bin/env bash
# github.com/ugorji/go/codec v1.3.2, JSON handle: an array in the place of an object
# is decoded into a struct by the position of its fields, without an error, although
# the handle does not ask for structs as arrays. Elements beyond the last field are
# dropped: a type that implements MissingFielder, by which unknown members of an
# object survive, is not asked to keep them. The other way round, an object in the place
# of an array becomes a slice of its names and values by turns. encoding/json refuses
# the same input.
#
# Seen: the output below. It fails if that changes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"

	"github.com/ugorji/go/codec"
)

type document struct {
	Name    string         `json:"name"`
	Size    int            `json:"size"`
	unknown map[string]any `json:"-"`
}

func (d *document) CodecMissingField(field []byte, value any) bool {
	if d.unknown == nil {
		d.unknown = map[string]any{}
	}
	d.unknown[string(field)] = value
	return true
}

func (d *document) CodecMissingFields() map[string]any { return d.unknown }

func decode(text string) (document, error) {
	var d document
	err := codec.NewDecoderBytes([]byte(text), &codec.JsonHandle{}).Decode(&d)
	return d, err
}

func main() {
	for _, text := range []string{`{"name":"a","size":1,"new":"kept"}`, `["a",1]`, `["a",1,"dropped"]`} {
		d, err := decode(text)
		var ignored document
		fmt.Printf("%s: name %q, size %d, unknown %v, error %v; encoding/json refuses: %t\n",
			text, d.Name, d.Size, d.unknown, err, json.Unmarshal([]byte(text), &ignored) != nil)
	}
	var list, ignored []any
	text := `{"name":"a","size":1}`
	err := codec.NewDecoderBytes([]byte(text), &codec.JsonHandle{}).Decode(&list)
	fmt.Printf("%s: list %v, error %v; encoding/json refuses: %t\n", text, list, err, json.Unmarshal([]byte(text), &ignored) != nil)
}
GO
go mod init finding >/dev/null 2>&1
go get github.com/ugorji/go/codec@v1.3.2 >/dev/null 2>&1
want='{"name":"a","size":1,"new":"kept"}: name "a", size 1, unknown map[new:kept], error <nil>; encoding/json refuses: false
["a",1]: name "a", size 1, unknown map[], error <nil>; encoding/json refuses: true
["a",1,"dropped"]: name "a", size 1, unknown map[], error <nil>; encoding/json refuses: true
{"name":"a","size":1}: list [name a size 1], error <nil>; encoding/json refuses: true'
got=$(timeout 300 go run .)
printf '%s\n' "$got"
if [ "$got" != "$want" ]; then
  printf 'the behaviour has changed; expected\n%s\n' "$want" >&2
  exit 1
fi
