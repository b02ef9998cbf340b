package server

import (
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/generated/registry"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/validation"
)

const (
	subscriptionPath = "/subscriptions/{subscriptionId}"
	locationPath     = subscriptionPath + "/providers/" + arm.Namespace + "/locations/{location}/"
	preflightPath    = subscriptionPath + "/resourceGroups/{resourceGroupName}/providers/" + arm.Namespace + "/deployments/{deploymentName}/preflight"

	putSubscriptionID = "Subscriptions_Put"
	listOperationsID  = "Operations_List"
)

// addRoutes adds the routes of every api-version, and those that ARM calls and no spec
// has.
func (s *Server) addRoutes() error {
	for _, e := range registry.Versions() {
		v, err := newVersion(e, s)
		if err != nil {
			return err
		}
		s.versions = append(s.versions, v)
	}
	own := []validation.Operation{
		{ID: putSubscriptionID, Method: "PUT", Path: subscriptionPath},
		{ID: "Deployments_Preflight", Method: "POST", Path: preflightPath},
		{ID: "OperationsStatus_Get", Method: "GET", Path: locationPath + statusSegment + "/{operationId}"},
		{ID: "OperationResults_Get", Method: "GET", Path: locationPath + resultsSegment + "/{operationId}"},
	}
	s.own = armhttp.NewRouter(own)
	for i, answer := range []echo.HandlerFunc{s.putSubscription, s.preflightDeployment, s.getOperationStatus, s.getOperationResult} {
		s.own.Add(own[i].Method, strings.NewReplacer("{", ":", "}", "").Replace(own[i].Path), answer)
	}
	return nil
}

// HTTP returns the API for an httpserver.Server.
func (s *Server) HTTP() httpserver.API {
	return httpserver.API{
		Prefix: "/", Clients: []string{Clients}, Denied: "The client certificate is not that of Azure Resource Manager.",
		Route: s.route, Failure: armhttp.Failure,
		Audited: func(x *httpserver.Exchange) bool { return readsCredentials(x.Operation) },
	}
}

// readsCredentials reports whether the operation returns secrets of a cluster.
func readsCredentials(operation string) bool {
	return strings.HasSuffix(operation, "Credentials")
}

// route returns the handler of a request. Errors are returned by the handler, which runs
// for authenticated callers only: first about the path, then about the query, the
// api-version and the body.
func (s *Server) route(x *httpserver.Exchange) func() error {
	route, methods := s.find(x, s.version(requestedVersion(x)))
	return func() (err error) {
		if err := route.Check(x, methods, s.Location); err != nil {
			return err
		}
		if err := armhttp.ReadQuery(x); err != nil {
			return err
		}
		c := &call{Exchange: x}
		if c.version, err = s.chooseVersion(x, route); err != nil {
			return err
		}
		if c.version != nil {
			x.Version = c.version.name
		}
		if armhttp.HasBody(x.Request().Method) {
			if c.body, err = x.JSONBody(armhttp.MaxBody); err != nil {
				return err
			}
		}
		return route.Answer(c)
	}
}

// find returns the route in the requested version, or outside the versions. If there
// is none, it sets the operation's name from a version that has it; otherwise it
// returns the methods of the path.
func (s *Server) find(x *httpserver.Exchange, asked *version) (route *armhttp.Route, methods []string) {
	routers := make([]*armhttp.Router, 0, len(s.versions)+2)
	if asked != nil {
		routers = append(routers, asked.router)
	}
	routers = append(routers, s.own)
	for _, v := range slices.Backward(s.versions) {
		routers = append(routers, v.router)
	}
	for _, router := range routers {
		route, more := router.Find(x)
		if route != nil {
			return route, nil
		}
		methods = append(methods, more...)
	}
	return nil, methods
}

// requestedVersion returns the api-version of the query, which has not been validated
// yet.
func requestedVersion(x *httpserver.Exchange) string {
	for name, values := range x.Request().URL.Query() {
		if arm.EqualFold(name, "api-version") {
			return values[0]
		}
	}
	return ""
}

// version returns the api-version of that name, or nil.
func (s *Server) version(name string) *version {
	if i := slices.IndexFunc(s.versions, func(v *version) bool { return v.name == name }); i >= 0 {
		return s.versions[i]
	}
	return nil
}

// chooseVersion returns the api-version, or an error if it does not offer the
// operation (U07). It returns nil for operations that ignore the api-version.
func (s *Server) chooseVersion(x *httpserver.Exchange, route *armhttp.Route) (*version, error) {
	name := x.QueryParam("api-version")
	v := s.version(name)
	switch {
	case name == "":
		return nil, arm.InvalidResourceType.At("api-version", "The query parameter api-version is missing. Supported are %s.", s.supported(route.ID))
	case route.ID == putSubscriptionID || route.ID == listOperationsID:
		return v, nil
	case v == nil:
		return nil, arm.InvalidResourceType.At("api-version", "%s is not supported. Supported are %s.", arm.Sent(name), s.supported(route.ID))
	case !v.has(route.ID) && !slices.Contains(s.offering(route.ID), name):
		return nil, arm.InvalidResourceType.At("api-version", "The operation %s is not part of api-version %s. It is available in %s.", route.ID, name, s.supported(route.ID))
	}
	return v, nil
}

// supported returns offering as text.
func (s *Server) supported(operationID string) string {
	return strings.Join(s.offering(operationID), ", ")
}

// offering lists the api-versions of an operation; every version has the operations
// that are in no spec.
func (s *Server) offering(operationID string) []string {
	if operationID == putSubscriptionID {
		return []string{subscriptionAPIVersion}
	}
	var offering, all []string
	for _, v := range s.versions {
		all = append(all, v.name)
		if v.has(operationID) {
			offering = append(offering, v.name)
		}
	}
	if len(offering) == 0 {
		return all
	}
	return offering
}
