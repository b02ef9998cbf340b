package machineapi

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"

	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/aro-rp/aro/local/controlplane/watch"
)

const (
	bootstrapper = "system:serviceaccount:openshift-machine-config-operator:node-bootstrapper"
	nodePrefix   = "system:node:"
	nodesGroup   = "system:nodes"
	// machinePatience is when to look again for the machine of a node.
	machinePatience = 5 * time.Second
)

// approver approves certificate requests of kubelets of known machines. The controller manager
// signs them.
type approver struct {
	client   client.Client
	requests kubernetes.Interface // for the subresource
}

func addApprover(m manager.Manager) error {
	requests, err := kubernetes.NewForConfig(m.GetConfig())
	if err != nil {
		return fmt.Errorf("machine approver: %w", err)
	}
	return builder.ControllerManagedBy(m).Named("machine-approver").
		For(&certificatesv1.CertificateSigningRequest{}).
		WithOptions(controller.Options{RateLimiter: watch.Limiter()}).
		Complete(&approver{client: m.GetClient(), requests: requests})
}

// Reconcile leaves a request alone that it does not approve: a person may, as in
// every OpenShift cluster.
func (a *approver) Reconcile(ctx context.Context, r reconcile.Request) (reconcile.Result, error) {
	var csr certificatesv1.CertificateSigningRequest
	if err := a.client.Get(ctx, r.NamespacedName, &csr); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if len(csr.Status.Conditions) > 0 || len(csr.Status.Certificate) > 0 {
		return reconcile.Result{}, nil
	}
	node, request := requestedNode(&csr)
	if node == "" {
		return reconcile.Result{}, nil
	}
	known, err := a.known(ctx, node, csr.Spec.SignerName, request)
	if err != nil {
		return reconcile.Result{}, err
	}
	if !known { // its machine may be on the way
		return reconcile.Result{RequeueAfter: machinePatience}, nil
	}
	csr.Status.Conditions = append(csr.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
		Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue,
		Reason: "NodeCSRApprove", Message: "This CSR was approved by the Node CSR Approver (cluster-machine-approver)",
	})
	_, err = a.requests.CertificatesV1().CertificateSigningRequests().UpdateApproval(ctx, csr.Name, &csr, updateOptions)
	if apierrors.IsNotFound(err) {
		err = nil
	}
	return reconcile.Result{}, err
}

// requestedNode is the node of a request that is a kubelet's for itself, or for the
// first certificate of its life; of any other it is empty.
func requestedNode(csr *certificatesv1.CertificateSigningRequest) (string, *x509.CertificateRequest) {
	block, _ := pem.Decode(csr.Spec.Request)
	if block == nil {
		return "", nil
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return "", nil
	}
	node, isNode := strings.CutPrefix(request.Subject.CommonName, nodePrefix)
	if !isNode || !slices.Equal(request.Subject.Organization, []string{nodesGroup}) {
		return "", nil
	}
	itself := csr.Spec.Username == request.Subject.CommonName && slices.Contains(csr.Spec.Groups, nodesGroup)
	switch csr.Spec.SignerName {
	case certificatesv1.KubeAPIServerClientKubeletSignerName:
		if (itself || csr.Spec.Username == bootstrapper) && len(request.DNSNames)+len(request.IPAddresses) == 0 {
			return node, request
		}
	case certificatesv1.KubeletServingSignerName:
		if itself {
			return node, request
		}
	}
	return "", nil
}

// known reports whether there is a machine of the node's name, and for a serving certificate,
// whether the node has all requested addresses.
func (a *approver) known(ctx context.Context, node, signer string, request *x509.CertificateRequest) (bool, error) {
	var machine machinev1beta1.Machine
	if err := a.client.Get(ctx, key(node), &machine); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	if signer != certificatesv1.KubeletServingSignerName {
		return true, nil
	}
	var have corev1.Node
	if err := a.client.Get(ctx, client.ObjectKey{Name: node}, &have); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	names := request.DNSNames
	for _, ip := range request.IPAddresses {
		names = append(names, ip.String())
	}
	for _, name := range names {
		if !slices.ContainsFunc(have.Status.Addresses, func(address corev1.NodeAddress) bool { return address.Address == name }) {
			return false, nil
		}
	}
	return true, nil
}
