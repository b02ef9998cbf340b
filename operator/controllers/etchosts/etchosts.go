// Package etchosts keeps the names of the API server and the gateway in the
// /etc/hosts of nodes, where they are found while no name server runs.
package etchosts

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
	"github.com/aro-rp/aro/operator/nodefiles"
)

// Names of the MachineConfigs have these around the pool's.
const prefix, suffix = "99-", "-aro-etc-hosts-gateway-domains"

const summary = "Keeps a MachineConfig `99-<pool>-aro-etc-hosts-gateway-domains` for each pool, which puts the names of the API server and the gateway into /etc/hosts, or removes them all. " +
	"Either restarts nodes, so it waits for an upgrade or for the flag that forces it; so does a new pool. "

// New are the controllers, two for their conditions, which dashboards know.
func New() []controller.Spec {
	cluster := spec("EtcHostsCluster", "This one begins when the Cluster or the release changes.")
	cluster.Release = true
	configs := spec("EtcHostsMachineConfig", "This one begins when one of the MachineConfigs changes.",
		controller.Watch{Kind: machineconfigurationv1.GroupVersion.WithKind("MachineConfig"), Matches: ours})
	return []controller.Spec{cluster, configs}
}

func spec(name, when string, watches ...controller.Watch) controller.Spec {
	group := machineconfigurationv1.GroupName
	return controller.Spec{
		Name: name, Summary: summary + when,
		Flag: flags.EtcHosts, Also: []flags.Name{flags.EtcHostsManaged, flags.ForceReconciliation},
		Watches: watches,
		Rules: []controller.Rule{
			{PolicyRule: controller.ResourceRule("list", group, "machineconfigpools")},
			{PolicyRule: controller.ResourceRule("update", group, "machineconfigpools/finalizers")},
			{PolicyRule: controller.ResourceRule("get list create patch update delete", group, "machineconfigs")},
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
	change, err := r.MayRestartNodes(ctx)
	if err != nil || !change {
		return err
	}
	if !r.Flags.True(flags.EtcHostsManaged) {
		return remove(ctx, r)
	}
	values, err := valuesOf(r.Cluster.Spec)
	if err != nil {
		return err
	}
	var pools machineconfigurationv1.MachineConfigPoolList
	if err := r.List(ctx, &pools); err != nil {
		return fmt.Errorf("list pools: %w", err)
	}
	var failed []error
	for i := range pools.Items {
		pool := &pools.Items[i]
		if pool.DeletionTimestamp != nil {
			continue
		}
		config, err := Build(pool.Name, values)
		if err != nil {
			return err
		}
		r.OwnBy(pool, machineconfigurationv1.GroupVersion.WithKind("MachineConfigPool"), config)
		failed = append(failed, nodefiles.Ensure(ctx, r, config))
	}
	return errors.Join(failed...)
}

// remove deletes the MachineConfigs of all pools, also of those that are gone.
func remove(ctx context.Context, r *controller.Request) error {
	var configs machineconfigurationv1.MachineConfigList
	if err := r.List(ctx, &configs); err != nil {
		return fmt.Errorf("list machine configs: %w", err)
	}
	var failed []error
	for i := range configs.Items {
		if ours(&configs.Items[i]) {
			_, err := r.Remove(ctx, &configs.Items[i])
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

func valuesOf(c arov1alpha1.ClusterSpec) (nodefiles.Values, error) {
	values := nodefiles.Values{Domain: c.Domain, APIServerInternalIP: c.APIIntIP, GatewayDomains: c.GatewayDomains, GatewayPrivateEndpointIP: c.GatewayPrivateEndpointIP}
	if _, err := netip.ParseAddr(c.APIIntIP); err != nil {
		return values, fmt.Errorf("spec.apiIntIP %q of the Cluster is no IP address", c.APIIntIP)
	}
	if _, err := netip.ParseAddr(c.GatewayPrivateEndpointIP); err != nil && len(c.GatewayDomains) > 0 {
		return values, fmt.Errorf("spec.gatewayPrivateEndpointIP %q of the Cluster is no IP address", c.GatewayPrivateEndpointIP)
	}
	return values, nil
}

// Build is the MachineConfig of a pool.
func Build(pool string, values nodefiles.Values) (*machineconfigurationv1.MachineConfig, error) {
	hosts, err := nodefiles.Render("aro.conf", values)
	if err != nil {
		return nil, err
	}
	script, err := nodefiles.Render("aro-etchosts-resolver.sh", values)
	if err != nil {
		return nil, err
	}
	unit, err := nodefiles.Render("aro-etchosts-resolver.service", values)
	if err != nil {
		return nil, err
	}
	return nodefiles.MachineConfig(prefix+pool+suffix, pool, []nodefiles.File{
		{Path: "/etc/hosts.d/aro.conf", Mode: 0o644, Content: hosts},
		{Path: "/usr/local/bin/aro-etchosts-resolver.sh", Mode: 0o744, Content: script},
	}, []nodefiles.Unit{{Name: "aro-etchosts-resolver.service", Content: unit}})
}
