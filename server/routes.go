package server

import (
	"fmt"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/generated/admin"
)

// operations answers the operations of the specs, by operation id.
func (s *Server) operations() map[string]handler {
	return map[string]handler{
		"Operations_List":                        s.listOperations,
		"OpenShiftClusters_CreateOrUpdate":       s.putCluster,
		"OpenShiftClusters_Update":               s.patchCluster,
		"OpenShiftClusters_Get":                  s.getCluster,
		"OpenShiftClusters_List":                 s.listClusters,
		"OpenShiftClusters_ListByResourceGroup":  s.listClusters,
		"OpenShiftClusters_Delete":               s.deleteCluster,
		"OpenShiftClusters_GetCredentials":       s.listCredentials,
		"OpenShiftClusters_ListCredentials":      s.listCredentials,
		"OpenShiftClusters_ListAdminCredentials": s.listAdminCredentials,
		"OpenShiftVersions_List":                 s.listOpenShiftVersions,
		"OpenShiftVersions_Get":                  s.getOpenShiftVersion,
		"PlatformWorkloadIdentityRoleSets_List":  s.listRoleSets,
		"PlatformWorkloadIdentityRoleSet_Get":    s.getRoleSet,
	}
}

const (
	subscriptionPath = "/subscriptions/:subscriptionId"
	locationPath     = subscriptionPath + "/providers/" + arm.Namespace + "/locations/:location/"
	preflightPath    = subscriptionPath + "/resourceGroups/:resourceGroupName/providers/" + arm.Namespace + "/deployments/:deploymentName/preflight"
)

// route fills the table: the paths of the versions' specs, those that ARM asks
// outside of them, the admin API, and what keeps the service running.
func (s *Server) route() error {
	s.echo, s.table, s.versions = echo.New(), &table{}, map[string]*spoken{}
	all := register()
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = v.name
	}
	handlers := s.operations()
	for _, v := range all {
		if err := s.routeVersion(v, handlers); err != nil {
			return err
		}
	}
	for _, own := range []struct {
		verb, path string
		method     method
	}{
		{"PUT", subscriptionPath, method{operation: "Subscriptions_Put", handler: s.putSubscription, anyVersion: true}},
		{"POST", preflightPath, method{operation: "Deployments_Preflight", handler: s.preflightDeployment, versions: names}},
		{"GET", locationPath + statusSegment + "/:operationId", method{operation: "OperationsStatus_Get", handler: s.getOperationStatus, versions: names}},
		{"GET", locationPath + resultsSegment + "/:operationId", method{operation: "OperationResults_Get", handler: s.getOperationResult, versions: names}},
		{"GET", "/healthz/ready", method{operation: "Healthz_Ready", handler: s.ready, optional: true}},
		{"GET", "/healthz/live", method{operation: "Healthz_Live", handler: s.live, optional: true}},
		{"GET", "/metrics", method{operation: metricsOperation, handler: s.metrics.serve, optional: true}},
	} {
		m := s.table.add(own.path, own.verb, &own.method)
		s.echo.Add(own.verb, own.path, func(c echo.Context) error { return m.handler(c.(*call)) })
	}
	admin.RegisterHandlers(s.echo.Group(""), adminAPI{s})
	s.tableAdmin()
	// Whatever the version, the list of operations is the same.
	operations, _ := s.table.find("/providers/" + arm.Namespace + "/operations")
	operations.methods["GET"].anyVersion = true
	return nil
}

// routeVersion gives the version a router of its own. Echo keeps one for each
// virtual host; here the host is the api-version, and dispatch picks it.
func (s *Server) routeVersion(v *spoken, handlers map[string]handler) error {
	for _, o := range v.Operations() {
		h := handlers[o.ID]
		if h == nil {
			return fmt.Errorf("api-version %s: no handler for operation %s", v.name, o.ID)
		}
		if err := v.offers(o.ID); err != nil {
			return fmt.Errorf("api-version %s: %w", v.name, err)
		}
		m := s.table.add(echoPath(o.Path), o.Method, &method{operation: o.ID})
		m.versions = append(m.versions, v.name)
	}
	v.routes(s.echo.Host(v.name), func(c echo.Context, operationID string) error {
		return handlers[operationID](c.(*call))
	})
	v.router = s.echo.Routers()[v.name]
	s.versions[v.name] = v
	return nil
}

// offers reports whether the version can say what the operation answers.
func (v *spoken) offers(operationID string) error {
	ok := true
	switch {
	case operationID == "OpenShiftClusters_ListAdminCredentials":
		_, ok = v.version.(kubeconfigEncoder)
	case strings.HasPrefix(operationID, "OpenShiftVersions_"):
		_, ok = v.version.(openShiftVersionEncoder)
	case strings.HasPrefix(operationID, "PlatformWorkloadIdentityRoleSet"):
		_, ok = v.version.(roleSetEncoder)
	}
	if !ok {
		return fmt.Errorf("no encoder for operation %s", operationID)
	}
	return nil
}

// tableAdmin takes over the routes that the generated admin API registered.
func (s *Server) tableAdmin() {
	for _, r := range s.echo.Routes() {
		if strings.HasPrefix(r.Path, "/admin/") {
			s.table.add(r.Path, r.Method, &method{operation: "Admin", optional: true})
		}
	}
}

// echoPath turns the parameters of a spec's path into echo's.
func echoPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// dispatch hands the call to the router of its version, which knows the operation.
func (s *Server) dispatch(c *call) error {
	router := s.echo.Router()
	if c.version != nil && c.route.methods[c.Request().Method].handler == nil {
		router = c.version.router
	}
	router.Find(c.Request().Method, c.path, c.Context)
	return c.Context.Handler()(c)
}
