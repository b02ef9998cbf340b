package openshift_test

import (
	"net"
	"strings"
	"testing"
	"time"

	imageregistryv1 "github.com/openshift/api/imageregistry/v1"
	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aro-rp/aro/openshift"
)

func TestNewMachinesAskAnAddress(t *testing.T) {
	for name, test := range map[string]struct{ before, after string }{
		"ignition 3": {`{"ignition":{"config":{"merge":[{"source":"https://api-int.x:22623/config/worker"}]},"version":"3.2.0"},"more":1}`,
			`{"ignition":{"config":{"merge":[{"source":"https://10.0.0.4:22623/config/worker"}]},"version":"3.2.0"},"more":1}`},
		"ignition 2": {`{"ignition":{"config":{"append":[{"source":"https://api-int.x:22623/config/worker","verification":{}}]}}}`,
			`{"ignition":{"config":{"append":[{"source":"https://10.0.0.4:22623/config/worker","verification":{}}]}}}`},
		"an address": {`{ "ignition": {"config": {"merge": [{"source": "https://10.0.0.9:22623/config/worker"}]}}}`,
			`{ "ignition": {"config": {"merge": [{"source": "https://10.0.0.9:22623/config/worker"}]}}}`},
	} {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "openshift-machine-api", Name: "worker-user-data"},
			Data: map[string][]byte{"userData": []byte(test.before), "disableTemplating": []byte("true")}}
		kube := with(secret) // and no user data of masters
		for range 2 {
			if err := kube.PointUserData(t.Context(), "api-int.x", "10.0.0.4"); err != nil {
				t.Fatal(err)
			}
		}
		data := get(t, kube, "openshift-machine-api", "worker-user-data", &corev1.Secret{}).Data
		if string(data["userData"]) != test.after || string(data["disableTemplating"]) != "true" {
			t.Errorf("%s: got %s", name, data["userData"])
		}
	}
}

func TestTheMachineConfigServerIsCertifiedForItsAddress(t *testing.T) {
	signer := newAuthority(t, time.Now().Add(20*365*24*time.Hour))
	const namespace, name = "openshift-machine-config-operator", "machine-config-server-tls"
	old, key := signer.serve(t, "api-int.x") // without an address
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "server", Labels: map[string]string{"k8s-app": "machine-config-server"}}}
	kube := with(pod, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string][]byte{"tls.crt": old, "tls.key": key}})
	var first string
	for range 2 {
		if err := kube.ServeMachineConfig(t.Context(), signer.pair(), "api-int.x", "10.0.0.4", time.Now()); err != nil {
			t.Fatal(err)
		}
		secret := get(t, kube, namespace, name, &corev1.Secret{})
		c := decode(t, secret.Data["tls.crt"])
		if err := c.VerifyHostname("api-int.x"); err != nil || len(c.IPAddresses) != 1 || !c.IPAddresses[0].Equal(net.IPv4(10, 0, 0, 4)) || len(secret.Annotations) != 0 {
			t.Errorf("certified %v, %v, annotations %v", c.DNSNames, c.IPAddresses, secret.Annotations)
		}
		if err := c.CheckSignatureFrom(signer.parsed); err != nil || first != "" && first != string(secret.Data["tls.crt"]) {
			t.Errorf("signed by another, or again: %v", err)
		}
		first = string(secret.Data["tls.crt"])
	}
	if err := kube.Get(t.Context(), client.ObjectKeyFromObject(pod), &corev1.Pod{}); err == nil {
		t.Error("the server still shows the old certificate")
	}
}

func TestWhatOlderDocumentsLackIsAsked(t *testing.T) {
	registry := &imageregistryv1.Config{ObjectMeta: object("cluster")}
	registry.Spec.Storage.Azure = &imageregistryv1.ImageRegistryConfigStorageAzure{AccountName: "account"}
	kube := with(registry, &machineconfigurationv1.MachineConfig{ObjectMeta: object("99-master-mtu")})
	account, err := kube.RegistryAccount(t.Context())
	large, err2 := kube.LargePackets(t.Context())
	usual, err3 := with().LargePackets(t.Context())
	if account != "account" || !large || usual || err != nil || err2 != nil || err3 != nil {
		t.Errorf("account %q, large %v and %v: %v %v %v", account, large, usual, err, err2, err3)
	}
	if _, err := with().RegistryAccount(t.Context()); err == nil || !strings.Contains(openshift.Obstacle(err), "to create") {
		t.Errorf("an absent registry: %v", err)
	}
}
