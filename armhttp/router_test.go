package armhttp_test

import (
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/armhttp"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/generated/registry"
	"github.com/aro-rp/aro/httpserver"
)

var parameter = regexp.MustCompile(`\{(\w+)\}`)

// TestEveryOperationOfTheSpecsIsFound in any casing, and by no other method.
func TestEveryOperationOfTheSpecsIsFound(t *testing.T) {
	routers := map[string]*armhttp.Router{"admin": armhttp.NewRouter(api.Operations())}
	api.RegisterHandlers(routers["admin"], struct{ api.ServerInterface }{})
	operations := map[string][][3]string{}
	for _, o := range api.Operations() {
		operations["admin"] = append(operations["admin"], [3]string{o.ID, o.Method, o.Path})
	}
	for _, e := range registry.Versions() {
		name := e.APIVersion()
		routers[name] = armhttp.NewRouter(e.Operations())
		e.Routes(routers[name], struct{ registry.API }{})
		for _, o := range e.Operations() {
			operations[name] = append(operations[name], [3]string{o.ID, o.Method, o.Path})
		}
	}
	find := func(router *armhttp.Router, method, path string) (*httpserver.Exchange, *armhttp.Route, []string) {
		x := &httpserver.Exchange{Context: echo.New().NewContext(httptest.NewRequest(method, path, nil), httptest.NewRecorder())}
		route, methods := router.Find(x)
		return x, route, methods
	}
	for name, router := range routers {
		if len(operations[name]) < 8 {
			t.Errorf("%s has only %d operations", name, len(operations[name]))
		}
		for _, o := range operations[name] {
			id, method, path := o[0], o[1], parameter.ReplaceAllString(o[2], "$1-Value")
			for _, spelled := range []string{path, strings.ToUpper(path), path + "/", strings.ReplaceAll(path, "/", "//")} {
				x, route, _ := find(router, method, spelled)
				if route == nil || route.ID != id || x.Operation != id {
					t.Errorf("%s: %s %s finds %v, want %s", name, method, spelled, route, id)
					continue
				}
				if got := x.Param("subscriptionId"); strings.Contains(path, "subscriptionId-Value") && !strings.EqualFold(got, "subscriptionId-Value") {
					t.Errorf("%s: the subscription of %s is %q", name, spelled, got)
				}
				if spelled != strings.ToUpper(path) && x.Canonical != path {
					t.Errorf("%s: %s is spelled %s", name, spelled, x.Canonical)
				}
			}
			if _, route, methods := find(router, "TRACE", path); route != nil || !slices.Contains(methods, method) {
				t.Errorf("%s: TRACE %s finds %v and the methods %v", name, path, route, methods)
			}
			if _, route, methods := find(router, method, path+"/more/of/it"); route != nil || methods != nil {
				t.Errorf("%s: a path that goes on finds %v", name, route)
			}
		}
	}
}

func TestARouteWithoutAnOperationStopsTheStart(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("it was added")
		}
	}()
	armhttp.NewRouter(nil).GET("/nothing", nil)
}
