package controlplane

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	managerapp "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	manageroptions "k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	garbagecollectorconfig "k8s.io/kubernetes/pkg/controller/garbagecollector/config"

	"github.com/aro-rp/aro/local/controlplane/bootstrap"
	"github.com/aro-rp/aro/local/generated/crds"
)

// controllerManager must run after the API server answers: it gives up soon otherwise.
func (p *plane) controllerManager() (component, error) {
	kubeconfig, err := p.writeKubeconfig("kube-controller-manager", bootstrap.ControllerManager)
	if err != nil {
		return nil, err
	}
	options, err := manageroptions.NewKubeControllerManagerOptions()
	if err != nil {
		return nil, err
	}
	known, disabled, aliases := managerapp.KnownControllers(), managerapp.ControllersDisabledByDefault(), managerapp.ControllerAliases()
	if err := parse(options.Flags(known, disabled, aliases), p.managerFlags(kubeconfig)); err != nil {
		return nil, err
	}
	if err := ignoreConfiguration(options.GarbageCollectorController); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		config, err := options.Config(ctx, known, disabled, aliases)
		if err != nil {
			return fmt.Errorf("kube-controller-manager: %w", err)
		}
		if err := managerapp.Run(ctx, config.Complete()); err != nil {
			return fmt.Errorf("kube-controller-manager: %w", err)
		}
		return nil
	}, nil
}

// idle controllers serve disks that are attached or pods that are measured: there
// are none here. Requests for certificates are approved by package machineapi, which
// knows the machines.
var idle = []string{
	"persistentvolume-attach-detach-controller", "persistentvolume-expander-controller",
	"horizontal-pod-autoscaler-controller", "bootstrap-signer-controller", "token-cleaner-controller",
	"certificatesigningrequest-approving-controller",
}

// ownedKinds are those of OpenShift's groups whose objects have owners, as groups or as kinds of a group. All
// the others are configuration, one object of each kind; the collector would watch them for nothing.
var ownedKinds = map[string]bool{
	"machine.openshift.io": true, "route.openshift.io": true, "console.openshift.io": true, "cloudcredential.openshift.io": true,
	"machineconfigs.machineconfiguration.openshift.io": true, "machineconfigpools.machineconfiguration.openshift.io": true,
}

func ignoreConfiguration(collector *manageroptions.GarbageCollectorControllerOptions) error {
	list, err := crds.List()
	if err != nil {
		return err
	}
	for _, crd := range list {
		group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
		resource, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "plural")
		if strings.HasSuffix(group, ".openshift.io") && !ownedKinds[group] && !ownedKinds[resource+"."+group] {
			collector.GCIgnoredResources = append(collector.GCIgnoredResources, garbagecollectorconfig.GroupResource{Group: group, Resource: resource})
		}
	}
	// They are namespaces, which are watched already.
	collector.GCIgnoredResources = append(collector.GCIgnoredResources, garbagecollectorconfig.GroupResource{Group: "project.openshift.io", Resource: "projects"})
	return nil
}

func (p *plane) managerFlags(kubeconfig string) map[string]string {
	return map[string]string{
		"controllers":                      "*,-" + strings.Join(idle, ",-"),
		"kubeconfig":                       kubeconfig,
		"leader-elect":                     "false",
		"secure-port":                      "0",
		"allocate-node-cidrs":              "true",
		"cluster-cidr":                     p.config.PodCIDR,
		"node-cidr-mask-size":              strconv.Itoa(p.config.HostPrefix),
		"service-cluster-ip-range":         p.config.ServiceCIDR,
		"root-ca-file":                     p.disk.CertificateFile(bootstrap.ServerAuthorities),
		"cluster-signing-cert-file":        p.disk.CertificateFile(bootstrap.KubeletSigner),
		"cluster-signing-key-file":         p.disk.KeyFile(bootstrap.KubeletSigner),
		"service-account-private-key-file": p.disk.SigningKeyFile(bootstrap.ServiceAccount),
		"profiling":                        "false",
	}
}

// writeKubeconfig lets one of Kubernetes' programs in. It names the files of the
// certificate, so that a renewed one is read.
func (p *plane) writeKubeconfig(user, certificate string) (file string, err error) {
	config := api.NewConfig()
	config.Clusters["cluster"] = &api.Cluster{Server: p.url(), CertificateAuthority: p.disk.CertificateFile(bootstrap.ServerAuthorities)}
	config.AuthInfos[user] = &api.AuthInfo{
		ClientCertificate: p.disk.CertificateFile(certificate),
		ClientKey:         p.disk.KeyFile(certificate),
	}
	config.Contexts[user] = &api.Context{Cluster: "cluster", AuthInfo: user}
	config.CurrentContext = user
	content, err := clientcmd.Write(*config)
	if err != nil {
		return "", err
	}
	file = filepath.Join(p.Dir, "tls", user+".kubeconfig")
	return file, os.WriteFile(file, content, 0o600)
}

// url is the API server's on this machine.
func (p *plane) url() string {
	return fmt.Sprintf("https://%s:%d", loopback, p.ports.APIServer)
}
