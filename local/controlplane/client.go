package controlplane

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	machinev1 "github.com/openshift/api/machine/v1"
	machinev1beta1 "github.com/openshift/api/machine/v1beta1"
	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	routev1 "github.com/openshift/api/route/v1"
	securityv1 "github.com/openshift/api/security/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	kubernetesscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// adminConfig is the installer's own way in, from the machine itself.
func (p *plane) adminConfig() (*rest.Config, error) {
	content, err := os.ReadFile(p.disk.Kubeconfig("kubeconfig-loopback"))
	if err != nil {
		return nil, fmt.Errorf("client of the API server: %w", err)
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(content)
	if err != nil { // may quote the file
		return nil, fmt.Errorf("client of the API server: auth/kubeconfig-loopback is no kubeconfig")
	}
	config.Host = p.url()
	config.UserAgent = "openshift"
	// Applying the manifests is a burst, and the server has its own fairness.
	config.QPS, config.Burst = 200, 400
	config.Timeout = 30 * time.Second
	config.WarningHandler = rest.NoWarnings{} // about the installer's manifests
	config.Wrap(impatient)
	return config, nil
}

// waitReady returns once the API server reports that it is ready.
func waitReady(ctx context.Context, config *rest.Config) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("client of the API server: %w", err)
	}
	for {
		if _, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// impatient makes a client send requests again soon that the API server refuses while it prepares a
// kind's storage: it asks clients to wait a second for what takes it some milliseconds.
func impatient(next http.RoundTripper) http.RoundTripper { return soon{next} }

type soon struct{ http.RoundTripper }

const (
	soonPause    = 50 * time.Millisecond
	soonAttempts = 20 // about the second
)

// RoundTrip implements http.RoundTripper.
func (s soon) RoundTrip(r *http.Request) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		answer, err := s.RoundTripper.RoundTrip(r)
		if err != nil || answer.StatusCode != http.StatusTooManyRequests || attempt == soonAttempts || r.Body != nil && r.GetBody == nil {
			return answer, err
		}
		_ = answer.Body.Close() // the refusal alone was in it
		if r.Body != nil {
			r = r.Clone(r.Context())
			if r.Body, err = r.GetBody(); err != nil {
				return nil, err
			}
		}
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(soonPause):
		}
	}
}

// newScheme knows the kinds that controllers work with.
func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		kubernetesscheme.AddToScheme, configv1.Install, operatorv1.Install, machinev1.Install,
		machinev1beta1.Install, machineconfigurationv1.Install, routev1.Install, securityv1.Install,
		apiregistrationv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("kinds of OpenShift: %w", err)
		}
	}
	return scheme, nil
}
