// Package alertwebhook gives receivers of alerts without a destination one that
// always answers, which ends the alert that there is none.
package alertwebhook

import (
	"context"
	"errors"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

const (
	namespace, name = "openshift-monitoring", "alertmanager-main"
	key             = "alertmanager.yaml"
	// destination is the operator's own health.
	destination = "http://aro-operator-master.openshift-azure-operator.svc.cluster.local:8080/healthz/ready"
)

// New is the controller.
func New() controller.Spec {
	return controller.Spec{
		Name: "Alertwebhook",
		Summary: "Points the receivers `null` and `Default` of alertmanager at a URL that always answers 200, so that the alert about missing receivers is quiet. " +
			"Other receivers and settings keep their values.",
		Flag:      flags.AlertWebhook,
		Watches:   []controller.Watch{{Kind: corev1.SchemeGroupVersion.WithKind("Secret"), Namespace: namespace, Name: name}},
		Rules:     []controller.Rule{{Namespace: namespace, PolicyRule: controller.ResourceRule("patch", "", "secrets", name)}},
		Reconcile: reconcile,
	}
}

func reconcile(ctx context.Context, r *controller.Request) error {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	return r.Change(ctx, secret, func() error {
		var config map[string]any
		if err := yaml.Unmarshal(secret.Data[key], &config); err != nil { // its text may repeat what it read
			return errors.New("alertmanager.yaml of the secret openshift-monitoring/alertmanager-main is no YAML object")
		}
		if !point(config) {
			return nil
		}
		content, err := yaml.Marshal(config)
		if err != nil {
			return err
		}
		secret.Data[key] = content
		return nil
	})
}

// point gives the receivers their destination, and reports whether one had another.
func point(config map[string]any) bool {
	changed := false
	receivers, _ := config["receivers"].([]any)
	for _, item := range receivers {
		receiver, _ := item.(map[string]any)
		if receiver["name"] != "null" && receiver["name"] != "Default" {
			continue
		}
		want := []any{map[string]any{"url": destination}}
		if have, _ := receiver["webhook_configs"].([]any); len(have) == 1 {
			if hook, _ := have[0].(map[string]any); hook["url"] == destination {
				continue // with whatever settings
			}
		}
		if !reflect.DeepEqual(receiver["webhook_configs"], want) {
			receiver["webhook_configs"], changed = want, true
		}
	}
	return changed
}
