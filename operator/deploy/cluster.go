package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/flags"
)

// The Cluster has several writers: while the service is upgraded, two releases of it. Each writes all
// members and flags that it knows, also those without a value, and no others, so that an older release
// keeps what a newer one has written. A server-side apply would not: it removes what its owner applied
// before.

// flagOwner is the field manager of the flags that engineers set. They are in the cluster's document, which
// every release knows as a whole, so these are applied: one that is reset is removed.
const flagOwner = "aro-rp-flags"

// Sync writes the Cluster, and makes it the owner of the secret with the service's logins.
func (d Deployer) Sync(ctx context.Context, s Settings) error {
	cluster := named(clusterKind, "", arov1alpha1.SingletonName)
	patch, err := s.clusterPatch()
	if err != nil {
		return err
	}
	err = d.Patch(ctx, cluster, patch)
	if apierrors.IsNotFound(err) {
		if err = d.create(ctx, s); err == nil {
			err = d.Patch(ctx, cluster, patch)
		}
	}
	if err != nil {
		return fmt.Errorf("write the Cluster: %w", err)
	}
	engineers := named(clusterKind, "", arov1alpha1.SingletonName)
	if len(s.Flags) > 0 {
		engineers.Object["spec"] = map[string]any{"operatorflags": s.Flags}
	}
	if err := d.Objects.Apply(ctx, engineers, flagOwner); err != nil {
		return fmt.Errorf("apply flags of the Cluster: %w", err)
	}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"ownerReferences": []any{map[string]any{
		"apiVersion": arov1alpha1.GroupVersion.String(), "kind": "Cluster", "name": cluster.GetName(), "uid": cluster.GetUID(), "controller": true, "blockOwnerDeletion": true,
	}}}})
	if err != nil {
		return err
	}
	secret := &corev1.Secret{}
	secret.Namespace, secret.Name = Namespace, "cluster"
	if err := d.Patch(ctx, secret, body); err != nil {
		return fmt.Errorf("make the Cluster the owner of the secret with the service's logins: %w", err)
	}
	return nil
}

// create creates the Cluster. An API server holds a POST for two seconds that closely follows the
// definition of the kind, and an apply not.
func (d Deployer) create(ctx context.Context, s Settings) (err error) {
	cluster := named(clusterKind, "", arov1alpha1.SingletonName)
	if cluster.Object["spec"], err = s.clusterSpec(); err != nil {
		return err
	}
	return d.Objects.Apply(ctx, cluster, owner)
}

// clusterSpec is the specification of a new Cluster, without the flags that only engineers know.
func (s Settings) clusterSpec() (map[string]any, error) {
	spec, all := s.Cluster, s.flags()
	spec.OperatorFlags = map[string]string{}
	for _, f := range flags.All() {
		if value, has := all[string(f.Name)]; has {
			spec.OperatorFlags[string(f.Name)] = value
		}
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&spec)
	if err != nil {
		return nil, fmt.Errorf("spec of the Cluster: %w", err)
	}
	return content, nil
}

// clusterPatch is the merge patch that makes a Cluster's specification this one.
func (s Settings) clusterPatch() ([]byte, error) {
	spec, err := s.clusterSpec()
	if err != nil {
		return nil, err
	}
	complete(spec, reflect.TypeFor[arov1alpha1.ClusterSpec]())
	all := s.flags()
	known := map[string]any{}
	for _, f := range flags.All() {
		known[string(f.Name)] = nil
		if value, has := all[string(f.Name)]; has {
			known[string(f.Name)] = value
		}
	}
	spec["operatorflags"] = known
	return json.Marshal(map[string]any{"spec": spec})
}

// complete adds the members of a type that have no value as nulls, which remove them.
func complete(content map[string]any, of reflect.Type) {
	for i := range of.NumField() {
		field := of.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if inner, is := content[name].(map[string]any); is && field.Type.Kind() == reflect.Struct {
			complete(inner, field.Type)
		} else if _, has := content[name]; !has {
			content[name] = nil
		}
	}
}

// flags are those of new clusters, with what the other settings mean for them, and those of engineers.
func (s Settings) flags() flags.Flags {
	all := flags.Flags(s.Cluster.OperatorFlags)
	if all == nil {
		all = flags.Defaults()
	}
	set := flags.Flags{string(flags.ForceReconciliation): strconv.FormatBool(s.RestartNodes)}
	if s.CustomerSecurityGroup {
		set[string(flags.AzureSubnetsNSG)] = "false"
	}
	return all.With(set).With(s.Flags)
}
