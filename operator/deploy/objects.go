// Package deploy puts the operator into a cluster: which objects there are and in which order, when
// they are ready, and how the Cluster object and its flags are kept.
//
// Functions that check readiness return what is still missing, in words that complete "waiting
// for", and an empty text when nothing is. Nothing here waits; the caller does.
package deploy

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"text/template"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/apis/crds"
)

// Namespace is where the operator lives.
const Namespace = "openshift-azure-operator"

// tokenFile is where an operator with a workload identity finds its token.
const tokenFile = "/var/run/secrets/openshift/serviceaccount/token"

//go:embed manifests.yaml
var manifests string

// roles are what the operators may do, which hack/operator makes of what their
// controllers declare.
//
//go:embed roles.yaml
var roles []byte

// Settings describe what is deployed.
type Settings struct {
	// Image is the operator's; its tag is the version.
	Image string
	// Cluster is the specification that the operator receives.
	Cluster arov1alpha1.ClusterSpec
	// PullSecret has the service's logins, in Docker's format.
	PullSecret string
	// WorkloadIdentity is the operator's; nil for clusters with a service principal,
	// in which OpenShift gives it a secret.
	WorkloadIdentity *WorkloadIdentity
	// Restricted meets the restricted pod security standard, from OpenShift 4.11.
	Restricted bool
	// Environment adds variables to the master's operator, such as for another cloud.
	Environment map[string]string
}

// WorkloadIdentity is an identity in Azure for which a service account's token vouches.
type WorkloadIdentity struct{ ClientID, TenantID, SubscriptionID string }

// values are the values that the template uses.
type values struct {
	Settings
	Version, PullSecretChecksum string
	TokenFile, TokenDirectory   string
	Roles                       []string
}

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

// Objects are all others but the Cluster, in the order in which they are applied.
func (s Settings) Objects() ([]*unstructured.Unstructured, error) {
	sum := sha256.Sum256([]byte(s.PullSecret))
	t, err := template.New("manifests").Funcs(template.FuncMap{
		"base64": func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) },
		"json": func(text string) (string, error) {
			encoded, err := json.Marshal(text)
			return string(encoded), err
		},
	}).Parse(manifests)
	if err != nil {
		return nil, fmt.Errorf("manifests of the operator: %w", err)
	}
	var out bytes.Buffer
	err = t.Execute(&out, values{Settings: s, Version: Version(s.Image), PullSecretChecksum: hex.EncodeToString(sum[:]),
		TokenFile: tokenFile, TokenDirectory: path.Dir(tokenFile), Roles: []string{"master", "worker"}})
	if err != nil {
		return nil, fmt.Errorf("manifests of the operator: %w", err)
	}
	own, err := decode(out.Bytes())
	if err != nil {
		return nil, err
	}
	rights, err := decode(roles)
	if err != nil {
		return nil, err
	}
	// The namespace and accounts first, deployments last: a pod must not begin without its rights.
	last := len(own) - 2
	return append(append(append([]*unstructured.Unstructured{}, own[:last]...), rights...), own[last:]...), nil
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

// ClusterObject is the Cluster.
func (s Settings) ClusterObject() (*unstructured.Unstructured, error) {
	spec, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&s.Cluster)
	if err != nil {
		return nil, fmt.Errorf("spec of the Cluster: %w", err)
	}
	o := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	o.SetGroupVersionKind(arov1alpha1.GroupVersion.WithKind("Cluster"))
	o.SetName(arov1alpha1.SingletonName)
	return o, nil
}
