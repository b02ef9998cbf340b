package controlplane_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

func (s *suite) kubelet(t *testing.T) *kubernetes.Clientset {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(s.process.dir, "root/opt/openshift/auth/kubeconfig-kubelet"))
	if err != nil {
		t.Fatal(err)
	}
	return kubernetes.NewForConfigOrDie(s.process.reach(t, content))
}

// ask makes a request for a node's certificate.
func (s *suite) ask(t *testing.T, machine kubernetes.Interface, node string) (name string, key *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "system:node:" + node, Organization: []string{"system:nodes"}},
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := machine.CertificatesV1().CertificateSigningRequests().Create(s.life, &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "csr-"},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request: encode("CERTIFICATE REQUEST", request), SignerName: certificatesv1.KubeAPIServerClientKubeletSignerName,
			Usages: []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageClientAuth},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Error(err)
		return "", key
	}
	return csr.Name, key
}

// join does what a machine does: it asks for a certificate, and with that makes
// its node.
func (s *suite) join(t *testing.T, name, role string) {
	machine := s.kubelet(t)
	csr, key := s.ask(t, machine, name)
	var certificate []byte
	for deadline := time.Now().Add(patience); len(certificate) == 0 && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if have, err := machine.CertificatesV1().CertificateSigningRequests().Get(s.life, csr, metav1.GetOptions{}); err == nil {
			certificate = have.Status.Certificate
		}
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil || len(certificate) == 0 {
		t.Errorf("%s gets no certificate: %v", name, err)
		return
	}
	config := s.process.reach(t, []byte(s.cluster.AdminKubeconfig))
	config.CertData, config.KeyData = certificate, encode("EC PRIVATE KEY", der)
	room := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("8"), corev1.ResourceMemory: resource.MustParse("32Gi"), corev1.ResourcePods: resource.MustParse("250")}
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"node-role.kubernetes.io/" + role: ""}},
		Status:     corev1.NodeStatus{Capacity: room, Allocatable: room, Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, LastHeartbeatTime: metav1.Now(), LastTransitionTime: metav1.Now()}}},
	}
	nodes := kubernetes.NewForConfigOrDie(config).CoreV1().Nodes()
	if _, err := nodes.Create(s.life, node, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Errorf("%s: %v", name, err)
	}
	keepReady(s.life, rest.CopyConfig(config), name)
	go runPods(s.life, rest.CopyConfig(config), name)
}

// runPods says of the pods of a node that they run, and removes those that are deleted.
func runPods(ctx context.Context, config *rest.Config, node string) {
	all := kubernetes.NewForConfigOrDie(config).CoreV1()
	for ; ctx.Err() == nil; time.Sleep(200 * time.Millisecond) {
		list, err := all.Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
		if err != nil {
			continue
		}
		for _, pod := range list.Items {
			if pod.DeletionTimestamp != nil {
				_ = all.Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
			} else if pod.Status.Phase != corev1.PodRunning {
				pod.Status.Phase, pod.Status.Conditions = corev1.PodRunning, []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()}}
				_, _ = all.Pods(pod.Namespace).UpdateStatus(ctx, &pod, metav1.UpdateOptions{})
			}
		}
	}
}

// keepReady renews the node's heartbeat until the test is over or the node is deleted.
func keepReady(ctx context.Context, config *rest.Config, name string) {
	nodes := kubernetes.NewForConfigOrDie(config).CoreV1().Nodes()
	go func() {
		for ctx.Err() == nil {
			if node, err := nodes.Get(ctx, name, metav1.GetOptions{}); err == nil {
				for i := range node.Status.Conditions {
					if node.Status.Conditions[i].Type == corev1.NodeReady {
						node.Status.Conditions[i].Status = corev1.ConditionTrue
						node.Status.Conditions[i].LastHeartbeatTime = metav1.Now()
					}
				}
				_, _ = nodes.UpdateStatus(ctx, node, metav1.UpdateOptions{})
			} else if apierrors.IsNotFound(err) {
				return
			}
			time.Sleep(10 * time.Second)
		}
	}()
}

func selfSigned(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// sign makes a certificate for a user in a group, or for names.
func sign(t *testing.T, signer tls.Certificate, user, group string, names ...string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: user}, NotBefore: signer.Leaf.NotBefore, NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}, DNSNames: names,
	}
	if group != "" {
		template.Subject.Organization = []string{group}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer.Leaf, private.Public(), signer.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	private8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", private8)
}
