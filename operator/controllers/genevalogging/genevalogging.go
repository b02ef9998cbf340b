// Package genevalogging runs the exporters of logs, OpenTelemetry collectors on every node that
// send the platform's logs through the gateway to the service.
package genevalogging

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
	"github.com/aro-rp/aro/operator/release"
)

const (
	namespace   = "openshift-azure-logging"
	account     = "geneva"
	configMap   = "otel-config"
	constraints = "privileged-genevalogging"
	exporter    = "otel-exporter-"
	// image is the default, in the service's registry.
	image = "/telemetryexporter:v0.165.0-1"
)

//go:embed manifests.yaml
var text []byte

// restricted is the release since which namespaces have pod security levels.
var restricted = release.Version{Major: 4, Minor: 11}

var sccKind = schema.GroupVersionKind{Group: "security.openshift.io", Version: "v1", Kind: "SecurityContextConstraints"}

// New is the controller.
func New() (controller.Spec, error) {
	manifests, err := controller.ParseManifests(text)
	if err != nil {
		return controller.Spec{}, err
	}
	c := logging{manifests}
	daemonSets := controller.Manifests{}
	for _, role := range roles {
		daemonSets = append(daemonSets, daemonSetNamed(role))
	}
	all := append(manifests.Copy(), daemonSets...)
	rules := append(all.Rules(), controller.Rule{PolicyRule: controller.ResourceRule("get", sccKind.Group, "securitycontextconstraints", "privileged")})
	for _, o := range legacy() {
		kind := map[bool]string{true: "daemonsets", false: strings.ToLower(o.GetObjectKind().GroupVersionKind().Kind) + "s"}[o.GetName() == "mdsd"]
		rules = append(rules, controller.Rule{PolicyRule: controller.ResourceRule("get delete", o.GetObjectKind().GroupVersionKind().Group, kind, o.GetName())})
	}
	return controller.Spec{
		Name: "GenevaLogging",
		Summary: "Runs the exporters of logs in `openshift-azure-logging`: OpenTelemetry collectors as DaemonSets `otel-exporter-master` and `otel-exporter-worker`, with their configuration, " +
			"security context constraints, and an alert when one ships nothing. They send to the gateway; without one there is everything but the DaemonSets. A profile chooses what is sent: " +
			"`minimal-logs` warnings, errors and changes in the platform's namespaces, `reduced-logs` all but known noise, `max-logs` everything. Removes the agents of older releases.",
		Flag: flags.GenevaLogging, Also: []flags.Name{flags.LogProfile, flags.LogProfileMaster, flags.LogProfileWorker, flags.LogPullSpec},
		Release:   true,
		Namespace: namespace,
		Watches:   append(all.Watches(), controller.Watch{Kind: sccKind, Name: "privileged"}),
		Rules:     rules,
		Reports:   controller.Health,
		Reconcile: c.reconcile,
	}, nil
}

// legacy are the objects of the agents that older releases ran.
func legacy() []client.Object {
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: namespace, Name: name} }
	kind := func(group, kind string) metav1.TypeMeta {
		return metav1.TypeMeta{APIVersion: schema.GroupVersion{Group: group, Version: "v1"}.String(), Kind: kind}
	}
	return []client.Object{
		&appsv1.DaemonSet{TypeMeta: kind("apps", "DaemonSet"), ObjectMeta: meta("mdsd")},
		&corev1.ConfigMap{TypeMeta: kind("", "ConfigMap"), ObjectMeta: meta("fluent-config")},
		&corev1.Secret{TypeMeta: kind("", "Secret"), ObjectMeta: meta("certificates")},
		&corev1.ConfigMap{TypeMeta: kind("", "ConfigMap"), ObjectMeta: meta("gateway-ca")},
	}
}

type logging struct{ manifests controller.Manifests }

