package server

import (
	"net/url"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
)

// table knows every path of every version. It folds the case of a path's fixed
// segments and says which methods and versions a path has; the echo routers
// behind it then see paths as the specs spell them.
type table struct {
	byLength map[int][]*route
}

// route is a path: fixed segments and parameters, which begin with a colon.
type route struct {
	segments []string
	// methods by name. Several versions share one.
	methods map[string]*method
}

// method is one operation on a path.
type method struct {
	operation string
	// handler answers where no version of a spec is asked.
	handler handler
	// versions that offer it, oldest first; empty if it is outside the versions.
	versions []string
	// anyVersion asks for an api-version and takes every value.
	anyVersion bool
	// optional does not ask for one.
	optional bool
}

// maxSegments is more than any path has.
const maxSegments = 16

func (t *table) add(path, verb string, m *method) *method {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	i := slices.IndexFunc(t.byLength[len(segments)], func(r *route) bool { return slices.Equal(r.segments, segments) })
	var r *route
	if i < 0 {
		r = &route{segments: segments, methods: map[string]*method{}}
		if t.byLength == nil {
			t.byLength = map[int][]*route{}
		}
		t.byLength[len(segments)] = append(t.byLength[len(segments)], r)
	} else {
		r = t.byLength[len(segments)][i]
	}
	if have := r.methods[verb]; have != nil {
		return have
	}
	r.methods[verb] = m
	return m
}

// find returns the route of a path and the path as the specs spell it, with the
// caller's casing in the parameters. Doubled and trailing slashes do not count.
func (t *table) find(path string) (*route, string) {
	var buffer [maxSegments]string
	segments := split(path, buffer[:0])
	for _, r := range t.byLength[len(segments)] {
		if r.matches(segments) {
			return r, r.fold(path, segments)
		}
	}
	return nil, path
}

// split appends the non-empty segments, at most one more than any path has.
func split(path string, to []string) []string {
	for s := range strings.SplitSeq(path, "/") {
		if s != "" && len(to) < cap(to) {
			to = append(to, s)
		}
	}
	return to
}

func (r *route) matches(segments []string) bool {
	for i, s := range r.segments {
		if s[0] != ':' && !arm.EqualFold(s, segments[i]) {
			return false
		}
	}
	return true
}

func (r *route) fold(path string, segments []string) string {
	length := 0
	for i, s := range segments {
		if r.segments[i][0] != ':' {
			segments[i] = r.segments[i]
		}
		length += 1 + len(s)
	}
	var b strings.Builder
	b.Grow(length)
	for _, s := range segments {
		b.WriteByte('/')
		b.WriteString(s)
	}
	if b.Len() == len(path) && b.String() == path {
		return path
	}
	return b.String()
}

// allow is the Allow header of the path.
func (r *route) allow() string {
	verbs := make([]string, 0, len(r.methods))
	for verb := range r.methods {
		verbs = append(verbs, verb)
	}
	slices.Sort(verbs)
	return strings.Join(verbs, ", ")
}

// parameters are the names of the path's parameters and where they stand.
func (r *route) parameters(yield func(int, string) bool) {
	for i, s := range r.segments {
		if s[0] == ':' && !yield(i, s[1:]) {
			return
		}
	}
}

// unknown says what is wrong with a path that no route has, as ARM names it.
func unknown(path string) error {
	var buffer [maxSegments]string
	segments := split(path, buffer[:0])
	for i, s := range segments {
		if !arm.EqualFold(s, "providers") || i == 0 {
			continue
		}
		if i+1 < len(segments) && !arm.EqualFold(segments[i+1], arm.Namespace) {
			return arm.InvalidResourceNamespace.Errorf("The path names another resource provider than %s.", arm.Namespace)
		}
		if i+2 < len(segments) && !slices.ContainsFunc(resourceTypes, func(t string) bool { return arm.EqualFold(t, segments[i+2]) }) {
			return arm.InvalidResourceType.Errorf("The resource type in the path does not exist. %s has %s.", arm.Namespace, strings.Join(resourceTypes, ", "))
		}
		break
	}
	return arm.NotFound.Errorf("The path does not exist.")
}

var resourceTypes = []string{"deployments", "locations", "openShiftClusters", "operations"}

// maxParameterName bounds how much of a parameter's name is repeated.
const maxParameterName = 64

// readQuery judges the query of the URL: each parameter is given once, and names are
// the same in any case, as they are to ARM. The operations see the specs' spelling.
func (s *Server) readQuery(next handler) handler {
	return func(c *call) error {
		r := c.Request()
		if r.URL.RawQuery == "" {
			return next(c)
		}
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			return arm.InvalidParameter.Errorf("The query of the URL cannot be read. Percent-encode what is not a letter or a digit, and separate parameters by '&'.").Because(err)
		}
		respelled := false
		given := make(map[string]bool, len(query))
		for name, values := range query {
			folded := arm.ToLower(name)
			if len(values) > 1 || given[folded] {
				name = arm.Plain(name, maxParameterName)
				return arm.InvalidParameter.At(name, "The query parameter %s is given more than once. Give it once.", name)
			}
			given[folded] = true
			respelled = respelled || spelling(folded) != name
		}
		if respelled {
			spelled := make(url.Values, len(query))
			for name, values := range query {
				spelled[spelling(arm.ToLower(name))] = values
			}
			u := *r.URL
			u.RawQuery = spelled.Encode()
			r.URL = &u // the request is the chain's own copy
		}
		return next(c)
	}
}

// spelling is how the specs spell a parameter, by its name in lower case.
func spelling(folded string) string {
	switch folded {
	case "$skiptoken":
		return "$skipToken"
	case "skiptoken":
		return "skipToken"
	}
	return folded
}
