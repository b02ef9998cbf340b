package openshift

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	cliflag "k8s.io/component-base/cli/flag"
	apiserverapp "k8s.io/kubernetes/cmd/kube-apiserver/app"
	apiserveroptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	managerapp "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	manageroptions "k8s.io/kubernetes/cmd/kube-controller-manager/app/options"

	"github.com/aro-rp/aro/backend/controlplane"
	"github.com/aro-rp/aro/local/home"
)

// component is one of the programs of Kubernetes, ready to run until ctx ends.
type component func(ctx context.Context) error

// components prepares both programs. They share process-wide feature gates, of
// which the controller manager changes one before the first use closes them:
// so both are prepared here, in this order, before either runs.
func components(h home.Home, spec controlplane.Spec) (api, manager component, err error) {
	if manager, err = controllerManager(h, spec); err != nil {
		return nil, nil, fmt.Errorf("kube-controller-manager: %w", err)
	}
	if api, err = apiServer(h, spec); err != nil {
		return nil, nil, fmt.Errorf("kube-apiserver: %w", err)
	}
	return api, manager, nil
}

// apiServer lets requests under way finish when its context ends.
func apiServer(h home.Home, spec controlplane.Spec) (component, error) {
	flags, err := apiServerFlags(h, spec)
	if err != nil {
		return nil, err
	}
	options := apiserveroptions.NewServerRunOptions()
	if err := parse(options.Flags(), flags); err != nil {
		return nil, err
	}
	if err := options.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		completed, err := options.Complete(ctx)
		if err != nil {
			return fmt.Errorf("kube-apiserver: %w", err)
		}
		if err := utilerrors.NewAggregate(completed.Validate()); err != nil {
			return fmt.Errorf("kube-apiserver: %w", err)
		}
		if err := apiserverapp.Run(ctx, completed); err != nil {
			return fmt.Errorf("kube-apiserver: %w", err)
		}
		return nil
	}, nil
}

func apiServerFlags(h home.Home, spec controlplane.Spec) (map[string]string, error) {
	port, err := h.Port()
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"allow-privileged":  "true",
		"advertise-address": home.Host,
		"bind-address":      home.Host,
		"secure-port":       strconv.Itoa(port),
		// An endpoint may not have a loopback address, and no pod would use it.
		"endpoint-reconciler-type":         "none",
		"etcd-servers":                     "unix://" + home.EtcdSocket,
		"tls-cert-file":                    h.CertificateFile(home.APIServer),
		"tls-private-key-file":             h.KeyFile(home.APIServer),
		"client-ca-file":                   h.CertificateFile(home.Authority),
		"authorization-mode":               "RBAC",
		"service-account-issuer":           "https://kubernetes.default.svc",
		"service-account-key-file":         h.KeyFile(home.ServiceAccounts),
		"service-account-signing-key-file": h.KeyFile(home.ServiceAccounts),
		"service-cluster-ip-range":         spec.ServiceCIDR,
		"profiling":                        "false",
	}, nil
}

// controllerManager must run after the API server answers: it gives up soon otherwise.
func controllerManager(h home.Home, spec controlplane.Spec) (component, error) {
	flags, err := managerFlags(h, spec)
	if err != nil {
		return nil, err
	}
	options, err := manageroptions.NewKubeControllerManagerOptions()
	if err != nil {
		return nil, err
	}
	known, disabled, aliases := managerapp.KnownControllers(), managerapp.ControllersDisabledByDefault(), managerapp.ControllerAliases()
	if err := parse(options.Flags(known, disabled, aliases), flags); err != nil {
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

// idle controllers serve volumes, pods that run, or clouds: there are none here.
var idle = []string{
	"persistentvolume-attach-detach-controller", "persistentvolume-binder-controller",
	"persistentvolume-expander-controller", "ephemeral-volume-controller",
	"horizontal-pod-autoscaler-controller", "bootstrap-signer-controller", "token-cleaner-controller",
}

func managerFlags(h home.Home, spec controlplane.Spec) (map[string]string, error) {
	pods, err := netip.ParsePrefix(spec.PodCIDR)
	if err != nil {
		return nil, fmt.Errorf("pod network: %w", err)
	}
	return map[string]string{
		"controllers":                      "*,-" + strings.Join(idle, ",-"),
		"kubeconfig":                       h.KubeconfigFile(home.ControllerManager),
		"leader-elect":                     "false",
		"secure-port":                      "0",
		"allocate-node-cidrs":              "true",
		"cluster-cidr":                     spec.PodCIDR,
		"node-cidr-mask-size":              strconv.Itoa(max(hostPrefix, pods.Bits())),
		"service-cluster-ip-range":         spec.ServiceCIDR,
		"root-ca-file":                     h.CertificateFile(home.Authority),
		"cluster-signing-cert-file":        h.CertificateFile(home.Authority),
		"cluster-signing-key-file":         h.KeyFile(home.Authority),
		"service-account-private-key-file": h.KeyFile(home.ServiceAccounts),
		"profiling":                        "false",
	}, nil
}

// hostPrefix is the size of the part of the pod network that OpenShift gives to a node.
const hostPrefix = 23

// parse sets flags as if they were given on a command line.
func parse(known cliflag.NamedFlagSets, flags map[string]string) error {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, s := range known.FlagSets {
		set.AddFlagSet(s)
	}
	for name, value := range flags {
		if err := set.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}
