package spec

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"

	"github.com/speakeasy-api/openapi/overlay"
)

// functionMember finds members that the JSONPath library would parse as its
// functions because a bracket follows.
var functionMember = regexp.MustCompile(`\.(count|length|match|search|value)\[`)

// Overlay is an OpenAPI Overlay 1.0.0 document: the rules of the server that the
// published specs do not have. It records which of its actions changed something.
type Overlay struct {
	path    string
	doc     *overlay.Overlay
	changed []bool
}

// ReadOverlay reads an overlay; a file that does not exist is an empty overlay.
func ReadOverlay(path string) (*Overlay, error) {
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return &Overlay{path: path, doc: &overlay.Overlay{}}, nil
	}
	doc, err := overlay.Parse(path)
	if err != nil {
		return nil, fmt.Errorf("overlay %s: %w", path, err)
	}
	doc.JSONPathVersion = "rfc9535"
	if err := doc.Validate(); err != nil {
		return nil, fmt.Errorf("overlay %s: %w", path, err)
	}
	return &Overlay{path: path, doc: doc, changed: make([]bool, len(doc.Actions))}, nil
}

// Apply returns doc with every action applied, in order.
func (o *Overlay) Apply(doc map[string]any) (map[string]any, error) {
	// The node type is that of the overlay library, so that this module does not depend
	// on its YAML module.
	node := overlay.Action{}.Update
	root := &node
	if err := root.Encode(doc); err != nil {
		return nil, err
	}
	for i, action := range o.doc.Actions {
		action.Target = functionMember.ReplaceAllString(action.Target, "['$1'][")
		path, err := o.doc.NewPath(action.Target, nil)
		if err != nil {
			return nil, fmt.Errorf("overlay %s: target %s: %w", o.path, action.Target, err)
		}
		targets := path.Query(root)
		if len(targets) == 0 {
			continue
		}
		before, err := values(targets)
		if err != nil {
			return nil, fmt.Errorf("overlay %s: target %s: %w", o.path, action.Target, err)
		}
		one := *o.doc
		one.Actions = []overlay.Action{action}
		if err := one.ApplyTo(root); err != nil {
			return nil, fmt.Errorf("overlay %s: target %s: %w", o.path, action.Target, err)
		}
		after, err := values(path.Query(root))
		if err != nil {
			return nil, fmt.Errorf("overlay %s: target %s: %w", o.path, action.Target, err)
		}
		o.changed[i] = o.changed[i] || !reflect.DeepEqual(before, after)
	}
	var changed object
	if err := root.Decode(&changed); err != nil {
		return nil, err
	}
	return throughJSON(changed)
}

// Idle lists the actions that have not changed any document so far.
func (o *Overlay) Idle() []string {
	var idle []string
	for i, changed := range o.changed {
		if !changed {
			idle = append(idle, fmt.Sprintf("overlay %s: action %d: %s changes nothing", o.path, i+1, o.doc.Actions[i].Target))
		}
	}
	return idle
}

// values decodes nodes.
func values[N interface{ Decode(any) error }](nodes []N) ([]any, error) {
	all := make([]any, len(nodes))
	for i, n := range nodes {
		if err := n.Decode(&all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// throughJSON converts numbers to the types of encoding/json.
func throughJSON(doc object) (map[string]any, error) {
	data, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	doc = nil
	err = json.Unmarshal(data, &doc)
	return doc, err
}
