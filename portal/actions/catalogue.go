// Package actions turns the specification of the admin API into forms, the forms into requests to that
// API on behalf of a person, and its answers into what people read.
//
// It decides nothing: the admin API authorises, tries, runs and audits each request.
package actions

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aro-rp/aro/openapi"
)

// clusterPath is where operations on one cluster are in the specification.
const clusterPath = "/admin/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.RedHatOpenShift/openShiftClusters/{resourceName}"

// idPrefix is what the ids of all operations begin with.
const idPrefix = "Admin_"

// Action is an operation of the admin API on one cluster.
type Action struct {
	// Name is the id of the operation without its prefix, such as CordonNode.
	Name string
	// Group is the subject of the operation.
	Group, Summary, Description string
	Fields                      []Field
	// DryRun means that the operation can be tried without changing anything.
	DryRun bool
	// Reads means that the operation changes nothing.
	Reads bool

	method, suffix string
	hasBody        bool
}

// Field is a parameter of an action, or a member of its body.
type Field struct {
	// Name is the last part of its path, by which forms know it.
	Name, Description string
	Kind              Kind
	Required          bool
	// Choices are the values of a Choice.
	Choices []string

	body []string // path in the body; nil for a parameter of the query
}

// Kind is how a field is filled.
type Kind int

// The kinds of fields.
const (
	Text   Kind = iota // one line
	Check              // yes or no
	Choice             // one of several values
	Lines              // a list of texts, a line each
	Pairs              // NAME=VALUE, a line each
	Object             // the whole body, in YAML or JSON
)

// dryRun is the parameter that makes a request change nothing.
const dryRun = "dryRun"

// The parts of a specification that forms are made of.
type (
	schema struct {
		Ref                  string `json:"$ref"`
		Type, Description    string
		Enum                 []string
		Required             []string
		Properties           members
		AdditionalProperties json.RawMessage
	}
	parameter struct {
		Ref                         string `json:"$ref"`
		Name, In, Description, Type string
		Required                    bool
		Enum                        []string
		Schema                      *schema
	}
	operation struct {
		OperationID          string
		Tags                 []string
		Summary, Description string
		Parameters           []parameter
	}
	specification struct {
		Paths       map[string]map[string]operation
		Definitions map[string]*schema
	}
)

// members are named schemas in the order of the specification.
type members []struct {
	name string
	*schema
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *members) UnmarshalJSON(text []byte) error {
	object, err := objectOf(text)
	for _, one := range object {
		s := &schema{}
		err = errors.Join(err, json.Unmarshal(one.Value, s))
		*m = append(*m, struct {
			name string
			*schema
		}{one.Name, s})
	}
	return err
}

// Catalogue has the actions by their groups.
type Catalogue struct{ Actions []Action }

// All reads the actions from the specification.
func All() (*Catalogue, error) {
	var spec specification
	if err := json.Unmarshal(openapi.Admin, &spec); err != nil {
		return nil, fmt.Errorf("specification of the admin API: %w", err)
	}
	c := &Catalogue{}
	for path, operations := range spec.Paths {
		suffix, ok := strings.CutPrefix(path, clusterPath)
		if !ok {
			continue
		}
		for method, o := range operations {
			a := Action{Name: strings.TrimPrefix(o.OperationID, idPrefix), Summary: o.Summary, Description: o.Description,
				method: strings.ToUpper(method), suffix: suffix, Reads: method == "get"}
			if len(o.Tags) > 0 {
				a.Group = o.Tags[0]
			}
			if a.Group == ownPages {
				continue
			}
			for _, p := range o.Parameters {
				if err := a.add(&spec, p); err != nil {
					return nil, fmt.Errorf("%s: %w", o.OperationID, err)
				}
			}
			c.Actions = append(c.Actions, a)
		}
	}
	slices.SortFunc(c.Actions, func(a, b Action) int {
		return strings.Compare(a.Group+" "+a.Summary+" "+a.Name, b.Group+" "+b.Summary+" "+b.Name)
	})
	return c, nil
}

// ownPages are operations for which the portal has pages of its own: what they give out belongs to the
// person who is logged in.
const ownPages = "Access"

// Find returns the action with a name; nil if there is none.
func (c *Catalogue) Find(name string) *Action {
	for i := range c.Actions {
		if c.Actions[i].Name == name {
			return &c.Actions[i]
		}
	}
	return nil
}

// groups are the subjects, sorted.
func (c *Catalogue) groups() (names []string) {
	for _, a := range c.Actions {
		if !slices.Contains(names, a.Group) {
			names = append(names, a.Group)
		}
	}
	return names
}

// add adds the fields of a parameter. That of the path is the cluster's.
func (a *Action) add(spec *specification, p parameter) error {
	switch {
	case p.Ref != "":
		return nil
	case p.In == "query" && p.Name == dryRun:
		a.DryRun = true
		return nil
	case p.In == "query":
		f := Field{Name: p.Name, Description: p.Description, Required: p.Required, Choices: p.Enum}
		switch {
		case len(p.Enum) > 0:
			f.Kind = Choice
		case p.Type == "boolean":
			f.Kind = Check
		}
		a.Fields = append(a.Fields, f)
		return nil
	case p.In == "body" && p.Schema != nil:
		a.hasBody = true
		return a.addBody(spec, p.Schema, Field{Name: p.Name, Description: p.Description, Required: p.Required, body: []string{}})
	}
	return fmt.Errorf("the parameter %s in %s has no form", p.Name, p.In)
}

// addBody adds the fields of a schema of the body.
func (a *Action) addBody(spec *specification, s *schema, as Field) error {
	if s.Ref != "" {
		named := spec.Definitions[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]]
		if named == nil {
			return fmt.Errorf("there is no %s", s.Ref)
		}
		s = named
	}
	switch {
	case len(s.Enum) > 0:
		as.Kind, as.Choices = Choice, s.Enum
	case s.Type == "string":
	case s.Type == "boolean":
		as.Kind = Check
	case s.Type == "array":
		as.Kind = Lines
	case len(s.Properties) > 0:
		for _, m := range s.Properties {
			member := Field{Name: m.name, Description: m.Description, Required: slices.Contains(s.Required, m.name), body: append(slices.Clone(as.body), m.name)}
			if err := a.addBody(spec, m.schema, member); err != nil {
				return err
			}
		}
		return nil
	case len(as.body) == 0:
		as.Kind, as.Name = Object, "object"
	case len(s.AdditionalProperties) > 0:
		as.Kind = Pairs
	default:
		return fmt.Errorf("a member %s of type %s has no form", as.Name, s.Type)
	}
	a.Fields = append(a.Fields, as)
	return nil
}

// Changes reports whether the action has to be confirmed.
func (a *Action) Changes() bool { return !a.Reads }

// sends reports whether requests of the action have a body.
func (a *Action) sends() bool { return a.hasBody && a.method != http.MethodGet }
