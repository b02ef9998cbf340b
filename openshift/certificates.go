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

// ParseKeyPair parses PEM blocks of a key and certificates, in any order, and
// checks that they match.
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

// Validity returns the time in which clients accept the certificate: the
// intersection of the validity of its whole chain.
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

// SystemNamespace is the namespace of the service's operator. It has copies of the
// certificates, from which removed ones are restored.
const SystemNamespace = "openshift-azure-operator"

// ServeAPI configures the API server to use the certificate for host. name is that
// of the Secret.
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

// ServeRoutes configures the default router to use the certificate.
func (c *Cluster) ServeRoutes(ctx context.Context, name string, pair KeyPair) error {
	if err := c.keep(ctx, name, pair, "openshift-ingress"); err != nil {
		return err
	}
	router := &operatorv1.IngressController{ObjectMeta: within("openshift-ingress-operator", "default")}
	return c.change(ctx, router, func() { router.Spec.DefaultCertificate = &corev1.LocalObjectReference{Name: name} })
}

// keep stores the certificate for its server, and for the service's operator if
// that is installed.
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

// putSecret sets members of a Secret and keeps its other members.
func (c *Cluster) putSecret(ctx context.Context, namespace, name string, kind corev1.SecretType, data map[string][]byte) error {
	secret := &corev1.Secret{ObjectMeta: within(namespace, name)}
	return c.ensure(ctx, secret, func() {
		if secret.Data == nil {
			secret.Type, secret.Data = kind, map[string][]byte{}
		}
		maps.Copy(secret.Data, data)
	})
}
