package server

import (
	"encoding/json"
	"net/http"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

const kubeadmin = "kubeadmin"

// listCredentials answers with the password of the cluster's first user.
func (s *Server) listCredentials(c *call) error {
	cl, err := s.accessibleCluster(c)
	if err != nil {
		return err
	}
	body, err := c.version.EncodeCredentials(kubeadmin, string(cl.Internal.KubeadminPassword))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, body)
}

// listAdminCredentials answers with a kubeconfig of the cluster's administrator.
func (s *Server) listAdminCredentials(c *call) error {
	cl, err := s.accessibleCluster(c)
	if err != nil {
		return err
	}
	body, err := c.version.version.(kubeconfigEncoder).EncodeAdminKubeconfig([]byte(cl.Internal.UserAdminKubeconfig))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, body)
}

// accessibleCluster is the cluster of the path, with its secrets, if it is there to be used.
func (s *Server) accessibleCluster(c *call) (*model.Cluster, error) {
	if len(c.body) > 0 && !json.Valid(c.body) {
		return nil, arm.InvalidRequestContent.Errorf("The body is not valid JSON. The operation needs none.")
	}
	if err := s.subscriptionAllows(c, model.Registered); err != nil {
		return nil, err
	}
	cl, err := readCluster(c, s.Store.Clusters.Get)
	if err != nil {
		return nil, err
	}
	state, failed := cl.Properties.ProvisioningState, cl.Internal.FailedProvisioningState
	if state == model.Creating || state == model.Deleting ||
		state == model.Failed && (failed == model.Creating || failed == model.Deleting) {
		return nil, arm.RequestNotAllowed.At("properties.provisioningState",
			"The cluster has no credentials in provisioning state %q. Wait until it is created, or delete it if it failed.", state)
	}
	return cl, nil
}
