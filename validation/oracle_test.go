package validation_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/hack/generate/spec"
	"github.com/aro-rp/aro/validation"
)

// oracle validates a cluster body with kin-openapi, adjusted where its
// interpretation of the spec differs: unknown names are rejected, in old versions
// names ignore case, read-only values may be echoed, null is absent (in a PATCH
// also in maps), formats are checked.
type oracle struct {
	put, patch *openapi3.Schema
	anyCase    bool
}

func newOracle(t testing.TB, apiVersion string) oracle {
	t.Helper()
	shared, err := spec.ReadOverlay("../openapi/overlays/all.yaml")
	if err != nil {
		t.Fatal(err)
	}
	own, err := spec.ReadOverlay("../openapi/overlays/" + apiVersion + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	d, err := spec.ReadVersion("../openapi", apiVersion, shared, own)
	if err != nil {
		t.Fatal(err)
	}
	cluster := d.OpenAPI.Components.Schemas["OpenShiftCluster"]
	return oracle{put: closed(cluster, false), patch: closed(cluster, true), anyCase: d.AnyCase}
}

// closed flattens allOf and forbids names that the spec does not know.
func closed(ref *openapi3.SchemaRef, patch bool) *openapi3.Schema {
	s := *ref.Value
	s.AllOf, s.ReadOnly = nil, false
	s.Properties = openapi3.Schemas{}
	inherit(&s, ref.Value, patch)
	if s.Items != nil {
		s.Items = openapi3.NewSchemaRef("", closed(s.Items, patch))
	}
	switch values := s.AdditionalProperties.Schema; {
	case values != nil:
		element := closed(values, patch)
		element.Nullable = element.Nullable || patch
		s.AdditionalProperties.Schema = openapi3.NewSchemaRef("", element)
	case len(s.Properties) > 0:
		s.Type = &openapi3.Types{"object"} // what old specs leave out
		no := false
		s.AdditionalProperties.Has = &no
	}
	if s.Type.Is("integer") && s.Format == "" {
		s.Format = "int32"
	}
	if patch {
		s.Required = nil
	}
	return &s
}

func inherit(s, from *openapi3.Schema, patch bool) {
	for _, part := range from.AllOf {
		if s.Type == nil {
			s.Type, s.Format, s.Enum, s.Items = part.Value.Type, part.Value.Format, part.Value.Enum, part.Value.Items
			s.MaxProps, s.AdditionalProperties = part.Value.MaxProps, part.Value.AdditionalProperties
			s.MinLength, s.MaxLength, s.Pattern = part.Value.MinLength, part.Value.MaxLength, part.Value.Pattern
		}
		inherit(s, part.Value, patch)
		s.Required = append(s.Required, part.Value.Required...)
	}
	for name, p := range from.Properties {
		if p.Value.Extensions["x-aro-ignored"] == true {
			s.Properties[name] = openapi3.NewSchemaRef("", openapi3.NewSchema())
			continue
		}
		s.Properties[name] = openapi3.NewSchemaRef("", closed(p, patch))
	}
}

var (
	uuidFormat = openapi3.WithStringFormatValidator("uuid", openapi3.NewRegexpFormatValidator(`^$|^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`))
	timeFormat = openapi3.WithStringFormatValidator("date-time", openapi3.NewCallbackValidator(func(s string) error {
		var m struct{ At jsonTime }
		quoted, err := json.Marshal(s)
		if err != nil {
			return err
		}
		return json.Unmarshal([]byte(`{"At":`+string(quoted)+`}`), &m)
	}))
)

// accepts reports whether the oracle accepts a body of valid JSON.
func (o oracle) accepts(body []byte, patch bool) bool {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return false
	}
	s := o.put
	if patch {
		s = o.patch
	}
	if value == nil {
		return false
	}
	meant := reading{anyCase: o.anyCase}
	value = meant.value(value, s)
	return !meant.ambiguous && s.VisitJSON(value, openapi3.EnableFormatValidation(), uuidFormat, timeFormat) == nil
}

