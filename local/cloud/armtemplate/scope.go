package armtemplate

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Environment is what a template is evaluated in.
type Environment struct {
	// Subscription, Group, Deployment and Cloud are what the functions of those names
	// return. Group is nil at the scope of a subscription.
	Subscription, Group, Deployment, Cloud map[string]any
	Tenant                                 string
	// Now is the time of utcNow.
	Now time.Time
	// Reference reads a resource as it is; full asks for all of it, not only its
	// properties.
	Reference func(id, apiVersion string, full bool) (any, error)
	// List does a list* action of a resource.
	List func(function, id, apiVersion string, body map[string]any) (any, error)
}

// frame is where an expression is evaluated.
type frame struct {
	*Template
	// loops are the indices of the copy loops around it, by lower-case name; inner
	// is the name of the innermost.
	loops map[string]int
	inner string
	// live frames may ask Azure for resources.
	live bool
	// frozen frames leave expressions that would as they are.
	frozen bool
	// defaults are of parameters, where newGuid and utcNow are allowed.
	defaults bool
	depth    int
}

// errRuntime is met where an expression that asks Azure cannot be evaluated.
var errRuntime = errors.New("it is not expected at this location: the value is only known while resources are deployed")

// specials evaluate their arguments themselves.
func specials() map[string]func(*frame, []expression) (any, error) {
	return map[string]func(*frame, []expression) (any, error){
		"if": func(f *frame, a []expression) (any, error) {
			if len(a) != 3 {
				return nil, errors.New("if needs three arguments")
			}
			holds, err := truth(f, a[0])
			switch {
			case err != nil:
				return nil, err
			case holds:
				return a[1].eval(f)
			}
			return a[2].eval(f)
		},
		"and": func(f *frame, a []expression) (any, error) {
			for _, e := range a {
				if holds, err := truth(f, e); err != nil || !holds {
					return false, err
				}
			}
			return true, nil
		},
		"or": func(f *frame, a []expression) (any, error) {
			for _, e := range a {
				if holds, err := truth(f, e); err != nil || holds {
					return holds, err
				}
			}
			return false, nil
		},
		"coalesce": func(f *frame, a []expression) (any, error) {
			for _, e := range a {
				if v, err := e.eval(f); err != nil || v != nil {
					return v, err
				}
			}
			return nil, nil
		},
	}
}

func truth(f *frame, e expression) (bool, error) {
	v, err := e.eval(f)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("'%s' is no bool", text(v))
	}
	return b, nil
}

// scopeFunctions know the deployment around them.
func scopeFunctions() map[string]function {
	return map[string]function{
		"parameters":   {1, 1, func(f *frame, a []any) (any, error) { return f.parameter(text(a[0])) }},
		"variables":    {1, 1, func(f *frame, a []any) (any, error) { return f.variable(text(a[0])) }},
		"copyindex":    {0, 2, copyIndex},
		"subscription": {0, 0, func(f *frame, _ []any) (any, error) { return f.env.Subscription, nil }},
		"deployment":   {0, 0, func(f *frame, _ []any) (any, error) { return f.env.Deployment, nil }},
		"environment":  {0, 0, func(f *frame, _ []any) (any, error) { return f.env.Cloud, nil }},
		"tenant": {0, 0, func(f *frame, _ []any) (any, error) {
			return map[string]any{"tenantId": f.env.Tenant, "id": "/tenants/" + f.env.Tenant}, nil
		}},
		"resourcegroup": {0, 0, func(f *frame, _ []any) (any, error) {
			if f.env.Group == nil {
				return nil, errors.New("there is no resource group at this scope")
			}
			return f.env.Group, nil
		}},
		"resourceid":             {2, -1, resourceID},
		"subscriptionresourceid": {2, -1, subscriptionResourceID},
		"tenantresourceid":       {2, -1, func(_ *frame, a []any) (any, error) { return typed("", a) }},
		"extensionresourceid":    {3, -1, func(_ *frame, a []any) (any, error) { return typed(strings.TrimRight(text(a[0]), "/"), a[1:]) }},
		"reference": {1, 3, func(f *frame, a []any) (any, error) {
			if !f.live {
				return nil, errRuntime
			}
			id, version := f.find(text(a[0]))
			if len(a) > 1 && text(a[1]) != "" {
				version = text(a[1])
			}
			return f.env.Reference(id, version, len(a) > 2 && strings.EqualFold(text(a[2]), "Full"))
		}},
		"newguid": {0, 0, func(f *frame, _ []any) (any, error) {
			if !f.defaults {
				return nil, errors.New("it is allowed in default values of parameters only")
			}
			return uuid.NewString(), nil
		}},
		"utcnow": {0, 1, func(f *frame, _ []any) (any, error) {
			if !f.defaults {
				return nil, errors.New("it is allowed in default values of parameters only")
			}
			return f.env.Now.UTC().Format("20060102T150405Z"), nil
		}},
		"pickzones": {3, 5, func(_ *frame, a []any) (any, error) {
			count, offset := 1, 0
			var err error
			if len(a) > 3 {
				if count, err = integer(a[3]); err != nil {
					return nil, err
				}
			}
			if len(a) > 4 {
				if offset, err = integer(a[4]); err != nil {
					return nil, err
				}
			}
			if count < 0 || offset < 0 || count+offset > 3 {
				return nil, errors.New("there are three zones")
			}
			return []any{"1", "2", "3"}[offset : offset+count], nil
		}},
	}
}

