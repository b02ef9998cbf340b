// Package pullsecret keeps the service's logins in the cluster's pull secret.
package pullsecret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/flags"
)

// Where the secrets are: the cluster's, and the service's logins.
const (
	namespace, name               = "openshift-config", "pull-secret"
	backupNamespace, backupSecret = "openshift-azure-operator", "cluster"
)

// Remediations counts the repairs of the pull secret.
var Remediations = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "aro_pullsecret_remediation", Help: "Repairs of the cluster's pull secret, by result.",
}, []string{"result"})

// redHat are the registries whose presence is reported, in the order of the report.
var redHat = []string{"registry.redhat.io", "cloud.openshift.com", "registry.connect.redhat.com"}

// New is the controller.
func New() (controller.Spec, error) {
	if err := metrics.Registry.Register(Remediations); err != nil && !errors.As(err, &prometheus.AlreadyRegisteredError{}) {
		return controller.Spec{}, err
	}
	secret := corev1.SchemeGroupVersion.WithKind("Secret")
	return controller.Spec{
		Name: "PullSecret",
		Summary: "Keeps the service's logins in `openshift-config/pull-secret`, from the copy in `openshift-azure-operator/cluster`. Logins to other registries " +
			"stay as they are. A secret of another type, or one that cannot be read, is replaced. Tells in the Cluster's `status.redHatKeysPresent` which registries of Red Hat have a login.",
		Flag: flags.PullSecret, Also: []flags.Name{flags.PullSecretManaged},
		Watches: []controller.Watch{{Kind: secret, Namespace: namespace, Name: name}, {Kind: secret, Namespace: backupNamespace, Name: backupSecret}},
		Rules: []controller.Rule{
			{Namespace: namespace, PolicyRule: controller.ResourceRule("create", "", "secrets")},
			{Namespace: namespace, PolicyRule: controller.ResourceRule("patch delete", "", "secrets", name)},
		},
		Reports:   controller.Health,
		Reconcile: reconcile,
	}, nil
}

func reconcile(ctx context.Context, r *controller.Request) error {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	var err error
	if r.Flags.True(flags.PullSecretManaged) {
		err = repair(ctx, r, secret)
	} else {
		err = client.IgnoreNotFound(r.Read(ctx, secret))
	}
	if err != nil {
		return err
	}
	content, err := parse(secret)
	if err != nil {
		return err
	}
	return report(ctx, r, content)
}

// repair makes the secret what it must be.
func repair(ctx context.Context, r *controller.Request, secret *corev1.Secret) error {
	backup := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: backupNamespace, Name: backupSecret}}
	if err := r.Read(ctx, backup); err != nil {
		return err
	}
	ours, err := parse(backup)
	if err != nil {
		return err
	}
	err = r.Read(ctx, secret)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	if err != nil || secret.Type != corev1.SecretTypeDockerConfigJson {
		return count(replace(ctx, r, secret, ours, err == nil))
	}
	if content, err := parse(secret); err == nil && !content.lay(ours) {
		return nil
	}
	return count(r.Change(ctx, secret, func() error {
		content, err := parse(secret)
		if err != nil {
			content = document{} // nothing in it can be kept
		}
		if !content.lay(ours) {
			return nil
		}
		return content.write(secret)
	}))
}

func count(err error) error {
	result := "success"
	if err != nil {
		result = "error"
	}
	Remediations.WithLabelValues(result).Inc()
	return err
}

// replace recreates the secret: its type cannot be changed.
func replace(ctx context.Context, r *controller.Request, secret *corev1.Secret, ours document, exists bool) error {
	if exists {
		gone := client.Preconditions{UID: &secret.UID} // not one that has been corrected meanwhile
		if err := r.Delete(ctx, secret.DeepCopy(), gone); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("delete the pull secret: %w", err)
		}
	}
	*secret = corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: corev1.SecretTypeDockerConfigJson}
	content := document{}
	content.lay(ours)
	if err := content.write(secret); err != nil {
		return err
	}
	return r.Make(ctx, secret)
}

// report writes the condition that lists the registries of Red Hat with credentials.
func report(ctx context.Context, r *controller.Request, content document) error {
	present := []string{} // never null: the schema has a list
	for _, host := range redHat {
		login, _ := content.auths()[host].(map[string]any)
		if auth, _ := login["auth"].(string); auth != "" {
			present = append(present, host)
		}
	}
	if len(present) == len(r.Cluster.Status.RedHatKeysPresent) && (len(present) == 0 || reflect.DeepEqual(present, r.Cluster.Status.RedHatKeysPresent)) {
		return nil
	}
	return r.ApplyStatus(ctx, "aro-operator/redHatKeysPresent", map[string]any{"redHatKeysPresent": present})
}

// document is the content of a pull secret. Unknown members are kept.
type document map[string]any

func parse(secret *corev1.Secret) (document, error) {
	content := document{}
	data, is := secret.Data[corev1.DockerConfigJsonKey]
	if !is {
		return content, nil
	}
	if err := json.Unmarshal(data, &content); err != nil || content == nil { // its text may repeat what it read
		return nil, fmt.Errorf("the secret %s/%s is no JSON object", secret.Namespace, secret.Name)
	}
	return content, nil
}

func (d document) auths() map[string]any {
	auths, _ := d["auths"].(map[string]any)
	return auths
}

// lay puts logins over those of the document, and reports whether that changed any.
func (d document) lay(ours document) bool {
	auths := maps.Clone(d.auths())
	if auths == nil {
		auths = map[string]any{}
	}
	changed := d.auths() == nil
	for host, login := range ours.auths() {
		if !reflect.DeepEqual(auths[host], login) {
			auths[host], changed = login, true
		}
	}
	d["auths"] = auths
	return changed
}

func (d document) write(secret *corev1.Secret) error {
	content, err := json.Marshal(d)
	if err != nil {
		return errors.New("the pull secret cannot be written as JSON")
	}
	secret.Data = map[string][]byte{corev1.DockerConfigJsonKey: content}
	return nil
}