// reading is how a body is read before the schema validates it.
type reading struct {
	anyCase   bool
	ambiguous bool // a member occurs in two spellings
}

// value gives members the names of the schema, and removes null ones. Entries of
// maps keep null: the schema decides whether it is allowed.
func (r *reading) value(value any, s *openapi3.Schema) any {
	switch v := value.(type) {
	case map[string]any:
		if values := s.AdditionalProperties.Schema; values != nil {
			for name, member := range v {
				if member != nil {
					v[name] = r.value(member, values.Value)
				}
			}
			return v
		}
		return r.object(v, s)
	case []any:
		for i := range v {
			if s.Items != nil && v[i] != nil {
				v[i] = r.value(v[i], s.Items.Value)
			}
		}
	}
	return value
}

func (r *reading) object(v map[string]any, s *openapi3.Schema) map[string]any {
	meant, seen := map[string]any{}, map[string]bool{}
	for sent, member := range v {
		name := sent
		for known := range s.Properties {
			if r.anyCase && strings.EqualFold(known, sent) && len(known) == len(sent) { // no letter that folds to ASCII has one byte
				name = known
			}
		}
		p := s.Properties[name]
		r.ambiguous = r.ambiguous || p != nil && seen[name]
		seen[name] = true
		switch {
		case member == nil:
		case p != nil:
			meant[name] = r.value(member, p.Value)
		default:
			meant[name] = member
		}
	}
	return meant
}

