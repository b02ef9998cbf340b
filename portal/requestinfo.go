package portal

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/aro-rp/aro/arm"
)

// requestInfo is what a request to an API server is for, in the terms of Kubernetes' audit.
type requestInfo struct {
	verb, group, resource, namespace, name, subresource string
	path                                                string // of what is no resource
	// upgrade means that the connection changes its protocol, and long that the request lasts until
	// its client ends it.
	upgrade, long bool
}

// requestInfoOf parses a request for a path of an API server.
func requestInfoOf(r *http.Request, path string) requestInfo {
	q := r.URL.Query()
	a := requestInfo{verb: verbOf(r.Method), path: path, upgrade: r.Header.Get("Upgrade") != ""}
	parts := strings.FieldsFunc(path, func(c rune) bool { return c == '/' })
	for i := range parts {
		parts[i] = unescaped(parts[i])
	}
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		a.group, parts = parts[1], parts[3:]
	default:
		return a
	}
	if len(parts) > 2 && parts[0] == "namespaces" {
		a.namespace, parts = parts[1], parts[2:]
	}
	a.resource = parts[0]
	if len(parts) > 1 {
		a.name = parts[1]
	}
	if len(parts) > 2 {
		a.subresource = parts[2]
	}
	watched := isSet(q, "watch")
	switch {
	case a.verb == "get" && watched:
		a.verb = "watch"
	case a.verb == "get" && a.name == "":
		a.verb = "list"
	case a.verb == "delete" && a.name == "":
		a.verb = "deletecollection"
	}
	a.long = a.upgrade || watched || isSet(q, "follow") || a.subresource == "proxy"
	return a
}

// isSet reports whether a parameter of a query is true, as an API server reads it.
func isSet(q url.Values, name string) bool { return q.Get(name) == "true" || q.Get(name) == "1" }

func verbOf(method string) string {
	switch method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodHead:
		return "get"
	}
	return arm.ToLower(method)
}

// String is the request for the audit.
func (a requestInfo) String() string {
	if a.resource == "" {
		return a.verb + " " + a.path
	}
	what := a.resource
	if a.group != "" {
		what += "." + a.group
	}
	if a.subresource != "" {
		what += "/" + a.subresource
	}
	name := strings.Trim(a.namespace+"/"+a.name, "/")
	return strings.TrimSpace(a.verb + " " + what + " " + name)
}

// unescaped is a part of a path in plain letters, or as it is if it cannot be read.
func unescaped(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}
