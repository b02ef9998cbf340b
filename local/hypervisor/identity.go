package hypervisor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	// approvalPatience is how long a request for a certificate may stay open before
	// the machine makes another one.
	approvalPatience = 5 * time.Minute
)

// identity is the certificate by which a node's cluster knows it.
type identity struct {
	Certificate []byte // PEM
	Key         []byte // PEM
	NotBefore   time.Time
	NotAfter    time.Time
}

// old reports whether four fifths of the certificate's validity are over.
func (i identity) old(now time.Time) bool {
	life := i.NotAfter.Sub(i.NotBefore)
	return now.After(i.NotBefore.Add(life / 5 * 4))
}

func (i identity) valid(now time.Time) bool { return len(i.Certificate) > 0 && now.Before(i.NotAfter) }

// identify makes k.client use the node's identity, with a certificate from the disk or, if that is
// missing or old, a new one.
func (k *kubelet) identify(ctx context.Context) error {
	bootstrap, err := k.bootstrapConfig()
	if err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	if !k.identity.valid(time.Now()) {
		if err := readJSON(k.machine.identityFile(), &k.identity); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if now := time.Now(); !k.identity.valid(now) || k.identity.old(now) {
		if err := k.renewIdentity(ctx, bootstrap); err != nil {
			return err
		}
	}
	client, closeIdle, err := k.connect(k.identity.config(bootstrap), callTimeout)
	if err != nil {
		return err
	}
	k.close()
	k.client, k.close = client, closeIdle
	return nil
}

// config reaches the cluster of bootstrap as the node.
func (i identity) config(bootstrap *rest.Config) *rest.Config {
	return &rest.Config{Host: bootstrap.Host, TLSClientConfig: rest.TLSClientConfig{
		CAData: bootstrap.CAData, CertData: i.Certificate, KeyData: i.Key,
	}}
}

// renewIdentity requests a certificate with the node's identity while that is valid, and else with
// that of new machines.
func (k *kubelet) renewIdentity(ctx context.Context, bootstrap *rest.Config) error {
	config := bootstrap
	if k.identity.valid(time.Now()) {
		config = k.identity.config(bootstrap)
	}
	client, closeIdle, err := k.connect(config, callTimeout)
	if err != nil {
		return err
	}
	defer closeIdle()
	fresh, err := k.request(ctx, client, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "system:node:" + nodeName(k.vm), Organization: []string{"system:nodes"}},
	}, certificatesv1.KubeAPIServerClientKubeletSignerName, certificatesv1.UsageClientAuth)
	if err != nil {
		return err
	}
	if err := writeJSON(k.machine.identityFile(), fresh); err != nil {
		return err
	}
	k.identity = fresh
	k.machine.log.printf("kubelet: got a certificate that is good until %s", fresh.NotAfter.UTC().Format(time.RFC3339))
	return nil
}

// request returns once the cluster has approved and signed a certificate.
func (k *kubelet) request(ctx context.Context, client kubernetes.Interface, wanted *x509.CertificateRequest, signer string, usage certificatesv1.KeyUsage) (identity, error) {
	ctx, cancel := context.WithTimeout(ctx, approvalPatience)
	defer cancel()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return identity{}, err
	}
	der, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		return identity{}, err
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, wanted, private)
	if err != nil {
		return identity{}, err
	}
	requests := client.CertificatesV1().CertificateSigningRequests()
	csr, err := requests.Create(ctx, &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "csr-"},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request:    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request}),
			SignerName: signer,
			Usages:     []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, usage},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return identity{}, fmt.Errorf("request a certificate: %w", err)
	}
	k.machine.log.printf("kubelet: certificate request %s waits for approval", csr.Name)
	certificate, err := approved(ctx, client, csr.Name)
	if err != nil {
		return identity{}, fmt.Errorf("certificate request %s: %w", csr.Name, err)
	}
	fresh := identity{Certificate: certificate, Key: pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})}
	return fresh, fresh.date()
}

// approved waits for what the cluster makes of a request.
func approved(ctx context.Context, client kubernetes.Interface, name string) ([]byte, error) {
	requests := client.CertificatesV1().CertificateSigningRequests()
	for begun := time.Now(); ; {
		csr, err := requests.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		if certificate, err := outcome(csr); err != nil || certificate != nil {
			return certificate, err
		}
		changes, err := requests.Watch(ctx, metav1.SingleObject(csr.ObjectMeta))
		if err != nil {
			return nil, err
		}
		certificate, err := signed(changes.ResultChan())
		changes.Stop()
		if err != nil || certificate != nil {
			return certificate, err
		}
		// The server ended the watch, as it does now and then.
		if err := sleep(ctx, pauseSince(begun)); err != nil {
			return nil, fmt.Errorf("it was not approved: %w", err)
		}
	}
}

// signed returns the certificate from the changes of a request; they may end without one.
func signed(changes <-chan watch.Event) ([]byte, error) {
	for change := range changes {
		csr, ok := change.Object.(*certificatesv1.CertificateSigningRequest)
		if !ok {
			return nil, nil
		}
		if certificate, err := outcome(csr); err != nil || certificate != nil {
			return certificate, err
		}
	}
	return nil, nil
}

// outcome is the certificate of a request, nil while it is open or not signed.
func outcome(csr *certificatesv1.CertificateSigningRequest) ([]byte, error) {
	for _, condition := range csr.Status.Conditions {
		if condition.Type != certificatesv1.CertificateApproved {
			return nil, fmt.Errorf("%s: %s", condition.Type, condition.Message)
		}
	}
	if len(csr.Status.Certificate) == 0 {
		return nil, nil
	}
	return csr.Status.Certificate, nil
}

// date reads off the certificate how long it is good.
func (i *identity) date() error {
	block, _ := pem.Decode(i.Certificate)
	if block == nil {
		return errors.New("the cluster signed no certificate")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("the cluster's certificate: %w", err)
	}
	i.NotBefore, i.NotAfter = certificate.NotBefore, certificate.NotAfter
	return nil
}