// strict reports whether body is JSON as we demand it, by an independent reading.
func strict(body []byte) bool {
	if !jsontext.Value(body).IsValid() { // syntax, UTF-8, duplicate names, one value
		return false
	}
	depth, deepest, decoder := 0, 0, json.NewDecoder(bytes.NewReader(body))
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return deepest <= validation.MaxDepth
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			deepest = max(deepest, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

// Known differences, in which only the oracle may be more lenient, or counts in
// other units: whole numbers written with fraction or exponent, and the length of
// text outside the basic plane, which kin-openapi counts in UTF-16.
var fraction = regexp.MustCompile(`[0-9][.eE][0-9+-]`)

func outsideBasicPlane(body []byte) bool {
	return bytes.ContainsFunc(body, func(r rune) bool { return r > 0xFFFF && r != utf8.RuneError }) || bytes.Contains(body, []byte(`\u`))
}

// disagreement compares both verdicts on one body; empty when they agree.
func disagreement(v version, o oracle, body []byte, patch bool) string {
	var f arm.Faults
	if patch {
		v.ValidateClusterUpdate(body, &f)
	} else {
		v.ValidateCluster(body, &f)
	}
	want := strict(body) && o.accepts(body, patch)
	got := f.Len() == 0
	if got == want || outsideBasicPlane(body) || (!got && fraction.Match(body)) {
		return ""
	}
	return fmt.Sprintf("%s, patch %t: the validator says %t (%v), the oracle %t, on\n%s", v.APIVersion(), patch, got, f.Err(), want, body)
}

func TestTheValidatorsAgreeWithTheOracleOnMutatedBodies(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	rounds := 1500
	if testing.Short() {
		rounds = 200
	}
	for _, v := range versions() {
		o := newOracle(t, v.APIVersion())
		body, accepted := rich(t, v.APIVersion()), 0
		if !o.accepts(body, false) {
			t.Fatalf("%s: the oracle refuses the unchanged body", v.APIVersion())
		}
		for i := range rounds {
			mutated := mutate(t, random, body)
			if o.accepts(mutated, false) {
				accepted++
			}
			if d := disagreement(v, o, mutated, i%2 == 0); d != "" {
				t.Error(d)
			}
		}
		if accepted == 0 || accepted == rounds {
			t.Errorf("%s: the oracle accepts %d of %d: the mutations test nothing", v.APIVersion(), accepted, rounds)
		}
	}
}

// rich is the example with read-only members echoed and a map with entries.
func rich(t testing.TB, apiVersion string) []byte {
	var body map[string]any
	if err := json.Unmarshal(example(t, apiVersion), &body); err != nil {
		t.Fatal(err)
	}
	body["id"], body["name"], body["type"] = "/subscriptions/x", "x", "Microsoft.RedHatOpenShift/openShiftClusters"
	body["tags"] = map[string]any{"a": "b", "ü": "quote \" and ü"}
	if apiVersion >= "2022-09-04" {
		body["systemData"] = map[string]any{"createdAt": "2024-01-02T03:04:05Z", "createdByType": "User"}
	}
	properties := body["properties"].(map[string]any)
	properties["provisioningState"] = "Succeeded"
	properties["servicePrincipalProfile"] = map[string]any{"clientId": "11111111-2222-4333-8444-555555555555", "clientSecret": "x"}
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// mutate changes one to three random places of a JSON document.
func mutate(t testing.TB, random *rand.Rand, body []byte) []byte {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatal(err)
	}
	for range 1 + random.IntN(3) {
		value = mutateAt(random, value)
	}
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if random.IntN(20) == 0 { // now and then break the text itself
		data[random.IntN(len(data))] ^= byte(1 << random.IntN(8))
	}
	return data
}

func mutateAt(random *rand.Rand, value any) any {
	switch v := value.(type) {
	case map[string]any:
		if len(v) > 0 && random.IntN(10) > 0 {
			return mutateObject(random, v)
		}
	case []any:
		if len(v) > 0 && random.IntN(3) > 0 {
			i := random.IntN(len(v))
			v[i] = mutateAt(random, v[i])
			return v
		}
		if random.IntN(2) == 0 {
			return append(v, randomValue(random))
		}
	}
	return randomValue(random)
}

func mutateObject(random *rand.Rand, v map[string]any) any {
	var names []string
	for name := range v {
		names = append(names, name)
	}
	slices.Sort(names)
	name := names[random.IntN(len(names))]
	switch random.IntN(12) {
	case 0:
		delete(v, name)
	case 1:
		v[strings.ToUpper(name)] = v[name]
	case 2:
		v["unknown"] = randomValue(random)
	case 3:
		v[name] = nil
	default:
		v[name] = mutateAt(random, v[name])
	}
	return v
}

func randomValue(random *rand.Rand) any {
	values := []any{
		nil, true, false, 0, 1, -1, 2, 3, 20, 21, 50, 51, 127, 128, 1 << 31, 1<<31 - 1, 1.5, json.Number("1e2"), json.Number("123456789012345678901234567890"),
		"", "x", "Public", "Private", "Enabled", "Disabled", "Loadbalancer", "public", "Succeeded", "Canceled", "OVNKubernetes", "UserAssigned",
		"11111111-2222-4333-8444-555555555555", "2024-01-02T03:04:05Z", "2024-13-02T03:04:05Z", strings.Repeat("ü", 256), strings.Repeat("ü", 257),
		[]any{}, []any{map[string]any{}}, []any{nil}, map[string]any{}, map[string]any{"x": nil}, map[string]any{"name": "y", "count": 3},
	}
	return values[random.IntN(len(values))]
}

// FuzzValidate feeds any bytes to the validators of every version: they never
// panic and agree with the oracle.
func FuzzValidate(f *testing.F) {
	all := versions()
	oracles := make([]oracle, len(all))
	for i, v := range all {
		oracles[i] = newOracle(f, v.APIVersion())
		f.Add(uint8(i), false, rich(f, v.APIVersion()))
	}
	for _, body := range []string{
		``, `null`, `{}`, `{"location":"x","location":"y"}`, `{"tags":{"a":null}}`, `{"tags":{"a":"1","a":"2"}}`,
		`{"properties":{"workerProfiles":[{"count":3.0},{"count":-0}]}}`, `{"a":[[[[[[]]]]]]}`, `[1,2`, `{"location":"\ud800"}`,
	} {
		f.Add(uint8(10), true, []byte(body))
		f.Add(uint8(8), false, []byte(body))
	}
	f.Fuzz(func(t *testing.T, index uint8, patch bool, body []byte) {
		i := int(index) % len(all)
		if d := disagreement(all[i], oracles[i], body, patch); d != "" {
			t.Error(d)
		}
	})
}
