package server

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"regexp"
	"time"

	"github.com/labstack/echo/v4"

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
	if until, known := expiry(cl.Internal.UserAdminKubeconfig); known && !s.Now().Before(until) {
		return arm.RequestNotAllowed.Errorf("The administrator's kubeconfig expired on %s. Update the cluster without changes to renew it, for example with "+
			"az aro update, and repeat the request.", until.UTC().Format(time.RFC3339))
	}
	body, err := c.version.version.(kubeconfigEncoder).EncodeAdminKubeconfig([]byte(cl.Internal.UserAdminKubeconfig))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, body)
}

// clientCertificate finds a client's certificate in a kubeconfig, as the service
// writes it.
var clientCertificate = regexp.MustCompile(`(?m)^\s*client-certificate-data:\s*([A-Za-z0-9+/=]+)\s*$`)

// expiry is when the client's certificate in a kubeconfig expires, if it can be read.
func expiry(kubeconfig model.Secret) (until time.Time, known bool) {
	found := clientCertificate.FindStringSubmatch(string(kubeconfig))
	if found == nil {
		return until, false
	}
	text, err := base64.StdEncoding.DecodeString(found[1])
	if err != nil {
		return until, false
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return until, false
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return until, false
	}
	return certificate.NotAfter, true
}

// accessibleCluster is the cluster of the path, with its secrets, if it is there to be used.
// Nothing on the way keeps what is answered about it.
func (s *Server) accessibleCluster(c *call) (*model.Cluster, error) {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
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
