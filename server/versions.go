package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/generated/registry"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/validation"
)

// The optional methods of versions.
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

// version is an api-version with its routes.
type version struct {
	registry.Version
	name   string
	router *armhttp.Router
	byID   map[string]validation.Operation
}

// newVersion returns an api-version with a router, whose routes api implements.
func newVersion(e registry.Entry, api registry.API) (*version, error) {
	v := &version{Version: e.Version, name: e.APIVersion(), router: armhttp.NewRouter(e.Operations()), byID: map[string]validation.Operation{}}
	for _, o := range e.Operations() {
		v.byID[o.ID] = o
		if !v.encodes(o.ID) {
			return nil, fmt.Errorf("api-version %s: no encoder for operation %s", v.name, o.ID)
		}
	}
	e.Routes(v.router, api)
	return v, nil
}

// encodes reports whether the version can encode the response of the operation.
func (v *version) encodes(operationID string) bool {
	ok := true
	switch {
	case operationID == "OpenShiftClusters_ListAdminCredentials":
		_, ok = v.Version.(kubeconfigEncoder)
	case strings.HasPrefix(operationID, "OpenShiftVersions_"):
		_, ok = v.Version.(openShiftVersionEncoder)
	case strings.HasPrefix(operationID, "PlatformWorkloadIdentityRoleSet"):
		_, ok = v.Version.(roleSetEncoder)
	}
	return ok
}

// has reports whether the version offers the operation.
func (v *version) has(operationID string) bool {
	_, found := v.byID[operationID]
	return found
}

// accepted returns the status of an accepted operation: 202, or 200 if the version's
// spec declares no other success. Clients of a version refuse a status that it does not
// declare.
func (v *version) accepted(operationID string) int {
	if slices.Contains(v.byID[operationID].Statuses, http.StatusAccepted) {
		return http.StatusAccepted
	}
	return http.StatusOK
}
