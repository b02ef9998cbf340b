package store

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

type formed struct {
	formedInside

	A     *formed            `json:"a,omitempty"`
	List  []formed           `json:"list"`
	Map   map[string]formed  `json:"map"`
	Lists map[string][]int   `json:"lists"`
	Any   any                `json:"any"`
	Raw   json.RawMessage    `json:"raw"`
	At    time.Time          `json:"at"`
	Blob  []byte             `json:"blob"`
	Deep  [][]map[string]any `json:"deep"`
	Plain struct{ X int }
	Not   []int `json:"-"`
}

type formedInside struct {
	In struct{ Y []int } `json:"in"`
}

func TestArraysAndObjectsAreWhereTheirTypesHaveThem(t *testing.T) {
	f := formOf(reflect.TypeFor[formed]())
	for body, fits := range map[string]bool{
		`{}`: true, ` { "a" : { "list" : [ { } , {"a":null} ] } } `: true, `null`: true, `[]`: false, `["a"]`: false,
		`{"a":[]}`: false, `{"a":{"a":{"a":[]}}}`: false, `{"list":{}}`: false, `{"list":[[]]}`: false, `{"list":[{},{"list":[{"a":[1]}]}]}`: false,
		`{"map":{"a":{"a":{}},"list":{}}}`: true, `{"map":{"x":[]}}`: false, `{"map":[]}`: false, `{"lists":{"a":[1]}}`: true, `{"lists":{"a":{}}}`: false,
		`{"any":[{"a":[]}],"raw":{"a":[]},"new":[{"a":[]}],"Not":[]}`: true, `{"any":{"a":[]},"a":[]}`: false, `{"new":{"x":"}]\\"},"a":[]}`: false,
		`{"new":"\\\"{[","a":{}}`: true, `{"new":"\"","a":[]}`: false, `{"\u0061":[]}`: false, `{"\u0061":{}}`: true, `{"a":{},"a":[]}`: false,
		`{"deep":[[{"a":[]}],[]]}`: true, `{"deep":[{}]}`: false, `{"deep":[[[]]]}`: false, `{"in":{"Y":[1]},"Plain":{"X":1}}`: true, `{"in":[]}`: false, `{"in":{"Y":{}}}`: false,
		`{"Plain":[1]}`: false, `{"at":"2026-01-01T00:00:00Z","blob":"AA==","n":-1.5e3,"t":true,"a":{"new":1}}`: true, `{"n":1,"a":[]}`: false, `{"t":true ,"a":[]}`: false,
	} {
		if !json.Valid([]byte(body)) {
			t.Errorf("%s is no JSON", body)
		}
		if got := f.fits([]byte(body)); got != fits {
			t.Errorf("%s fits: %v, want %v", body, got, fits)
		}
	}
}

// misplaces puts an array in the place of each object of a document, and the reverse.
func misplaces(t *testing.T, body []byte, try func(path string, changed []byte)) {
	var whole any
	if err := json.Unmarshal(body, &whole); err != nil {
		t.Fatal(err)
	}
	var visit func(v any, path string, put func(any))
	attempt := func(path string, put func(any), other, back any) {
		put(other)
		changed, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		try(path, changed)
		put(back)
	}
	visit = func(v any, path string, put func(any)) {
		switch v := v.(type) {
		case map[string]any:
			attempt(path, put, []any{}, v)
			attempt(path, put, []any{"x"}, v)
			for k := range v {
				visit(v[k], path+"."+k, func(x any) { v[k] = x })
			}
		case []any:
			attempt(path, put, map[string]any{"x": "y"}, v)
			for i := range v {
				visit(v[i], path+"[]", func(x any) { v[i] = x })
			}
		}
	}
	visit(whole, "$", func(x any) { whole = x })
}

func TestADocumentWithAnArrayInThePlaceOfAnObjectIsNotMisread(t *testing.T) {
	d := newDocuments(testKeys(t))
	body := []byte(`{"id":"a","partition":"p","cluster":{"systemData":{},"identity":{"userAssignedIdentities":{"k":{}}},
		"properties":{"clusterProfile":{},"networkProfile":{"loadBalancerProfile":{}},"workerProfiles":[{}]},"internal":{"operation":{"finished":[{}]},"transitions":[{}],"zones":["1"]}}}`)
	tried := 0
	misplaces(t, body, func(path string, changed []byte) {
		tried++
		var whole, view ClusterDocument
		if _, err := d.decode(here, Record{Body: bytes.Clone(changed)}, &whole); err == nil {
			t.Errorf("%s: read as %+v", path, whole)
		}
		if err := d.view(bytes.Clone(changed), &view); err == nil || !reflect.ValueOf(view).IsZero() {
			t.Errorf("%s: viewed as %+v (%v)", path, view, err)
		}
	})
	if tried < 20 {
		t.Errorf("only %d changes tried", tried)
	}
}

// FuzzForm holds the scan against a walk through what encoding/json reads.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{`{"a":{"list":[{}]},"new":"\"}`, `[]`, `{"any":[1,{"a":[]}],"map":{"x":{"a":[]}}}`, `{"a"`, `"`, `{"a":"\`} {
		f.Add([]byte(seed))
	}
	form := formOf(reflect.TypeFor[formed]())
	f.Fuzz(func(t *testing.T, body []byte) {
		got := form.fits(body)
		var whole any
		if !jsontext.Value(body).IsValid() || json.Unmarshal(body, &whole) != nil {
			return // nor of two members by one name, of which the scan refuses either
		}
		if want := walk(whole, form); got != want {
			t.Errorf("%s: fits %v, want %v", body, got, want)
		}
	})
}

func walk(v any, f *form) bool {
	if f == nil {
		return true
	}
	switch v := v.(type) {
	case map[string]any:
		if f.opens != '{' {
			return false
		}
		for k := range v {
			inner := f.element
			if f.members != nil {
				inner = f.members[k]
			}
			if !walk(v[k], inner) {
				return false
			}
		}
	case []any:
		if f.opens != '[' {
			return false
		}
		for i := range v {
			if !walk(v[i], f.element) {
				return false
			}
		}
	}
	return true
}
