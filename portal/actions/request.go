package actions

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/httpserver"
)

// Values are the fields of a form as a person filled them, by name.
type Values url.Values

// Get is the value of a field, without spaces around it.
func (v Values) Get(name string) string { return strings.TrimSpace(url.Values(v).Get(name)) }

// Prefilled are the fields that a query names, in any casing.
func (a *Action) Prefilled(query url.Values) Values {
	v := Values{}
	for name, values := range query {
		for _, f := range a.Fields {
			if arm.EqualFold(f.Name, name) {
				v[f.Name] = values
			}
		}
	}
	return v
}

// Request is what a form asks of the admin API.
type Request struct {
	Method, Path string
	Body         []byte
}

// Request returns the request for a cluster's id. A dry run changes nothing.
func (a *Action) Request(cluster string, v Values, try bool) (*Request, error) {
	r := &Request{Method: a.method, Path: "/admin" + cluster + a.suffix}
	query, body := url.Values{}, map[string]any{}
	for _, f := range a.Fields {
		value, err := f.value(v)
		if err != nil {
			return nil, err
		}
		switch whole := value.(type) {
		case nil:
		case json.RawMessage:
			r.Body = whole
		case string:
			if f.body == nil {
				query.Set(f.Name, whole)
			} else {
				put(body, f.body, value)
			}
		case bool:
			if f.body == nil {
				query.Set(f.Name, fmt.Sprint(whole))
			} else {
				put(body, f.body, value)
			}
		default:
			put(body, f.body, value)
		}
	}
	if try && a.DryRun {
		query.Set(dryRun, "true")
	}
	if len(query) > 0 {
		r.Path += "?" + query.Encode()
	}
	if a.sends() && r.Body == nil {
		var err error
		if r.Body, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// value is what a person put into the field; nil if that is nothing.
func (f *Field) value(v Values) (any, error) {
	text := v.Get(f.Name)
	if f.Kind == Check {
		if text == "" && !f.Required {
			return nil, nil
		}
		return text != "", nil
	}
	if text == "" {
		if f.Required {
			return nil, arm.InvalidParameter.At(f.Name, "The field %s must not be empty.", f.Name)
		}
		return nil, nil
	}
	switch f.Kind {
	case Lines:
		var lines []string
		for line := range strings.Lines(text) {
			lines = append(lines, strings.TrimRight(line, "\r\n"))
		}
		return lines, nil
	case Pairs:
		pairs := map[string]string{}
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			name, value, ok := strings.Cut(line, "=")
			if !ok {
				return nil, arm.InvalidParameter.At(f.Name, "Each line of the field %s must be NAME=VALUE.", f.Name)
			}
			pairs[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
		return pairs, nil
	case Object:
		object, err := yaml.YAMLToJSONStrict([]byte(text))
		if err != nil || len(object) == 0 || object[0] != '{' {
			return nil, arm.InvalidParameter.At(f.Name, "The field %s must have an object in YAML or JSON.", f.Name).Because(err)
		}
		return json.RawMessage(object), nil
	}
	return text, nil
}

// put sets a member at a path of an object.
func put(object map[string]any, path []string, value any) {
	for ; len(path) > 1; path = path[1:] {
		inner, ok := object[path[0]].(map[string]any)
		if !ok {
			inner = map[string]any{}
			object[path[0]] = inner
		}
		object = inner
	}
	object[path[0]] = value
}

// String is the request in one text, which is what a person confirms.
func (r *Request) String() string { return r.Method + " " + r.Path + "\n" + string(r.Body) }

// Person is on whose behalf a request is sent.
type Person struct {
	Name string
	// Elevated people may change clusters, others may read.
	Elevated bool
	// Correlation is the id of the person's own request.
	Correlation string
}

// HTTP is the request on behalf of a person, for a handler with a Delegation.
func (r *Request) HTTP(ctx context.Context, who Person) (*http.Request, error) {
	req, err := http.NewRequestWithContext(context.WithValue(ctx, personKey{}, who), r.Method, r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Ms-Client-Principal-Name", who.Name)
	req.Header.Set(httpserver.HeaderCorrelationID, who.Correlation)
	if r.Body != nil {
		req.Header.Set("Content-Type", httpserver.JSON)
	}
	return req, nil
}

type personKey struct{}

// Delegation identifies the requests that Request.HTTP makes, by the person on whose behalf they are:
// they never left the process. Callers from outside are on no list.
type Delegation struct {
	// Elevated and Readers are the names of allow-lists.
	Elevated, Readers string
}

// Authenticate implements httpserver.Authenticator.
func (d Delegation) Authenticate(r *http.Request) httpserver.Caller {
	who, ok := r.Context().Value(personKey{}).(Person)
	switch {
	case !ok:
		return httpserver.Caller{}
	case who.Elevated:
		return httpserver.CallerOn(d.Elevated)
	}
	return httpserver.CallerOn(d.Readers)
}
