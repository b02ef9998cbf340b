package collectors

import (
	"context"
	"crypto/sha1" //nolint:gosec // what certificates are known by
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/aro-rp/aro/openshift"
)

const day = 24 * time.Hour

// tlsSecret is what is read of a Secret with a certificate.
type tlsSecret struct {
	Metadata identified `json:"metadata"`
	Data     struct {
		Certificate []byte `json:"tls.crt"`
	} `json:"data"`
}

// servingCertificates reports the remaining validity, in days, of the certificates of the API
// server and the default router, if the service issued them.
func servingCertificates(ctx context.Context, l *Look) error {
	if !strings.HasSuffix(l.Cluster.apiHost(), "."+l.Domain) || l.Domain == "" {
		return nil
	}
	var router struct {
		Spec struct {
			DefaultCertificate *struct {
				Name string `json:"name"`
			} `json:"defaultCertificate"`
		} `json:"spec"`
	}
	if err := l.get(ctx, "/apis/operator.openshift.io/v1/namespaces/openshift-ingress-operator/ingresscontrollers/default", cached(), &router); err != nil {
		return err
	}
	if router.Spec.DefaultCertificate == nil {
		return errors.New("the default router has no certificate of the service")
	}
	ingress := router.Spec.DefaultCertificate.Name
	var errs []error
	for _, name := range []string{ingress, strings.Replace(ingress, "-ingress", "-apiserver", 1)} {
		errs = append(errs, l.certificate(ctx, openshift.SystemNamespace, name))
	}
	return errors.Join(errs...)
}

func (l *Look) certificate(ctx context.Context, namespace, name string) error {
	var secret tlsSecret
	err := l.get(ctx, "/api/v1/namespaces/"+namespace+"/secrets/"+name, cached(), &secret)
	if absent(err) {
		l.gauge("certificate.secretnotfound", map[string]string{"namespace": namespace, "name": name})
		return nil
	}
	if err != nil {
		return err
	}
	return l.expiry(namespace, name, secret.Data.Certificate)
}

// expiry reports the remaining validity of a certificate in whole days; negative after its end.
func (l *Look) expiry(namespace, name string, text []byte) error {
	block, _ := pem.Decode(text)
	if block == nil {
		return fmt.Errorf("the Secret %s/%s has no certificate", namespace, name)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("the certificate of Secret %s/%s cannot be read", namespace, name)
	}
	left := math.Floor(float64(certificate.NotAfter.Sub(l.Now())) / float64(day))
	l.Emit.EmitGauge("certificate.expirationdate", int64(left), map[string]string{"namespace": namespace, "name": name,
		"subject": certificate.Subject.CommonName, "thumbprint": fmt.Sprintf("%X", sha1.Sum(block.Bytes))}) //nolint:gosec // as above
	return nil
}

// etcdRotates is the first minor version of OpenShift 4 that rotates etcd's certificates.
const etcdRotates = 9

// etcdCertificates reports the remaining validity of etcd's certificates in clusters that do not
// rotate them.
func etcdCertificates(ctx context.Context, l *Look) error {
	rest, found := strings.CutPrefix(minor(l.version.actual()), "4.")
	n, err := strconv.Atoi(rest)
	if !found || err != nil || n >= etcdRotates {
		return nil //nolint:nilerr // no version 4 of that form
	}
	var errs []error
	err = list(ctx, l, "/api/v1/namespaces/openshift-etcd/secrets", tlsSecrets(), func(s *tlsSecret) {
		if name := s.Metadata.Name; strings.Contains(name, "etcd-peer") || strings.Contains(name, "etcd-serving") {
			errs = append(errs, l.expiry("openshift-etcd", name, s.Data.Certificate))
		}
	})
	return errors.Join(append(errs, err)...)
}
