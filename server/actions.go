package server

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
)

// action is an entry of the list of operations that roles can permit. All versions
// return the same list, in the form of the oldest, which every version has.
type action struct {
	Name         string        `json:"name"`
	IsDataAction bool          `json:"isDataAction"`
	Display      actionDisplay `json:"display"`
	Origin       string        `json:"origin"`
}

type actionDisplay struct {
	Provider    string `json:"provider"`
	Resource    string `json:"resource"`
	Operation   string `json:"operation"`
	Description string `json:"description"`
}

// actions returns the names below the namespace with their display texts.
func actions() []action {
	entries := [][4]string{
		{"register/action", "register", "Register the resource provider", "Registers the subscription for Azure Red Hat OpenShift."},
		{"locations/operationresults/read", "locations/operationresults", "Read operation results", "Reads the result of an asynchronous operation."},
		{"locations/operationsstatus/read", "locations/operationsstatus", "Read operations status", "Reads how far an asynchronous operation is."},
		{"operations/read", "operations", "Read operations", "Lists the operations of the resource provider."},
		{"openShiftClusters/read", "openShiftClusters", "Read OpenShift cluster", "Reads a cluster, or lists clusters."},
		{"openShiftClusters/write", "openShiftClusters", "Write OpenShift cluster", "Creates or changes a cluster."},
		{"openShiftClusters/delete", "openShiftClusters", "Delete OpenShift cluster", "Deletes a cluster."},
		{"openShiftClusters/credentials/action", "openShiftClusters", "Get credentials of an OpenShift cluster", "Reads the password of kubeadmin in api-version 2019-12-31-preview."},
		{"openShiftClusters/listCredentials/action", "openShiftClusters", "List credentials of an OpenShift cluster", "Reads the password of kubeadmin."},
		{"openShiftClusters/listAdminCredentials/action", "openShiftClusters", "List Admin Kubeconfig of an OpenShift cluster", "Reads a kubeconfig with administrator rights."},
		{"openShiftClusters/detectors/read", "openShiftClusters", "Get OpenShift Cluster Detector", "Reads a diagnostic of a cluster."},
		{"locations/listPlatformWorkloadIdentityRoleSets/read", "listPlatformWorkloadIdentityRoleSets", "Lists all PlatformWorkloadIdentityRoleSets available in the specified location", "Lists which roles the identities of a cluster's operators need."},
		{"locations/openshiftVersions/read", "locations/openshiftVersions", "Lists all OpenShift versions available to install in the specified location", "Lists the OpenShift versions that clusters can be created with."},
	}
	list := make([]action, len(entries))
	for i, e := range entries {
		list[i] = action{
			Name:    arm.Namespace + "/" + e[0],
			Display: actionDisplay{Provider: "Azure Red Hat OpenShift", Resource: e[1], Operation: e[2], Description: e[3]},
			Origin:  "user,system",
		}
	}
	return list
}

// OperationsList lists the operations that roles can permit.
func (s *Server) OperationsList(ec echo.Context) error {
	c := ec.(*call)
	body, err := json.Marshal(struct {
		Value []action `json:"value"`
	}{actions()})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, body)
}
