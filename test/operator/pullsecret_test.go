package operator

import (
	"encoding/json"
	"reflect"
	"testing"

	operatorv1 "github.com/openshift/api/operator/v1"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	arov1alpha1 "github.com/aro-rp/aro/operator/apis/aro/v1alpha1"
	"github.com/aro-rp/aro/operator/controller"
	"github.com/aro-rp/aro/operator/controllers/pullsecret"
	"github.com/aro-rp/aro/operator/flags"
)

const logins = `{"auths":{"arosvc.azurecr.io":{"auth":"ours"}}}`

func dockerConfig(namespace, name, content string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: corev1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte(content)}}
}

// holds reports whether a pull secret is this document, whatever its layout.
func holds(want string) func(*corev1.Secret) bool {
	return func(s *corev1.Secret) bool {
		var a, b any
		return s.Type == corev1.SecretTypeDockerConfigJson && json.Unmarshal([]byte(want), &a) == nil &&
			json.Unmarshal(s.Data[corev1.DockerConfigJsonKey], &b) == nil && reflect.DeepEqual(a, b)
	}
}

func pullSecret(t *testing.T) controller.Spec {
	t.Helper()
	spec, err := pullsecret.New()
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestPullSecretIsRepaired(t *testing.T) {
	w := newFixture(t)
	secret := dockerConfig("openshift-config", "pull-secret", "")
	w.cleans(secret)
	w.with(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-azure-operator", Name: "cluster"}, Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte(logins)}})
	w.cluster()
	repairs := testutil.ToFloat64(pullsecret.Remediations.WithLabelValues("success"))
	w.run(pullSecret(t))
	becomes(w, secret, "the secret is made", holds(logins))
	if got := testutil.ToFloat64(pullsecret.Remediations.WithLabelValues("success")); got != repairs+1 {
		t.Errorf("%v repairs are counted, want 1", got-repairs)
	}

	for _, c := range []struct{ broken, want string }{
		{`null`, logins},
		{`{"auths":null}`, logins},
		{`{"auths":{"arosvc.azurecr.io":{"auth":7},"quay.io":{"auth":"theirs"}},"credHelpers":{"x":"y"}}`,
			`{"auths":{"arosvc.azurecr.io":{"auth":"ours"},"quay.io":{"auth":"theirs"}},"credHelpers":{"x":"y"}}`},
	} {
		edit(w, secret, func(s *corev1.Secret) { s.Type = corev1.SecretTypeDockerConfigJson; s.Data = raw(c.broken) })
		becomes(w, secret, "repaired from "+c.broken, holds(c.want))
	}
	if err := w.Delete(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	becomes(w, secret, "made again", holds(logins))

	w.gone(secret)
	opaque := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: secret.Namespace, Name: secret.Name}, Data: map[string][]byte{"x": []byte("y")}}
	if err := client.IgnoreAlreadyExists(w.Create(t.Context(), opaque)); err != nil {
		t.Fatal(err)
	}
	becomes(w, secret, "one of another type is replaced", holds(logins))
	w.healthy("PullSecret")
}

// raw returns the data of a pull secret. The server refuses invalid JSON.
func raw(content string) map[string][]byte {
	return map[string][]byte{corev1.DockerConfigJsonKey: []byte(content)}
}

func TestPullSecretTellsRedHatsKeysAlsoUnmanaged(t *testing.T) {
	w := newFixture(t)
	w.with(dockerConfig("openshift-config", "pull-secret", `{"auths":{"registry.connect.redhat.com":{"auth":"a"},"registry.redhat.io":{"auth":"b"},"cloud.openshift.com":{"auth":""}}}`))
	c := w.cluster(flag(flags.PullSecretManaged, "false"))
	w.run(pullSecret(t))
	becomes(w, c, "two keys are told, in their order", func(c *arov1alpha1.Cluster) bool {
		return reflect.DeepEqual(c.Status.RedHatKeysPresent, []string{"registry.redhat.io", "registry.connect.redhat.com"})
	})
	secret := dockerConfig("openshift-config", "pull-secret", "")
	edit(w, secret, func(s *corev1.Secret) { s.Data = raw(`{"auths":{}}`) })
	becomes(w, c, "none is told", func(c *arov1alpha1.Cluster) bool { return len(c.Status.RedHatKeysPresent) == 0 })
	if becomes(w, secret, "untouched", holds(`{"auths":{}}`)); w.Failed() {
		return
	}
	w.healthy("PullSecret")
}

func TestPullSecretWithoutBackupIsDegraded(t *testing.T) {
	w := newFixture(t)
	w.cluster()
	w.run(pullSecret(t))
	w.condition("PullSecretControllerDegraded", operatorv1.ConditionTrue, "openshift-azure-operator/cluster")
	w.with(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-azure-operator", Name: "cluster"}, Data: raw(logins)})
	w.cleans(dockerConfig("openshift-config", "pull-secret", ""))
	w.healthy("PullSecret")
}
