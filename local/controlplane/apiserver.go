package controlplane

import (
	"context"
	"fmt"
	"maps"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apiserver/pkg/server/egressselector"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/klog/v2"
	apiserverapp "k8s.io/kubernetes/cmd/kube-apiserver/app"
	apiserveroptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"

	"github.com/aro-rp/aro/local/controlplane/bootstrap"
	"github.com/aro-rp/aro/local/controlplane/login"
	"github.com/aro-rp/aro/local/controlplane/prepared"
)

// component is one of the programs of Kubernetes, ready to run until ctx ends.
type component func(ctx context.Context) error

// unstopped leaves the program running when ctx ends: one whose context ends while it starts may
// panic. It ends with the process, which has nothing else to do then.
func (c component) unstopped(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- c(context.WithoutCancel(ctx)) }()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// exitUnlessStopped keeps programs of Kubernetes from ending the process with a failure when they
// miss an API server that ended with ctx.
func exitUnlessStopped(ctx context.Context) {
	klog.OsExit = func(code int) {
		if ctx.Err() != nil {
			runtime.Goexit()
		}
		os.Exit(code)
	}
}

// apiServer lets requests under way finish when its context ends.
func (p *plane) apiServer() (program component, err error) {
	options := apiserveroptions.NewServerRunOptions()
	if err := parse(options.Flags(), p.apiServerFlags()); err != nil {
		return nil, err
	}
	if err := options.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return nil, err
	}
	if p.constraints, err = p.admitPods(options); err != nil {
		return nil, err
	}
	people, err := p.people()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		return serve(ctx, options, func(config *apiserverapp.Config) error { return p.adapt(config, people) })
	}, nil
}

// adapt adds the certificates of names, for OpenShift restarts its API servers for a
// new one, and this process would stop with it, finds the way to the nodes, knows people
// who logged in and their projects, and reports the cluster's version.
func (p *plane) adapt(config *apiserverapp.Config, people login.Server) error {
	serving := config.KubeAPIs.ControlPlane.Generic.SecureServing
	serving.SNICerts = append(p.serving.providers(), serving.SNICerts...)
	if p.Nodes != "" {
		config.KubeAPIs.Extra.KubeletClientConfig.Lookup = func(egressselector.NetworkContext) (utilnet.DialFunc, error) { return p.dialNode, nil }
	}
	if p.filled {
		config.KubeAPIs.ControlPlane.Generic.DisabledPostStartHooks.Insert(prepared.Hooks...) // all that they look for is there
	}
	// It comes first in the chain of servers.
	front := &config.Aggregator.GenericConfig.Config
	if err := showProjects(front); err != nil {
		return err
	}
	letPeopleIn(front, people)
	front.BuildHandlerChainFunc = p.version.within(front.BuildHandlerChainFunc)
	return nil
}

// serve does what the program does, except for what adapt changes.
func serve(ctx context.Context, options *apiserveroptions.ServerRunOptions, adapt func(*apiserverapp.Config) error) error {
	if err := runAPIServer(ctx, options, adapt); err != nil {
		return fmt.Errorf("kube-apiserver: %w", err)
	}
	return nil
}

func runAPIServer(ctx context.Context, options *apiserveroptions.ServerRunOptions, adapt func(*apiserverapp.Config) error) error {
	completed, err := options.Complete(ctx)
	if err != nil {
		return err
	}
	if err := utilerrors.NewAggregate(completed.Validate()); err != nil {
		return err
	}
	config, err := apiserverapp.NewConfig(completed)
	if err != nil {
		return err
	}
	if err := adapt(config); err != nil {
		return err
	}
	ready, err := config.Complete()
	if err != nil {
		return err
	}
	server, err := apiserverapp.CreateServerChain(ready)
	if err != nil {
		return err
	}
	prepared, err := server.PrepareRun()
	if err != nil {
		return err
	}
	return prepared.Run(ctx)
}

func (p *plane) apiServerFlags() map[string]string {
	flags := map[string]string{
		"allow-privileged":  "true",
		"advertise-address": loopback,
		"bind-address":      loopback,
		"secure-port":       strconv.Itoa(p.ports.APIServer),
		// An endpoint may not have a loopback address, and no pod would use it.
		"endpoint-reconciler-type":   "none",
		"etcd-servers":               "unix://" + clientSocket,
		"tls-cert-file":              p.disk.CertificateFile(bootstrap.LocalhostServer),
		"tls-private-key-file":       p.disk.KeyFile(bootstrap.LocalhostServer),
		"client-ca-file":             p.disk.CertificateFile(bootstrap.ClientAuthorities),
		"kubelet-client-certificate": p.disk.CertificateFile(bootstrap.KubeletClient),
		"kubelet-client-key":         p.disk.KeyFile(bootstrap.KubeletClient),
		// Kubelets' certificates are signed by request.
		"kubelet-certificate-authority":   p.disk.CertificateFile(bootstrap.KubeletSigner),
		"kubelet-preferred-address-types": "InternalIP",
		"authorization-mode":              "Node,RBAC",
		"service-account-issuer":          p.config.Issuer,
		"service-cluster-ip-range":        p.config.ServiceCIDR,
		"profiling":                       "false",
	}
	maps.Copy(flags, p.aggregatorFlags())
	maps.Copy(flags, p.serviceAccountFlags())
	var names []string
	for _, name := range []string{bootstrap.LoadBalancerServer, bootstrap.InternalServer, bootstrap.ServiceServer} {
		names = append(names, p.disk.CertificateFile(name)+","+p.disk.KeyFile(name))
	}
	// A flag of this kind takes one pair at a time, and parse sets each flag once.
	flags["tls-sni-cert-key"] = strings.Join(names, ";")
	return flags
}

func (p *plane) aggregatorFlags() map[string]string {
	return map[string]string{
		"proxy-client-cert-file":             p.disk.CertificateFile(bootstrap.AggregatorClient),
		"proxy-client-key-file":              p.disk.KeyFile(bootstrap.AggregatorClient),
		"requestheader-client-ca-file":       p.disk.CertificateFile(bootstrap.ProxyAuthorities),
		"requestheader-allowed-names":        "kube-apiserver-proxy,system:kube-apiserver-proxy,system:openshift-aggregator",
		"requestheader-username-headers":     "X-Remote-User",
		"requestheader-group-headers":        "X-Remote-Group",
		"requestheader-extra-headers-prefix": "X-Remote-Extra-",
	}
}

// serviceAccountFlags sign with the key that the cluster's owner brought, and
// accept what either key signed.
func (p *plane) serviceAccountFlags() map[string]string {
	flags := map[string]string{
		"service-account-key-file":         p.disk.PublicKeyFile(bootstrap.ServiceAccount),
		"service-account-signing-key-file": p.disk.SigningKeyFile(bootstrap.ServiceAccount),
	}
	if p.disk.HasBoundKey() {
		flags["service-account-signing-key-file"] = p.disk.SigningKeyFile(bootstrap.BoundServiceAccount)
		flags["service-account-key-file"] += ";" + p.disk.PublicKeyFile(bootstrap.BoundServiceAccount)
	}
	return flags
}

// parse sets flags as if they were given on a command line; one whose value has
// semicolons is given once for each part.
func parse(known cliflag.NamedFlagSets, flags map[string]string) error {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, s := range known.FlagSets {
		set.AddFlagSet(s)
	}
	for name, value := range flags {
		for part := range strings.SplitSeq(value, ";") {
			if err := set.Set(name, part); err != nil {
				return err
			}
		}
	}
	return nil
}
