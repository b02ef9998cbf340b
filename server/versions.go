package server

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/generated/v20191231preview"
	"github.com/aro-rp/aro/generated/v20200430"
	"github.com/aro-rp/aro/generated/v20210901preview"
	"github.com/aro-rp/aro/generated/v20220401"
	"github.com/aro-rp/aro/generated/v20220904"
	"github.com/aro-rp/aro/generated/v20230401"
	"github.com/aro-rp/aro/generated/v20230701preview"
	"github.com/aro-rp/aro/generated/v20230904"
	"github.com/aro-rp/aro/generated/v20231122"
	"github.com/aro-rp/aro/generated/v20240812preview"
	"github.com/aro-rp/aro/generated/v20250725"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/shape"
)

// register lists the api-versions that are served, oldest first. A new version
// is a line here.
func register() []*spoken {
	return []*spoken{
		speak(v20191231preview.Version{}),
		speak(v20200430.Version{}),
		speak(v20210901preview.Version{}),
		speak(v20220401.Version{}),
		speak(v20220904.Version{}),
		speak(v20230401.Version{}),
		speak(v20230701preview.Version{}),
		speak(v20230904.Version{}),
		speak(v20231122.Version{}),
		speak(v20240812preview.Version{}),
		speak(v20250725.Version{}),
	}
}

// version is what the server asks of an api-version. Everything behind it is
// generated from the version's spec.
type version interface {
	APIVersion() string
	Operations() []shape.Operation
	ValidateCluster(body []byte, f *arm.Faults) []byte
	ValidateClusterUpdate(body []byte, f *arm.Faults) []byte
	WriteCluster(body []byte, old, c *model.Cluster, f *arm.Faults) error
	MergeCluster(body []byte, c *model.Cluster, f *arm.Faults) error
	EncodeCluster(c *model.Cluster) ([]byte, error)
	EncodeCredentials(username, password string) ([]byte, error)
}

// What only some versions can say.
type (
	kubeconfigEncoder interface {
		EncodeAdminKubeconfig(kubeconfig []byte) ([]byte, error)
	}
	openShiftVersionEncoder interface {
		EncodeOpenShiftVersion(v *model.OpenShiftVersion) ([]byte, error)
	}
	roleSetEncoder interface {
		EncodeRoleSet(r *model.PlatformWorkloadIdentityRoleSet) ([]byte, error)
	}
)

// spoken is a version with its own router.
type spoken struct {
	version
	name   string
	routes func(g *echo.Group, handle func(c echo.Context, operationID string) error)
	router *echo.Router
}

// accepted is how the version says that an operation goes on: 202, or 200 where
// its spec knows no other success. Clients of a version refuse what it does not declare.
func (v *spoken) accepted(operationID string) int {
	for _, o := range v.Operations() {
		if o.ID == operationID && slices.Contains(o.Statuses, http.StatusAccepted) {
			return http.StatusAccepted
		}
	}
	return http.StatusOK
}

// speak wraps a generated version. Each generated package has its own name for
// the router it wants, R, all with the methods of echo.Group.
func speak[R any](v interface {
	version
	Routes(r R, handle func(c echo.Context, operationID string) error)
}) *spoken {
	return &spoken{version: v, name: v.APIVersion(), routes: func(g *echo.Group, handle func(echo.Context, string) error) {
		v.Routes(any(g).(R), handle)
	}}
}
