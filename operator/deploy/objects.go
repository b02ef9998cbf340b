// Package deploy puts the operator into a cluster: which objects there are and in which order, when
// they are ready, and how the Cluster object and its flags are kept.
//
// Functions that check readiness return what is still missing, in words that complete "waiting
// for", and an empty text when nothing is. Nothing here waits; the caller does.
package deploy

import (
	_ "embed"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/apis/crds"
)

// Namespace is the namespace of the operator.
const Namespace = "openshift-azure-operator"

// tokenFile is where an operator with a workload identity finds its token.
const tokenFile = "/var/run/secrets/openshift/serviceaccount/token"

//go:embed manifests.yaml
var manifests []byte

//go:embed credentialsrequest.yaml
var credentialsRequest []byte

// roles are what the operators may do, which hack/operator makes of what their
// controllers declare.
//
//go:embed roles.yaml
var roles []byte

// Settings describe what is deployed.
type Settings struct {
	// Image is the operator's; its tag is the version.
	Image string
	// Cluster is the specification that the operator receives. Without flags it has those of new clusters.
	Cluster Cluster
	// Flags replace those of new clusters, and what the other settings mean for them.
	Flags map[string]string
	// CustomerSecurityGroup leaves the network security groups of the subnets to the customer.
	CustomerSecurityGroup bool
	// RestartNodes lets the operator restart nodes outside upgrades.
	RestartNodes bool
	// PullSecret has the service's logins, in Docker's format.
	PullSecret string
	// WorkloadIdentity is the operator's; nil for clusters with a service principal,
	// in which OpenShift gives it a secret.
	WorkloadIdentity *WorkloadIdentity
	// Credentials are those that OpenShift gives the operator in clusters with a service principal.
	Credentials Credentials
	// Restricted meets the restricted pod security standard, from OpenShift 4.11.
	Restricted bool
	// Cloud is an Azure other than Microsoft's; nil for those.
	Cloud *Cloud
}

// Cluster is the specification of the Cluster object.
type Cluster = arov1alpha1.ClusterSpec

// Cloud is an Azure that describes itself.
type Cloud struct {
	// URL is where it does.
	URL string
	// Authorities of its certificates are trusted beside the usual ones, PEM; may be empty.
	Authorities string
}

// WorkloadIdentity is an identity in Azure for which a service account's token vouches.
type WorkloadIdentity struct{ ClientID, TenantID, SubscriptionID string }

// Version returns the tag of an image: the text after the last colon.
func Version(image string) string {
	name, _, _ := strings.Cut(image[strings.LastIndex(image, "/")+1:], "@")
	if _, tag, tagged := strings.Cut(name, ":"); tagged {
		return tag
	}
	return "latest"
}

// Definitions are the operator's own kinds, which come first.
func Definitions() ([]*unstructured.Unstructured, error) { return crds.List() }

// Objects are all others but the Cluster, in the order in which they are applied: the
// namespace and accounts first, deployments last, because a pod must not begin without
// its rights.
func (s Settings) Objects() ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	contents := [][]byte{manifests, roles}
	if s.WorkloadIdentity == nil {
		contents = append(contents, credentialsRequest)
	}
	for _, content := range contents {
		fixed, err := decode(content)
		if err != nil {
			return nil, err
		}
		objects = append(objects, fixed...)
	}
	return append(objects, s.variable()...), nil
}

func decode(content []byte) ([]*unstructured.Unstructured, error) {
	var list []*unstructured.Unstructured
	for _, document := range strings.Split(string(content), "\n---\n") {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &o.Object); err != nil {
			return nil, fmt.Errorf("manifests of the operator: %w", err)
		}
		if len(o.Object) > 0 {
			list = append(list, o)
		}
	}
	return list, nil
}
