package controlplane

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/aro-rp/aro/local/controlplane/watch"
)

// rollout presents the certificates that the APIServer's spec names, and reports
// it as OpenShift does: as a new revision of the API servers, one after another.
type rollout struct {
	client  client.Client
	serving *named
	port    int
}

func addRollout(m manager.Manager, serving *named, port int) error {
	r := &rollout{client: m.GetClient(), serving: serving, port: port}
	return watch.Add(m, "kube-apiserver", r.reconcile, &configv1.APIServer{}, &corev1.Secret{}, &operatorv1.KubeAPIServer{}, &corev1.Node{})
}

func (r *rollout) reconcile(ctx context.Context) (time.Duration, error) {
	var config configv1.APIServer
	if err := r.client.Get(ctx, client.ObjectKey{Name: "cluster"}, &config); err != nil {
		return 0, client.IgnoreNotFound(err)
	}
	var operator operatorv1.KubeAPIServer
	if err := r.client.Get(ctx, client.ObjectKey{Name: "cluster"}, &operator); err != nil {
		return 0, client.IgnoreNotFound(err)
	}
	certificates, problem, err := r.wanted(ctx, config.Spec.ServingCerts.NamedCertificates)
	if err != nil {
		return 0, err
	}
	if problem != "" {
		return 0, r.report(ctx, &operator, problem, false)
	}
	observed, err := observe(certificates, operator.Spec.ForceRedeploymentReason)
	if err != nil {
		return 0, err
	}
	if operator.Spec.ObservedConfig.Raw == nil || !sameJSON(operator.Spec.ObservedConfig.Raw, observed) {
		// The revision is announced before anything changes: the client that changed the spec must
		// not see API servers that have settled.
		operator.Status.LatestAvailableRevision++
		if err := r.report(ctx, &operator, "", false); err != nil {
			return 0, err
		}
		patch := client.MergeFrom(operator.DeepCopy())
		operator.Spec.ObservedConfig = runtime.RawExtension{Raw: observed}
		if err := r.client.Patch(ctx, &operator, patch); err != nil {
			return 0, err
		}
	}
	if !r.serving.equal(certificates) {
		if err := r.serving.set(certificates); err != nil {
			return 0, r.report(ctx, &operator, err.Error(), false)
		}
	}
	if err := r.presented(ctx, certificates); err != nil {
		return 100 * time.Millisecond, nil //nolint:nilerr // the API server is about to
	}
	return 0, r.report(ctx, &operator, "", true)
}

// wanted reads the certificates; problem is what their owner has to change.
func (r *rollout) wanted(ctx context.Context, named []configv1.APIServerNamedServingCert) (certificates []slot, problem string, err error) {
	for _, want := range named {
		name := want.ServingCertificate.Name
		if name == "" {
			continue
		}
		var secret corev1.Secret
		err := r.client.Get(ctx, client.ObjectKey{Namespace: "openshift-config", Name: name}, &secret)
		if client.IgnoreNotFound(err) != nil {
			return nil, "", err
		}
		cert, key := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
		if err != nil || len(cert) == 0 || len(key) == 0 {
			return nil, fmt.Sprintf("secret openshift-config/%s of a named certificate is missing or empty", name), nil //nolint:nilerr // the problem tells it
		}
		if _, err := tls.X509KeyPair(cert, key); err != nil {
			return nil, fmt.Sprintf("secret openshift-config/%s holds no certificate with its key", name), nil //nolint:nilerr // the problem tells it
		}
		certificates = append(certificates, slot{Names: want.Names, Cert: cert, Key: key, Secret: name})
	}
	if len(certificates) > slots {
		return nil, fmt.Sprintf("%d named certificates are more than %d", len(certificates), slots), nil
	}
	return certificates, "", nil
}

// observe is what OpenShift's operator notes of the certificates; the digest
// makes a renewed one differ. A new reason to redeploy makes a new revision, too.
func observe(certificates []slot, reason string) ([]byte, error) {
	list := []map[string]any{}
	for _, certificate := range certificates {
		digest := sha256.Sum256(certificate.Cert)
		list = append(list, map[string]any{
			"names": append([]string{}, certificate.Names...), "digest": hex.EncodeToString(digest[:]), "secret": certificate.Secret,
		})
	}
	return json.Marshal(map[string]any{"forceRedeploymentReason": reason, "servingInfo": map[string]any{"namedCertificates": list}})
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && equality.Semantic.DeepEqual(x, y)
}

// presented reads the certificate from the API server itself.
func (r *rollout) presented(ctx context.Context, certificates []slot) error {
	for _, certificate := range certificates {
		for _, name := range certificate.Names {
			if err := r.presents(ctx, name, certificate); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *rollout) presents(ctx context.Context, name string, want slot) error {
	pair, err := tls.X509KeyPair(want.Cert, want.Key)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	// Which certificate it is matters, not whether it is trusted.
	dialer := tls.Dialer{Config: &tls.Config{ServerName: name, InsecureSkipVerify: true}} //nolint:gosec // see above
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(loopback, strconv.Itoa(r.port)))
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing was written
	shown := conn.(*tls.Conn).ConnectionState().PeerCertificates
	if len(shown) == 0 || !shown[0].Equal(pair.Leaf) {
		return fmt.Errorf("%s still has its old certificate", name)
	}
	return nil
}

// report lets every master have the newest revision once it is presented.
func (r *rollout) report(ctx context.Context, operator *operatorv1.KubeAPIServer, problem string, settled bool) error {
	var masters corev1.NodeList
	if err := r.client.List(ctx, &masters, client.HasLabels{"node-role.kubernetes.io/master"}); err != nil {
		return err
	}
	have := operator.DeepCopy()
	if err := r.client.Get(ctx, client.ObjectKeyFromObject(operator), have); err != nil {
		return err
	}
	status := operator.Status.DeepCopy()
	status.ObservedGeneration = operator.Generation
	old := map[string]int32{}
	for _, node := range status.NodeStatuses {
		old[node.NodeName] = node.CurrentRevision
	}
	// The cache has them in any order: another one would be another status.
	slices.SortFunc(masters.Items, func(a, b corev1.Node) int { return strings.Compare(a.Name, b.Name) })
	status.NodeStatuses = nil
	for _, master := range masters.Items {
		node := operatorv1.NodeStatus{NodeName: master.Name, CurrentRevision: old[master.Name]}
		// A node that is new to the list may not have one: it comes with the next look.
		if _, known := old[master.Name]; known && settled {
			node.CurrentRevision = status.LatestAvailableRevision
		}
		status.NodeStatuses = append(status.NodeStatuses, node)
	}
	setProblem(status, problem)
	if equality.Semantic.DeepEqual(status, &have.Status) {
		return nil
	}
	operator.Status = *status
	return r.client.Status().Update(ctx, operator)
}

// setProblem records why the certificates cannot be presented.
func setProblem(status *operatorv1.KubeAPIServerStatus, problem string) {
	condition := operatorv1.OperatorCondition{Type: "CertificatesDegraded", Status: operatorv1.ConditionFalse, Reason: "AsExpected", LastTransitionTime: metav1.Now()}
	if problem != "" {
		condition.Status, condition.Reason, condition.Message = operatorv1.ConditionTrue, "CertificateInvalid", problem
	}
	for i, have := range status.Conditions {
		if have.Type != condition.Type {
			continue
		}
		if have.Status != condition.Status || have.Message != condition.Message {
			status.Conditions[i] = condition
		}
		return
	}
	status.Conditions = append(status.Conditions, condition)
}
