// Package armhttp implements ARM's contract over HTTP for the APIs that follow it:
// routing and validation of paths, errors, pages, ETags, and the start of an
// asynchronous operation.
//
// It knows no api-version and does not change clusters otherwise.
package armhttp

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/validation"
)

// Router finds the route of a path by ARM's rules: fixed segments ignore case, and
// doubled and trailing slashes are ignored. Generated code adds the routes. Echo's
// router, which is case-sensitive, has them in lower case.
type Router struct {
	operations []validation.Operation
	router     *echo.Router
	routes     map[string]*Route   // by method and pattern
	methods    map[string][]string // by pattern
}

// Route is an operation and its handler.
type Route struct {
	validation.Operation
	Answer   echo.HandlerFunc
	segments []string // as in the spec; parameters begin with a colon
}

// NewRouter returns a router for these operations, still without routes.
func NewRouter(operations []validation.Operation) *Router {
	return &Router{operations: operations, router: echo.NewRouter(echo.New()), routes: map[string]*Route{}, methods: map[string][]string{}}
}

// Add adds the route of one of the operations. It panics if it is not one of them:
// the generated routes then differ from the generated list of operations.
func (r *Router) Add(method, path string, answer echo.HandlerFunc, _ ...echo.MiddlewareFunc) *echo.Route {
	i := slices.IndexFunc(r.operations, func(o validation.Operation) bool { return o.Method == method && echoPath(o.Path) == path })
	if i < 0 {
		panic("no operation is " + method + " " + path)
	}
	route := &Route{Operation: r.operations[i], Answer: answer, segments: strings.Split(path[1:], "/")}
	folded := slices.Clone(route.segments)
	for i, s := range folded {
		if s[0] != ':' {
			folded[i] = arm.ToLower(s)
		}
	}
	pattern := "/" + strings.Join(folded, "/")
	r.router.Add(method, pattern, answer)
	r.routes[method+pattern] = route
	r.methods[pattern] = append(r.methods[pattern], method)
	return &echo.Route{Method: method, Path: path, Name: route.ID}
}

// GET adds a route for generated code, like the other methods.
func (r *Router) GET(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.Add(http.MethodGet, path, h, m...)
}

// PUT adds a route.
func (r *Router) PUT(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.Add(http.MethodPut, path, h, m...)
}

// PATCH adds a route.
func (r *Router) PATCH(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.Add(http.MethodPatch, path, h, m...)
}

// POST adds a route.
func (r *Router) POST(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.Add(http.MethodPost, path, h, m...)
}

// DELETE adds a route.
func (r *Router) DELETE(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.Add(http.MethodDelete, path, h, m...)
}

// HEAD adds a route.
func (r *Router) HEAD(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.Add(http.MethodHead, path, h, m...)
}

// OPTIONS adds a route.
func (r *Router) OPTIONS(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.Add(http.MethodOptions, path, h, m...)
}

// CONNECT adds a route.
func (r *Router) CONNECT(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.Add(http.MethodConnect, path, h, m...)
}

// TRACE adds a route.
func (r *Router) TRACE(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route {
	return r.Add(http.MethodTrace, path, h, m...)
}

// Find returns the route of the request, and sets its parameters, its canonical path and
// its operation. If there is none it returns the methods of the path.
func (r *Router) Find(x *httpserver.Exchange) (*Route, []string) {
	var buffer [maxSegments]string
	segments := split(x.Request().URL.Path, buffer[:0])
	x.SetPath("")
	r.router.Find(x.Request().Method, arm.ToLower("/"+strings.Join(segments, "/")), x.Context)
	pattern := x.Path()
	methods := r.methods[pattern]
	if len(methods) == 0 || strings.Count(pattern, "/") != len(segments) {
		return nil, nil
	}
	route := r.routes[x.Request().Method+pattern]
	if route == nil {
		return nil, methods
	}
	values := make([]string, 0, len(x.ParamNames()))
	for i, s := range route.segments {
		if s[0] == ':' {
			values = append(values, segments[i])
		} else {
			segments[i] = s
		}
	}
	x.SetParamValues(values...)
	x.Canonical, x.Operation = "/"+strings.Join(segments, "/"), route.ID
	if id := ClusterID(x); id.Name != "" {
		x.Resource = id.String()
	}
	return route, methods
}

// maxSegments is more than any path has.
const maxSegments = 16

// split appends the non-empty segments, at most one more than maxSegments.
func split(path string, to []string) []string {
	for s := range strings.SplitSeq(path, "/") {
		if s != "" && len(to) < cap(to) {
			to = append(to, s)
		}
	}
	return to
}

// echoPath converts the parameters of a spec's path to those of echo.
func echoPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// ClusterID returns the cluster of the path.
func ClusterID(x echo.Context) arm.ClusterID {
	return arm.ClusterID{
		SubscriptionID: x.Param("subscriptionId"),
		ResourceGroup:  x.Param("resourceGroupName"),
		Name:           x.Param("resourceName"),
	}
}
