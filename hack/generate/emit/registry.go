package emit

import (
	"slices"
	"strings"
)

// Package returns the name of the Go package of an api-version.
func Package(version string) string {
	return "v" + strings.ReplaceAll(version, "-", "")
}

// Registry writes the package that lists the given api-versions.
func Registry(versions []string) ([]byte, error) {
	versions = slices.Sorted(slices.Values(versions))
	imports := []string{"github.com/labstack/echo/v4", "", module + "/arm"}
	for _, v := range versions {
		imports = append(imports, module+"/generated/"+Package(v))
	}
	imports = append(imports, module+"/model", module+"/validation")
	s := newSource("registry", "// Package registry lists the api-versions. Code for all versions iterates over it.\n", imports...)
	s.f("// Oldest and Newest are the first and the last api-version.\nconst (\nOldest = %q\nNewest = %q\n)\n", versions[0], versions[len(versions)-1])
	s.f(`// Version is what every api-version can do. It has no state.
type Version interface {
	APIVersion() string
	Operations() []validation.Operation
	ValidateCluster(body []byte, f *arm.Faults) []byte
	ValidateClusterUpdate(body []byte, f *arm.Faults) []byte
	WriteCluster(body []byte, old, c *model.Cluster, f *arm.Faults) error
	MergeCluster(body []byte, c *model.Cluster, f *arm.Faults) error
	EncodeCluster(c *model.Cluster) ([]byte, error)
	EncodeCredentials(username, password string) ([]byte, error)
}

// Router accepts the routes of an api-version.
type Router interface {
	Add(method, path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) *echo.Route
}
`)
	s.f("// API implements the operations of all api-versions.\ntype API interface {")
	for _, v := range versions {
		s.f("%s.ServerInterface", Package(v))
	}
	s.f("}\n")
	s.f("// Entry is an api-version with its routes, which api implements.\ntype Entry struct {\nVersion\nRoutes func(r Router, api API)\n}\n")
	s.f("// Versions lists the api-versions, oldest first.\nfunc Versions() []Entry {\nreturn []Entry{")
	for _, v := range versions {
		s.f("{%s.Version{}, func(r Router, api API) { %[1]s.RegisterHandlers(r, api) }},", Package(v))
	}
	s.f("}\n}\n")
	s.f("// Names lists the api-versions' names, oldest first.\nfunc Names() []string {\nreturn []string{")
	for _, v := range versions {
		s.f("%q,", v)
	}
	s.f("}\n}")
	return s.formatted()
}
