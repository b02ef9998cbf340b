package server

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"regexp"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

const (
	kubeadmin = "kubeadmin"
	// renewBefore is how long before its expiry reading a kubeconfig renews it.
	// Updates and observations of the cluster do so much earlier.
	renewBefore = 30 * 24 * time.Hour
	// renewalWait is the Retry-After of a renewal, which takes about a second.
	// Clients of Azure repeat a request three times, and wait for a minute at most.
	renewalWait = 5 * time.Second
)

// OpenShiftClustersGetCredentials is the oldest version's name for listing them.
func (s *Server) OpenShiftClustersGetCredentials(ec echo.Context) error {
	return s.OpenShiftClustersListCredentials(ec)
}

// OpenShiftClustersListCredentials returns the password of the cluster's first user.
func (s *Server) OpenShiftClustersListCredentials(ec echo.Context) error {
	c := ec.(*call)
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

// OpenShiftClustersListAdminCredentials returns a kubeconfig of the cluster's administrator. If it
// expires soon it is renewed in the background; an expired one is not returned.
func (s *Server) OpenShiftClustersListAdminCredentials(ec echo.Context) error {
	c := ec.(*call)
	cl, err := s.accessibleCluster(c)
	if err != nil {
		return err
	}
	if s.expiresWithin(renewBefore, cl) {
		if cl, err = s.renewKubeconfig(c, cl); err != nil {
			return err
		}
	}
	body, err := c.version.Version.(kubeconfigEncoder).EncodeAdminKubeconfig([]byte(cl.Internal.UserAdminKubeconfig))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, body)
}

// renewKubeconfig starts the renewal of the cluster's kubeconfig, unless an operation
// is running: most of them renew it too. It returns the cluster with a valid
// kubeconfig.
func (s *Server) renewKubeconfig(c *call, cl *model.Cluster) (*model.Cluster, error) {
	id := armhttp.ClusterID(c)
	operation := s.operations.For(c.Exchange, c.subscriptionTenant())
	doc, err := s.Store.Clusters.Update(c.Ctx(), id.Partition(), id.Key(), func(doc *store.ClusterDocument) error {
		cl := &doc.Cluster
		if !s.expiresWithin(renewBefore, cl) || cl.MayChange() != nil {
			return store.ErrUnchanged
		}
		cl.Internal.MaintenanceTask = model.KubeconfigRenewal
		armhttp.Offer(doc)
		return operation.Begin(cl, cl, model.AdminUpdate)
	})
	switch {
	case err != nil:
		operation.DiscardUnused(nil, err)
		if !s.expiresWithin(0, cl) {
			s.Logger.WarnContext(c.Ctx(), "renewal of a kubeconfig not begun", "resource_id", cl.ID, "error", err)
			return cl, nil
		}
		if errors.Is(err, store.ErrNotFound) {
			return nil, armhttp.NotFound(id)
		}
		return nil, err
	case doc.Cluster.Internal.Operation != nil:
		c.OperationID = doc.Cluster.Internal.Operation.ID
		s.Wake()
	}
	operation.DiscardUnused(&doc.Cluster, nil)
	if s.expiresWithin(0, &doc.Cluster) {
		return nil, arm.KubeconfigExpired.Errorf("The administrator's kubeconfig of the cluster has expired and is renewed by operation %s. Repeat the request.", c.OperationID).After(renewalWait)
	}
	return &doc.Cluster, nil
}

// expiresWithin reports whether the customers' kubeconfig expires in that time.
func (s *Server) expiresWithin(d time.Duration, cl *model.Cluster) bool {
	until, known := expiry(cl.Internal.UserAdminKubeconfig)
	return known && !s.Now().Add(d).Before(until)
}

// clientCertificate matches the client certificate in a kubeconfig, as the service
// writes it.
var clientCertificate = regexp.MustCompile(`(?m)^\s*client-certificate-data:\s*([A-Za-z0-9+/=]+)\s*$`)

// expiry returns when the client certificate in a kubeconfig expires, if it can be
// parsed.
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

// accessibleCluster returns the cluster of the path, with its secrets, if its state allows
// access to it. The response must not be cached.
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
