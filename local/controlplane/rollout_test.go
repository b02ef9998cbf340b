package controlplane

import (
	"encoding/json"
	"slices"
	"testing"

	configv1 "github.com/openshift/api/config/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	certificates "k8s.io/client-go/util/cert"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func TestCertificatesAreObservedWithTheirOwnSecrets(t *testing.T) {
	cert, key, err := certificates.GenerateSelfSignedCertKey("any.test", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	secret := func(name string) *corev1.Secret {
		return &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-config", Name: name},
			Data:       map[string][]byte{corev1.TLSCertKey: cert, corev1.TLSPrivateKeyKey: key},
		}
	}
	r := &rollout{client: fake.NewClientBuilder().WithObjects(secret("first"), secret("last")).Build()}
	found, problem, err := r.wanted(t.Context(), []configv1.APIServerNamedServingCert{
		{Names: []string{"first.test"}, ServingCertificate: configv1.SecretNameReference{Name: "first"}},
		{Names: []string{"own.test"}}, // the server's own certificate
		{Names: []string{"last.test"}, ServingCertificate: configv1.SecretNameReference{Name: "last"}},
	})
	if err != nil || problem != "" {
		t.Fatal(err, problem)
	}
	raw, err := observe(found, "")
	if err != nil {
		t.Fatal(err)
	}
	var observed struct {
		ServingInfo struct {
			NamedCertificates []struct {
				Names  []string
				Secret string
			}
		}
	}
	if err := json.Unmarshal(raw, &observed); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range observed.ServingInfo.NamedCertificates {
		got = append(got, c.Secret+" "+c.Names[0])
	}
	if want := []string{"first first.test", "last last.test"}; !slices.Equal(got, want) {
		t.Errorf("observed %q, want %q", got, want)
	}
}
