// Package monitoring keeps the cluster's monitoring stack from using persistent storage.
package monitoring

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

const (
	namespace, name = "openshift-monitoring", "cluster-monitoring-config"
	key             = "config.yaml"
)

// removed are the settings that a cluster may not have, by section.
var removed = map[string][]string{
	"prometheusK8s":    {"retention", "volumeClaimTemplate"},
	"alertmanagerMain": {"volumeClaimTemplate"},
}

// New is the controller.
func New() controller.Spec {
	return controller.Spec{
		Name: "Monitoring",
		Summary: "Takes retention and volume claims of Prometheus and Alertmanager out of `openshift-monitoring/cluster-monitoring-config`, keeps all other settings, and deletes the " +
			"volume claims that Prometheus had.",
		Flag:    flags.Monitoring,
		Watches: []controller.Watch{{Kind: corev1.SchemeGroupVersion.WithKind("ConfigMap"), Namespace: namespace, Name: name}},
		Rules: []controller.Rule{
			{Namespace: namespace, PolicyRule: controller.ResourceRule("create", "", "configmaps")},
			{Namespace: namespace, PolicyRule: controller.ResourceRule("patch", "", "configmaps", name)},
			{Namespace: namespace, PolicyRule: controller.ResourceRule("list delete", "", "persistentvolumeclaims")},
		},
		Reports:   controller.Health,
		Reconcile: reconcile,
	}
}

func reconcile(ctx context.Context, r *controller.Request) error {
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	err := r.Change(ctx, config, func() error { return strip(config) })
	if apierrors.IsNotFound(err) {
		config.Data = map[string]string{key: "{}\n"}
		err = r.Make(ctx, config)
	}
	if err != nil {
		return err
	}
	var claims corev1.PersistentVolumeClaimList
	if err := r.List(ctx, &claims, client.InNamespace(namespace), client.MatchingLabels{"app": "prometheus", "prometheus": "k8s"}); err != nil {
		return fmt.Errorf("list volume claims: %w", err)
	}
	for i := range claims.Items {
		if claims.Items[i].DeletionTimestamp != nil {
			continue
		}
		if err := r.Delete(ctx, &claims.Items[i]); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("delete the volume claim %s: %w", claims.Items[i].Name, err)
		}
	}
	return nil
}

func strip(config *corev1.ConfigMap) error {
	var content map[string]any
	if err := yaml.Unmarshal([]byte(config.Data[key]), &content); err != nil {
		return fmt.Errorf("%s of the ConfigMap %s/%s is no YAML object: %w", key, namespace, name, err)
	}
	changed := false
	for section, settings := range removed {
		have, _ := content[section].(map[string]any)
		for _, setting := range settings {
			if _, is := have[setting]; is {
				delete(have, setting)
				changed = true
			}
		}
	}
	if !changed {
		return nil
	}
	text, err := yaml.Marshal(content)
	if err != nil {
		return err
	}
	config.Data[key] = string(text)
	return nil
}
