package openshift

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"time"

	configv1 "github.com/openshift/api/config/v1"
	operatorv1 "github.com/openshift/api/operator/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// KeyPair is a certificate with its chain, leaf first, and its key, both PEM.
type KeyPair struct{ Certificate, Key []byte }

// ParseKeyPair takes apart PEM blocks of a key and certificates, in any order of
// the two, and checks that they belong together.
func ParseKeyPair(text []byte) (KeyPair, error) {
	var pair KeyPair
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			pair.Certificate = append(pair.Certificate, pem.EncodeToMemory(block)...)
		} else {
			pair.Key = pem.EncodeToMemory(block)
		}
	}
	if _, err := tls.X509KeyPair(pair.Certificate, pair.Key); err != nil {
		return KeyPair{}, fmt.Errorf("certificate and key: %w", err)
	}
	return pair, nil
}

// Validity is when clients accept the certificate: within that of its leaf and of
// all that come with it.
func (p KeyPair) Validity() (from, until time.Time, err error) {
	for block, rest := pem.Decode(p.Certificate); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return from, until, fmt.Errorf("certificate: %w", err)
		}
		if certificate.NotBefore.After(from) {
			from = certificate.NotBefore
		}
		if until.IsZero() || certificate.NotAfter.Before(until) {
			until = certificate.NotAfter
		}
	}
	return from, until, nil
}

// SystemNamespace is where the service's own operator lives. It keeps copies of
// the certificates to put back what somebody removes.
const SystemNamespace = "openshift-azure-operator"

// ServeAPI makes the API server present the certificate when it is asked for
// host. name is the Secret's.
func (c *Cluster) ServeAPI(ctx context.Context, name, host string, pair KeyPair) error {
	if err := c.keep(ctx, name, pair, "openshift-config"); err != nil {
		return err
	}
	server := &configv1.APIServer{ObjectMeta: named(singleton)}
	return c.change(ctx, server, func() {
		server.Spec.ServingCerts.NamedCertificates = []configv1.APIServerNamedServingCert{
			{Names: []string{host}, ServingCertificate: configv1.SecretNameReference{Name: name}}}
	})
}

// ServeRoutes makes the default router present the certificate.
func (c *Cluster) ServeRoutes(ctx context.Context, name string, pair KeyPair) error {
	if err := c.keep(ctx, name, pair, "openshift-ingress"); err != nil {
		return err
	}
	router := &operatorv1.IngressController{ObjectMeta: within("openshift-ingress-operator", "default")}
	return c.change(ctx, router, func() { router.Spec.DefaultCertificate = &corev1.LocalObjectReference{Name: name} })
}

// keep stores the certificate where it is served from, and beside the service's
// operator if that is installed.
func (c *Cluster) keep(ctx context.Context, name string, pair KeyPair, namespace string) error {
	data := map[string][]byte{corev1.TLSCertKey: pair.Certificate, corev1.TLSPrivateKeyKey: pair.Key}
	if err := c.putSecret(ctx, namespace, name, corev1.SecretTypeTLS, data); err != nil {
		return err
	}
	err := c.Get(ctx, types.NamespacedName{Name: SystemNamespace}, &corev1.Namespace{})
	if absent(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read namespace %s: %w", SystemNamespace, err)
	}
	return c.putSecret(ctx, SystemNamespace, name, corev1.SecretTypeTLS, data)
}

// putSecret makes a Secret hold these members, among others that it may have.
func (c *Cluster) putSecret(ctx context.Context, namespace, name string, kind corev1.SecretType, data map[string][]byte) error {
	secret := &corev1.Secret{ObjectMeta: within(namespace, name)}
	return c.ensure(ctx, secret, func() {
		if secret.Data == nil {
			secret.Type, secret.Data = kind, map[string][]byte{}
		}
		maps.Copy(secret.Data, data)
	})
}
