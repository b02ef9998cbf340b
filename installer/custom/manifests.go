package custom

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	igntypes "github.com/coreos/ignition/v2/config/v3_2/types"
	configv1 "github.com/openshift/api/config/v1"
	"github.com/openshift/installer/pkg/asset"
	"github.com/openshift/installer/pkg/asset/manifests"
	"github.com/openshift/installer/pkg/types"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

const (
	dnsFile            = "manifests/cluster-dns-02-config.yml"
	infrastructureFile = "manifests/cluster-infrastructure-02-config.yml"
	ingressNamespace   = "openshift-ingress"
	// httpSecretBytes is the length of the key that the image registry's replicas
	// share.
	httpSecretBytes = 64
)

// Mirrored is a repository of release images and its mirror.
type Mirrored struct{ Source, Mirror string }

// Mirrors returns the repositories that a release is pulled from.
func Mirrors(registry string) []Mirrored {
	var all []Mirrored
	for _, name := range []string{"ocp-release", "ocp-release-nightly", "ocp-v4.0-art-dev"} {
		repository := "/openshift-release-dev/" + name
		all = append(all, Mirrored{Source: "quay.io" + repository, Mirror: registry + repository})
	}
	return all
}

// noZones removes DNS zones from the ingress operator's configuration: they do not
// exist, or the cluster cannot change them.
func (c *Custom) noZones(a *manifests.DNS) error {
	return edit(a.FileList, dnsFile, func(dns *configv1.DNS) {
		dns.Spec = configv1.DNSSpec{BaseDomain: c.req.Domain}
	})
}

// armEndpoint configures the endpoint of Azure in a cloud that is not predefined.
// The installer does so only for Azure Stack, whose endpoint it would query.
func (c *Custom) armEndpoint(a *manifests.Infrastructure) error {
	if c.req.ARMEndpoint == "" {
		return nil
	}
	return edit(a.FileList, infrastructureFile, func(i *configv1.Infrastructure) {
		i.Status.PlatformStatus.Azure.ARMEndpoint = c.req.ARMEndpoint
	})
}

// edit changes the object in one of the files.
func edit[T any](files []*asset.File, name string, change func(*T)) error {
	for _, f := range files {
		if f.Filename != name {
			continue
		}
		var object T
		if err := yaml.Unmarshal(f.Data, &object); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		change(&object)
		data, err := yaml.Marshal(object)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		f.Data = data
		return nil
	}
	return fmt.Errorf("the installer made no %s", name)
}

// ownManifests are applied with those of the installer. The cluster version
// operator has no overrides for them, because it does not manage them.
func (c *Custom) ownManifests() (part, error) {
	registries, err := c.workerRegistries()
	if err != nil {
		return part{}, err
	}
	registry, err := c.imageRegistry()
	if err != nil {
		return part{}, err
	}
	var p part
	for name, object := range map[string]any{
		"aro-ingress-namespace.yaml": ingressNamespaceObject(),
		"aro-ingress-service.yaml":   c.ingressService(),
		"aro-imageregistry.yaml":     registry,
		"aro-worker-registries.yaml": registries,
	} {
		data, err := yaml.Marshal(object)
		if err != nil {
			return part{}, fmt.Errorf("%s: %w", name, err)
		}
		p.files = append(p.files, file(path.Join("/opt/openshift/manifests", name), 0o644, data))
	}
	slices.SortFunc(p.files, func(a, b igntypes.File) int { return strings.Compare(a.Path, b.Path) })
	return p, nil
}

func ingressNamespaceObject() *corev1.Namespace {
	return &corev1.Namespace{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
		ObjectMeta: metav1.ObjectMeta{
			Name:        ingressNamespace,
			Annotations: map[string]string{"openshift.io/node-selector": "", "workload.openshift.io/allowed": "management"},
			Labels: map[string]string{
				"name": ingressNamespace, "network.openshift.io/policy-group": "ingress",
				"openshift.io/cluster-monitoring": "true", "policy-group.network.openshift.io/ingress": "",
			},
		},
	}
}

// ingressService is the default ingress controller's service. It is created before
// the operator does, so that it gets the address in the DNS record.
func (c *Custom) ingressService() *corev1.Service {
	annotations := map[string]string{"service.beta.kubernetes.io/azure-load-balancer-ipv4": c.req.IngressIP}
	if c.req.Publish == string(types.InternalPublishingStrategy) {
		annotations["service.beta.kubernetes.io/azure-load-balancer-internal"] = "true"
	}
	return &corev1.Service{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: ingressNamespace, Name: "router-default", Annotations: annotations,
			Labels: map[string]string{
				"app": "router", "router": "router-default",
				"ingresscontroller.operator.openshift.io/owning-ingresscontroller": "default",
			},
		},
		Spec: corev1.ServiceSpec{
			Type:                  corev1.ServiceTypeLoadBalancer,
			ExternalTrafficPolicy: corev1.ServiceExternalTrafficPolicyLocal,
			Selector:              map[string]string{"ingresscontroller.operator.openshift.io/deployment-ingresscontroller": "default"},
			Ports: []corev1.ServicePort{
				{Name: "http", Protocol: corev1.ProtocolTCP, Port: 80, TargetPort: intstr.FromString("http")},
				{Name: "https", Protocol: corev1.ProtocolTCP, Port: 443, TargetPort: intstr.FromString("https")},
			},
		},
	}
}

// imageRegistry uses the storage account that the resource provider created.
func (c *Custom) imageRegistry() (any, error) {
	secret := make([]byte, httpSecretBytes)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("image registry's key: %w", err)
	}
	return map[string]any{
		"apiVersion": "imageregistry.operator.openshift.io/v1",
		"kind":       "Config",
		"metadata":   map[string]any{"name": "cluster"},
		"spec": map[string]any{
			"managementState": "Managed",
			"replicas":        2,
			"httpSecret":      hex.EncodeToString(secret),
			"storage": map[string]any{
				"managementState": "Unmanaged",
				"azure": map[string]any{
					"accountName": c.req.ImageRegistryStorageAccount,
					"container":   c.req.ImageRegistryContainer,
					"cloudName":   string(c.config.Config.Azure.CloudName),
				},
			},
		},
	}, nil
}

// workerRegistries let workers pull release images from the mirror from their first
// boot on; the installer's own setting applies later.
func (c *Custom) workerRegistries() (any, error) {
	p, err := c.part([]source{{"registries.conf", "/etc/containers/registries.conf", 0o644}}, "")
	if err != nil {
		return nil, err
	}
	return machineConfig("90-aro-worker-registries", "worker", p)
}
