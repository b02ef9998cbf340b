// Package dnsmasq keeps the name server of nodes, which knows the cluster's own names.
package dnsmasq

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
	"github.com/aro-rp/aro/operator/nodefiles"
)

// Names of the MachineConfigs have these around the pool's.
const prefix, suffix = "99-", "-aro-dns"

const summary = "Keeps a MachineConfig `99-<pool>-aro-dns` for each pool: the configuration of dnsmasq, which answers the cluster's own names and those of the gateway on every node, " +
	"and its unit. A new pool gets it at once. Changes restart nodes, so they wait for an upgrade or for the flag that forces them. "

// New returns the controllers. They do the same for all pools, whatever triggered them, and are
// three because each has conditions that dashboards use.
func New() []controller.Spec {
	version := machineconfigurationv1.GroupVersion
	cluster := spec("DnsmasqCluster", "This one begins when the Cluster or the release changes.")
	configs := spec("DnsmasqMachineConfig", "This one begins when one of the MachineConfigs changes.", controller.Watch{Kind: version.WithKind("MachineConfig"), Matches: ours})
	pools := spec("DnsmasqMachineConfigPool", "This one begins when a pool comes or changes.", controller.Watch{Kind: version.WithKind("MachineConfigPool"), Spec: true})
	cluster.Release = true
	return []controller.Spec{cluster, configs, pools}
}

func spec(name, when string, watches ...controller.Watch) controller.Spec {
	group := machineconfigurationv1.GroupName
	return controller.Spec{
		Name: name, Summary: summary + when,
		Flag: flags.Dnsmasq, Also: []flags.Name{flags.DnsmasqRestart, flags.ForceReconciliation},
		Watches: watches,
		Rules: []controller.Rule{
			{PolicyRule: controller.ResourceRule("list", group, "machineconfigpools")},
			{PolicyRule: controller.ResourceRule("update", group, "machineconfigpools/finalizers")},
			{PolicyRule: controller.ResourceRule("get create patch update", group, "machineconfigs")},
			{PolicyRule: controller.ResourceRule("get list watch", "config.openshift.io", "clusterversions")},
		},
		Reports:   controller.Health,
		Reconcile: reconcile,
	}
}

func ours(o client.Object) bool {
	return strings.HasPrefix(o.GetName(), prefix) && strings.HasSuffix(o.GetName(), suffix)
}

func reconcile(ctx context.Context, r *controller.Request) error {
	values, err := valuesOf(r.Cluster.Spec)
	if err != nil {
		return err
	}
	change, err := r.MayRestartNodes(ctx)
	if err != nil {
		return err
	}
	var pools machineconfigurationv1.MachineConfigPoolList
	if err := r.List(ctx, &pools); err != nil {
		return fmt.Errorf("list pools: %w", err)
	}
	var failed []error
	for i := range pools.Items {
		if pools.Items[i].DeletionTimestamp == nil {
			failed = append(failed, keep(ctx, r, &pools.Items[i], values, change))
		}
	}
	return errors.Join(failed...)
}

// keep makes the MachineConfig of a pool, and changes it if that is allowed.
func keep(ctx context.Context, r *controller.Request, pool *machineconfigurationv1.MachineConfigPool, values nodefiles.Values, change bool) error {
	config, err := Build(pool.Name, values, r.Flags.True(flags.DnsmasqRestart))
	if err != nil {
		return err
	}
	r.OwnBy(pool, machineconfigurationv1.GroupVersion.WithKind("MachineConfigPool"), config)
	if change {
		return nodefiles.Ensure(ctx, r, config)
	}
	err = r.Read(ctx, config.DeepCopy())
	if !apierrors.IsNotFound(err) {
		return err // what is there waits for its time
	}
	err = r.Make(ctx, config)
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// valuesOf are the addresses and names of a cluster, which must be such.
func valuesOf(c arov1alpha1.ClusterSpec) (nodefiles.Values, error) {
	addresses := map[string]string{"apiIntIP": c.APIIntIP, "ingressIP": c.IngressIP}
	if len(c.GatewayDomains) > 0 {
		addresses["gatewayPrivateEndpointIP"] = c.GatewayPrivateEndpointIP
	}
	for _, name := range []string{"apiIntIP", "ingressIP", "gatewayPrivateEndpointIP"} {
		if address, used := addresses[name]; used {
			if _, err := netip.ParseAddr(address); err != nil {
				return nodefiles.Values{}, fmt.Errorf("spec.%s %q of the Cluster is no IP address", name, address)
			}
		}
	}
	for _, name := range append([]string{c.Domain}, c.GatewayDomains...) {
		if name == "" || strings.ContainsAny(name, "/#\n\r\t ") {
			return nodefiles.Values{}, fmt.Errorf("%q in the Cluster's spec is no domain", name)
		}
	}
	return nodefiles.Values{Domain: c.Domain, APIServerInternalIP: c.APIIntIP, IngressIP: c.IngressIP,
		GatewayDomains: c.GatewayDomains, GatewayPrivateEndpointIP: c.GatewayPrivateEndpointIP}, nil
}

// Build is the MachineConfig of a pool.
func Build(pool string, values nodefiles.Values, restart bool) (*machineconfigurationv1.MachineConfig, error) {
	files := []nodefiles.File{
		{Path: "/etc/dnsmasq.conf", Mode: 0o644},
		{Path: "/usr/local/bin/aro-dnsmasq-pre.sh", Mode: 0o744},
	}
	if restart {
		files = append(files, nodefiles.File{Path: "/etc/NetworkManager/dispatcher.d/99-dnsmasq-restart", Mode: 0o744})
	}
	for i := range files {
		var err error
		if files[i].Content, err = nodefiles.Render(files[i].Path[strings.LastIndex(files[i].Path, "/")+1:], values); err != nil {
			return nil, err
		}
	}
	unit, err := nodefiles.Render("dnsmasq.service", values)
	if err != nil {
		return nil, err
	}
	return nodefiles.MachineConfig(prefix+pool+suffix, pool, files, []nodefiles.Unit{{Name: "dnsmasq.service", Content: unit}})
}
