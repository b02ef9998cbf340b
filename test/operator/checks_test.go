package operator

import (
	"context"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/controllers/clusterdnschecker"
	"github.com/aro-rp/aro/operator/controllers/ingresscertificatechecker"
	"github.com/aro-rp/aro/operator/controllers/internetchecker"
	"github.com/aro-rp/aro/operator/controllers/serviceprincipalchecker"
	"github.com/aro-rp/aro/operator/flags"
)

// hasty is a checker's timing for tests.
var hasty = internetchecker.Timing{Attempts: 3, Each: 50 * time.Millisecond, Again: time.Hour}

func urls(list ...string) func(*arov1alpha1.Cluster) {
	return func(c *arov1alpha1.Cluster) { c.Spec.InternetChecker.URLs = list }
}

func TestInternetChecker(t *testing.T) {
	w := newFixture(t)
	failing := &atomic.Int32{}
	web := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, r *http.Request) {
		if failing.Add(-1) >= 0 {
			panic(http.ErrAbortHandler)
		}
		if r.Method != http.MethodHead {
			t.Errorf("asked by %s", r.Method)
		}
		writer.WriteHeader(http.StatusNotFound)
	}))
	defer web.Close()
	closed, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	dead := "http://" + closed.Addr().String()

	failing.Store(1)
	c := w.cluster(urls(web.URL))
	w.run(internetchecker.New(controller.Master, hasty))
	w.condition("InternetReachableFromMaster", operatorv1.ConditionTrue, "CheckDone")
	edit(w, c, urls(web.URL, dead))
	w.condition("InternetReachableFromMaster", operatorv1.ConditionFalse, "CheckFailed "+dead)
	edit(w, c, urls())
	w.condition("InternetReachableFromMaster", operatorv1.ConditionTrue, "CheckDone")
	w.set(c, flags.Checker, "false")
	if off := w.condition("InternetReachableFromMaster", operatorv1.ConditionUnknown, ""); off.Reason != "" || off.Message != "" {
		t.Errorf("off says %s %s", off.Reason, off.Message)
	}
}

// TestInternetCheckerOfWorkers runs with the rights of workers, which may read and
// report in the Cluster and nothing else.
func TestInternetCheckerOfWorkers(t *testing.T) {
	w := newFixture(t)
	c := w.cluster(urls())
	spec := internetchecker.New(controller.Worker, hasty)
	for _, rule := range controller.AllRules([]controller.Spec{spec}) {
		if rule.APIGroups[0] != "aro.openshift.io" {
			t.Errorf("a worker may use %v", rule.Resources)
		}
	}
	w.run(spec)
	w.condition("InternetReachableFromWorker", operatorv1.ConditionTrue, "CheckDone")
	if err := w.Get(t.Context(), key(c), c); err != nil || c.Status.OperatorVersion != "" {
		t.Errorf("a worker writes the version: %q, %v", c.Status.OperatorVersion, err)
	}
	w.unchanged(w.touched)
}

// token is unsigned: the signature is not checked.
func token(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".x"
}

func TestServicePrincipalChecker(t *testing.T) {
	w := newFixture(t)
	var answer atomic.Value
	type reply struct {
		token string
		err   error
	}
	answer.Store(reply{token: token(`{"roles":[]}`)})
	asked := &atomic.Int32{}
	w.namespace("kube-system")
	c := w.cluster()
	w.run(serviceprincipalchecker.New(func(_ context.Context, environment string) (string, error) {
		asked.Add(1)
		if environment != "AzurePublicCloud" {
			t.Errorf("asked in %s", environment)
		}
		r, _ := answer.Load().(reply)
		return r.token, r.err
	}))
	w.condition("ServicePrincipalValid", operatorv1.ConditionTrue, "Validation Successful")
	credentials := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "azure-credentials"}}
	answer.Store(reply{err: errors.New("AADSTS7000215: wrong secret")})
	w.with(credentials) // wakes it
	w.condition("ServicePrincipalValid", operatorv1.ConditionFalse, "Service Principal invalid")
	answer.Store(reply{err: errors.New("no route")})
	w.condition("ServicePrincipalValid", operatorv1.ConditionUnknown, "Validation Unavailable no route")
	answer.Store(reply{token: token(`{"roles":["Application.ReadWrite.OwnedBy"]}`)})
	w.condition("ServicePrincipalValid", operatorv1.ConditionUnknown, "Application.ReadWrite.OwnedBy")
	answer.Store(reply{token: "secret"})
	if c := w.condition("ServicePrincipalValid", operatorv1.ConditionUnknown, "cannot be read"); c.Message != "the token of Entra ID cannot be read" {
		t.Errorf("it says %q", c.Message)
	}
	w.set(c, flags.Checker, "false")
	w.condition("ServicePrincipalValid", operatorv1.ConditionUnknown, "")
}

func TestClusterDNSChecker(t *testing.T) {
	w := newFixture(t)
	w.cluster()
	w.run(clusterdnschecker.New())
	w.condition("DefaultClusterDNS", operatorv1.ConditionFalse, "CheckFailed")
	dns := &operatorv1.DNS{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	w.with(dns)
	w.condition("DefaultClusterDNS", operatorv1.ConditionTrue, "CheckDone")
	serve := func(zone string) {
		edit(w, dns, func(d *operatorv1.DNS) {
			d.Spec.Servers = []operatorv1.Server{{Name: "theirs", Zones: []string{zone}, ForwardPlugin: operatorv1.ForwardPlugin{Upstreams: []string{"10.0.0.9"}}}}
		})
	}
	serve("example.com")
	w.condition("DefaultClusterDNS", operatorv1.ConditionTrue, "10.0.0.9")
	serve(".")
	w.condition("DefaultClusterDNS", operatorv1.ConditionFalse, "CheckDone")
	serve("example.org")
	w.condition("DefaultClusterDNS", operatorv1.ConditionTrue, "10.0.0.9")
}

func TestIngressCertificateChecker(t *testing.T) {
	w := newFixture(t)
	c := w.cluster(func(c *arov1alpha1.Cluster) { c.Spec.Domain = "x.eastus.aroapp.io" })
	w.run(ingresscertificatechecker.New())
	w.condition("DefaultIngressCertificate", operatorv1.ConditionFalse, "CheckFailed")
	cv := w.clusterVersion("4.19.24", configv1.CompletedUpdate)
	router := &operatorv1.IngressController{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-ingress-operator", Name: "default"}}
	w.with(router)
	name := string(cv.Spec.ClusterID) + "-ingress"
	w.condition("DefaultIngressCertificate", operatorv1.ConditionFalse, name)
	present := func(name string) {
		edit(w, router, func(r *operatorv1.IngressController) {
			r.Spec.DefaultCertificate = &corev1.LocalObjectReference{Name: name}
		})
	}
	present(name)
	w.condition("DefaultIngressCertificate", operatorv1.ConditionTrue, "CheckDone")
	present("foo")
	w.condition("DefaultIngressCertificate", operatorv1.ConditionFalse, "foo")
	edit(w, c, func(c *arov1alpha1.Cluster) { c.Spec.Domain = "apps.example.com" })
	w.condition("DefaultIngressCertificate", operatorv1.ConditionTrue, "CheckDone")
	edit(w, router, func(r *operatorv1.IngressController) { r.Spec.DefaultCertificate = nil })
	w.condition("DefaultIngressCertificate", operatorv1.ConditionFalse, "customer")
	w.unchanged(func() {}) // no attempt after attempt: it is the customer's to put right
}