// list does an action such as listKeys: resource, api-version, body.
func (f *frame) list(function string, a []any) (any, error) {
	if !f.live {
		return nil, errRuntime
	}
	if len(a) < 1 || len(a) > 3 {
		return nil, fmt.Errorf("%s needs a resource, an api-version, and perhaps a body", function)
	}
	id, version := f.find(text(a[0]))
	if len(a) > 1 {
		version = text(a[1])
	}
	var body map[string]any
	if len(a) > 2 {
		body, _ = a[2].(map[string]any)
	}
	return f.env.List(function, id, version, body)
}

func copyIndex(f *frame, a []any) (any, error) {
	loop, offset := f.inner, 0
	for _, v := range a {
		if name, ok := v.(string); ok {
			loop = strings.ToLower(name)
			continue
		}
		n, err := integer(v)
		if err != nil {
			return nil, err
		}
		offset = n
	}
	i, ok := f.loops[loop]
	if !ok {
		return nil, errors.New("it is not within a copy loop of that name")
	}
	return float64(i + offset), nil
}

// resourceID makes an id: up to two of subscription and group, a type, names.
func resourceID(f *frame, a []any) (any, error) {
	at := 0
	for at < len(a) && !strings.Contains(text(a[at]), "/") {
		at++
	}
	if at > 2 || at >= len(a) {
		return nil, errors.New("a type such as Microsoft.Network/virtualNetworks is missing")
	}
	subscription := text(f.env.Subscription["subscriptionId"])
	group := ""
	if f.env.Group != nil {
		group = text(f.env.Group["name"])
	}
	switch {
	case at == 2:
		subscription, group = text(a[0]), text(a[1])
	case at == 1:
		group = text(a[0])
	}
	scope := "/subscriptions/" + subscription
	if group != "" {
		scope += "/resourceGroups/" + group
	}
	return typed(scope, a[at:])
}

func subscriptionResourceID(f *frame, a []any) (any, error) {
	subscription := text(f.env.Subscription["subscriptionId"])
	if !strings.Contains(text(a[0]), "/") {
		subscription, a = text(a[0]), a[1:]
	}
	return typed("/subscriptions/"+subscription, a)
}

// typed is an id at a scope, of a type and a name for each segment of it.
func typed(scope string, a []any) (any, error) {
	segments := strings.Split(text(a[0]), "/")
	if len(segments) < 2 || len(segments) != len(a) {
		return nil, fmt.Errorf("the type '%s' needs as many names as it has segments after its namespace", text(a[0]))
	}
	id := scope + "/providers/" + segments[0]
	for i, s := range segments[1:] {
		id += "/" + s + "/" + text(a[i+1])
	}
	return id, nil
}