func (c logging) reconcile(ctx context.Context, r *controller.Request) error {
	to, err := gatewayOf(r.Cluster.Spec)
	if err != nil {
		return err
	}
	configs := map[string]string{}
	for _, role := range roles {
		profile := r.Flags.Value(role.profile, r.Flags.Value(flags.LogProfile, minimal))
		if configs[role.name], err = configuration(role, profile); err != nil {
			return err
		}
	}
	for _, o := range legacy() {
		if _, err := r.Remove(ctx, o); err != nil {
			return err
		}
	}
	objects, err := c.objects(ctx, r, configs)
	if err != nil {
		return err
	}
	if to == nil {
		return r.EnsureAll(ctx, objects) // DaemonSets that exist wait for a gateway
	}
	for _, role := range roles {
		set, err := daemonSet(role, configs[role.name], r.Flags.NonEmpty(flags.LogPullSpec, r.Cluster.Spec.ACRDomain+image), *to)
		if err != nil {
			return err
		}
		objects = append(objects, set)
	}
	if err := r.EnsureAll(ctx, objects); err != nil {
		return err
	}
	for _, role := range roles {
		if err := clearSelector(ctx, r, exporter+role.name); err != nil {
			return err
		}
	}
	return nil
}

// objects are all but the DaemonSets.
func (c logging) objects(ctx context.Context, r *controller.Request, configs map[string]string) (controller.Manifests, error) {
	version, err := r.Release(ctx)
	if err != nil {
		return nil, err
	}
	objects := c.manifests.Copy()
	if !version.Before(restricted) {
		ns := objects.Find("Namespace", namespace)
		labels := ns.GetLabels()
		for _, mode := range []string{"enforce", "audit", "warn"} {
			labels["pod-security.kubernetes.io/"+mode] = "privileged"
		}
		ns.SetLabels(labels)
	}
	data := map[string]any{"config.yaml": configs["master"]} // the name that exporters of older releases read
	for role, config := range configs {
		data[role+"-config.yaml"] = config
	}
	objects.Find("ConfigMap", configMap).Object["data"] = data
	scc := objects.Find(sccKind.Kind, constraints)
	privileged := &unstructured.Unstructured{}
	privileged.SetGroupVersionKind(sccKind)
	privileged.SetName("privileged")
	if err := r.Read(ctx, privileged); err != nil {
		return nil, err
	}
	for name, value := range privileged.Object {
		if name != "metadata" && value != nil {
			scc.Object[name] = value
		}
	}
	// The definition requires these members. Null, which OpenShift's own constraints have there, cannot be applied.
	for name, zero := range map[string]any{"priority": int64(0), "allowedCapabilities": []any{}, "defaultAddCapabilities": []any{}, "requiredDropCapabilities": []any{}} {
		if scc.Object[name] == nil {
			scc.Object[name] = zero
		}
	}
	delete(scc.Object, "groups")
	scc.Object["users"] = []any{"system:serviceaccount:" + namespace + ":" + account}
	return objects, nil
}

// clearSelector removes a node selector, which would keep the exporter from nodes.
func clearSelector(ctx context.Context, r *controller.Request, name string) error {
	set := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	err := r.Change(ctx, set, func() error { set.Spec.Template.Spec.NodeSelector = nil; return nil })
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// gateway is where the exporters send to.
type gateway struct{ domain, address string }

// gatewayOf returns nil for a cluster without a gateway.
func gatewayOf(c arov1alpha1.ClusterSpec) (*gateway, error) {
	if c.GatewayPrivateEndpointIP == "" {
		return nil, nil
	}
	if _, err := netip.ParseAddr(c.GatewayPrivateEndpointIP); err != nil {
		return nil, fmt.Errorf("spec.gatewayPrivateEndpointIP %q of the Cluster is no IP address", c.GatewayPrivateEndpointIP)
	}
	if c.GatewayTelemetryDomain == "" {
		return nil, fmt.Errorf("spec.gatewayTelemetryDomain of the Cluster is empty, although there is a gateway")
	}
	return &gateway{domain: strings.ToLower(c.GatewayTelemetryDomain), address: c.GatewayPrivateEndpointIP}, nil
}

func checksum(config string) string {
	sum := sha256.Sum256([]byte(config))
	return hex.EncodeToString(sum[:])
}
