package resources

import (
	"encoding/json"
	"maps"
	"time"
)

// Resource is one resource of ARM. Values below Properties are as encoding/json
// decodes them: map[string]any, []any, float64, string, bool.
type Resource struct {
	// ID has the casing of the PUT that created it, but for fixed segments.
	ID, Name, Type string
	Location       string
	Kind           string
	ManagedBy      string
	Etag           string
	Tags           map[string]string
	Zones          []string
	SKU            map[string]any
	Plan           map[string]any
	Identity       map[string]any
	Properties     map[string]any
	// More are other members beside properties that the caller sent.
	More map[string]any
	// Local is what behaviours remember of a resource; it is never shown.
	Local map[string]any

	Created, Changed time.Time
	// operation is the id of what runs on the resource.
	operation string
}

// document is how a resource is kept.
type document struct {
	Shown     map[string]any `json:"shown"`
	Local     map[string]any `json:"local,omitempty"`
	Created   time.Time      `json:"created"`
	Changed   time.Time      `json:"changed"`
	Operation string         `json:"operation,omitempty"`
}

// MarshalJSON keeps all there is; what callers see is Shown.
func (r *Resource) MarshalJSON() ([]byte, error) {
	return json.Marshal(document{Shown: r.Shown(), Local: r.Local, Created: r.Created, Changed: r.Changed, Operation: r.operation})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Resource) UnmarshalJSON(content []byte) error {
	var d document
	if err := json.Unmarshal(content, &d); err != nil {
		return err
	}
	*r = *FromBody(d.Shown)
	r.ID, _ = d.Shown["id"].(string)
	r.Name, _ = d.Shown["name"].(string)
	r.Type, _ = d.Shown["type"].(string)
	r.Etag, _ = d.Shown["etag"].(string)
	r.Local, r.Created, r.Changed, r.operation = d.Local, d.Created, d.Changed, d.Operation
	return nil
}

// FromBody is the resource that a request's body describes. ID, name, type and
// etag come from elsewhere.
func FromBody(body map[string]any) *Resource {
	r := &Resource{
		Tags:       stringMap(body["tags"]),
		SKU:        Object(body["sku"]),
		Plan:       Object(body["plan"]),
		Identity:   Object(body["identity"]),
		Properties: Object(body["properties"]),
	}
	r.Location, _ = body["location"].(string)
	r.Kind, _ = body["kind"].(string)
	r.ManagedBy, _ = body["managedBy"].(string)
	for _, z := range array(body["zones"]) {
		if s, ok := z.(string); ok {
			r.Zones = append(r.Zones, s)
		}
	}
	if r.Properties == nil {
		r.Properties = map[string]any{}
	}
	for member, value := range body {
		switch member {
		case "id", "name", "type", "etag", "tags", "sku", "plan", "identity", "properties", "location", "kind", "managedBy", "zones", "systemData", "apiVersion":
		default:
			if r.More == nil {
				r.More = map[string]any{}
			}
			r.More[member] = value
		}
	}
	return r
}

// Shown is the resource as callers see it.
func (r *Resource) Shown() map[string]any {
	m := map[string]any{"id": r.ID, "name": r.Name, "type": r.Type}
	maps.Copy(m, r.More)
	for member, value := range map[string]string{"location": r.Location, "kind": r.Kind, "managedBy": r.ManagedBy, "etag": r.Etag} {
		if value != "" {
			m[member] = value
		}
	}
	for member, value := range map[string]map[string]any{"sku": r.SKU, "plan": r.Plan, "identity": r.Identity} {
		if value != nil {
			m[member] = value
		}
	}
	if r.Tags != nil {
		m["tags"] = r.Tags
	}
	if r.Zones != nil {
		m["zones"] = r.Zones
	}
	if r.Properties != nil {
		m["properties"] = r.Properties
	}
	return m
}

// Clone is a copy that shares nothing.
func (r *Resource) Clone() *Resource {
	content, err := json.Marshal(r)
	clone := &Resource{}
	if err == nil {
		err = json.Unmarshal(content, clone)
	}
	if err != nil { // what came from JSON goes back to it
		panic(err)
	}
	return clone
}

// Get is the value at a path of Properties, or nil.
func (r *Resource) Get(path ...string) any { return At(r.Properties, path...) }

// Text is the string at a path of Properties, or empty.
func (r *Resource) Text(path ...string) string {
	s, _ := r.Get(path...).(string)
	return s
}

// Set puts a value at a path of Properties, making objects on the way; nil removes it.
func (r *Resource) Set(value any, path ...string) {
	if r.Properties == nil {
		r.Properties = map[string]any{}
	}
	Place(r.Properties, value, path...)
}

// Default sets a value where there is none.
func (r *Resource) Default(value any, path ...string) {
	if r.Get(path...) == nil {
		r.Set(value, path...)
	}
}

// ProvisioningState of the resource.
func (r *Resource) ProvisioningState() string { return r.Text("provisioningState") }

// At is the value at a path of objects, or nil.
func At(object map[string]any, path ...string) any {
	var value any = object
	for _, member := range path {
		m, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = m[member]
	}
	return value
}

// Place is Resource.Set for any object.
func Place(object map[string]any, value any, path ...string) {
	for _, member := range path[:len(path)-1] {
		next, ok := object[member].(map[string]any)
		if !ok {
			next = map[string]any{}
			object[member] = next
		}
		object = next
	}
	if value == nil {
		delete(object, path[len(path)-1])
		return
	}
	object[path[len(path)-1]] = value
}

// Object is v if it is an object, else nil.
func Object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// Objects are the members of v that are objects.
func Objects(v any) []map[string]any {
	var objects []map[string]any
	switch v := v.(type) {
	case []map[string]any:
		return v
	case []any:
		for _, e := range v {
			if m, ok := e.(map[string]any); ok {
				objects = append(objects, m)
			}
		}
	}
	return objects
}

func array(v any) []any {
	l, _ := v.([]any)
	return l
}

func stringMap(v any) map[string]string {
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	result := make(map[string]string, len(m))
	for k, e := range m {
		s, _ := e.(string)
		result[k] = s
	}
	return result
}
