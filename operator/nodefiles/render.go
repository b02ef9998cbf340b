package nodefiles

import (
	"embed"
	"fmt"
	"strings"
	"text/template/parse"
)

//go:embed templates
var templates embed.FS

// Values are the values that templates use.
type Values struct {
	Domain                   string
	APIServerInternalIP      string
	IngressIP                string
	GatewayDomains           []string
	GatewayPrivateEndpointIP string
}

// Render fills a template. The installer fills the same ones by package text/template, which finds methods
// by names that the linker does not see, so that the linker keeps every exported method of the program:
// half of the operator's memory would be pages of code that it never runs. Render knows what the templates
// use: fields, variables, range and if.
func Render(name string, values Values) ([]byte, error) {
	text, err := templates.ReadFile("templates/" + name)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	trees, err := parse.Parse(name, string(text), "", "")
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", name, err)
	}
	list := make([]any, len(values.GatewayDomains))
	for i, domain := range values.GatewayDomains {
		list[i] = domain
	}
	r := rendering{variables: map[string]any{"$": map[string]any{
		"Domain": values.Domain, "APIServerInternalIP": values.APIServerInternalIP, "IngressIP": values.IngressIP,
		"GatewayDomains": list, "GatewayPrivateEndpointIP": values.GatewayPrivateEndpointIP,
	}}}
	if tree := trees[name]; tree != nil { // nil if the file is empty
		if err := r.render(tree.Root, r.variables["$"]); err != nil {
			return nil, fmt.Errorf("template %s: %w", name, err)
		}
	}
	return []byte(r.out.String()), nil
}

// rendering is a template being filled. Values are texts, numbers, lists, and maps of fields.
type rendering struct {
	out       strings.Builder
	variables map[string]any
}

func (r *rendering) render(node parse.Node, dot any) error {
	switch node := node.(type) {
	case *parse.ListNode:
		if node == nil {
			return nil // there is no else
		}
		for _, n := range node.Nodes {
			if err := r.render(n, dot); err != nil {
				return err
			}
		}
		return nil
	case *parse.TextNode:
		r.out.Write(node.Text)
		return nil
	case *parse.ActionNode:
		value, err := r.value(node.Pipe, dot)
		fmt.Fprint(&r.out, value)
		return err
	case *parse.IfNode:
		value, err := r.value(node.Pipe, dot)
		if err != nil {
			return err
		}
		if isTrue(value) {
			return r.render(node.List, dot)
		}
		return r.render(node.ElseList, dot)
	case *parse.RangeNode:
		return r.each(node, dot)
	default:
		return fmt.Errorf("%s is not supported", node)
	}
}

// each renders the inside of a range for each item of its list.
func (r *rendering) each(node *parse.RangeNode, dot any) error {
	value, err := r.value(node.Pipe, dot)
	if err != nil {
		return err
	}
	list, is := value.([]any)
	if !is || node.ElseList != nil {
		return fmt.Errorf("%s is not supported", node)
	}
	for i, item := range list {
		for n, variable := range node.Pipe.Decl {
			r.variables[variable.Ident[0]] = item
			if n == 0 && len(node.Pipe.Decl) > 1 {
				r.variables[variable.Ident[0]] = i
			}
		}
		if err := r.render(node.List, item); err != nil {
			return err
		}
	}
	return nil
}

// value is that of a field, a variable or a dot.
func (r *rendering) value(pipe *parse.PipeNode, dot any) (any, error) {
	if len(pipe.Cmds) != 1 || len(pipe.Cmds[0].Args) != 1 {
		return nil, fmt.Errorf("%s is not supported", pipe)
	}
	switch node := pipe.Cmds[0].Args[0].(type) {
	case *parse.DotNode:
		return dot, nil
	case *parse.FieldNode:
		return member(dot, node.Ident)
	case *parse.VariableNode:
		return member(r.variables[node.Ident[0]], node.Ident[1:])
	default:
		return nil, fmt.Errorf("%s is not supported", pipe)
	}
}

func member(of any, path []string) (any, error) {
	for _, name := range path {
		fields, _ := of.(map[string]any)
		value, has := fields[name]
		if !has {
			return nil, fmt.Errorf("there is no value %s", name)
		}
		of = value
	}
	return of, nil
}

func isTrue(value any) bool {
	list, is := value.([]any)
	return is && len(list) > 0 || !is && value != "" && value != 0
}
