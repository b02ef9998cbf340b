package openshift

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// The lifetime of credentials, and the minimum remaining time of those that
// customers get: a customer may keep them for most of a year.
const (
	serviceValidity = 10 * 365 * 24 * time.Hour
	userValidity    = 365 * 24 * time.Hour
	userFreshness   = 275 * 24 * time.Hour
)

// Issuer issues credentials for one cluster.
type Issuer struct {
	authority tls.Certificate
	cluster   *clientcmdapi.Cluster
	name      string // of the cluster in kubeconfigs
	now       func() time.Time
}

// NewIssuer takes the cluster's address and certificate authority from the
// installer's kubeconfig and signs with signer, the authority for administrators.
func NewIssuer(installers []byte, signer KeyPair, now func() time.Time) (*Issuer, error) {
	config, err := clientcmd.Load(installers)
	if err != nil || len(config.Clusters) != 1 {
		return nil, errors.New("the installer's kubeconfig does not describe one cluster")
	}
	pair, err := tls.X509KeyPair(signer.Certificate, signer.Key)
	if err != nil {
		return nil, fmt.Errorf("the administrators' authority: %w", err)
	}
	if pair.Leaf == nil || !pair.Leaf.IsCA {
		return nil, errors.New("the administrators' authority cannot sign")
	}
	issuer := &Issuer{authority: pair, now: now}
	for name, cluster := range config.Clusters {
		issuer.name, issuer.cluster = name, cluster
	}
	return issuer, nil
}

// Service returns the service's own kubeconfig.
func (i *Issuer) Service() ([]byte, error) {
	return i.kubeconfig(pkix.Name{CommonName: "system:aro-service", Organization: []string{"system:masters"}}, serviceValidity, i.cluster, newServiceKey)
}

// SRE returns the kubeconfig for operators of the service. A role binding in the
// cluster for their name defines their permissions.
func (i *Issuer) SRE() ([]byte, error) {
	return i.kubeconfig(pkix.Name{CommonName: "system:aro-sre"}, serviceValidity, i.cluster, newServiceKey)
}

// Reach is how customers connect to the API server.
type Reach struct {
	// Domain of the cluster, in full.
	Domain string
	// Address is an IP to use instead of names that do not resolve outside; empty
	// if names resolve.
	Address string
	// Signed is true if the certificate of the API server's name is publicly
	// trusted.
	Signed bool
}

// public reports whether customers need no certificate authority.
func (r Reach) public() bool { return r.Signed && r.Address == "" }

// User returns the kubeconfig for customers.
func (i *Issuer) User(r Reach) ([]byte, error) {
	return i.kubeconfig(pkix.Name{CommonName: "system:admin"}, userValidity, i.userCluster(r), newKey)
}

// userCluster returns the API server's entry for customers. If its name does not
// resolve, it has the address, and the internal name, for which the cluster's own
// authority signs whatever certificate is configured for the other.
func (i *Issuer) userCluster(r Reach) *clientcmdapi.Cluster {
	cluster := i.cluster.DeepCopy()
	cluster.Server = userServer(r)
	if r.public() {
		cluster.CertificateAuthorityData = nil
	}
	if r.Address != "" {
		cluster.TLSServerName = "api-int." + r.Domain
	}
	return cluster
}

func userServer(r Reach) string {
	host := r.Address
	if host == "" {
		host = "api." + r.Domain
	}
	return "https://" + net.JoinHostPort(host, "6443")
}

func (i *Issuer) kubeconfig(subject pkix.Name, validity time.Duration, cluster *clientcmdapi.Cluster, newKey func() (crypto.Signer, error)) ([]byte, error) {
	key, err := newKey()
	if err != nil {
		return nil, fmt.Errorf("create a key: %w", err)
	}
	pair, err := sign(i.authority, &x509.Certificate{Subject: subject, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, key, i.now().Add(validity))
	if err != nil {
		return nil, err
	}
	who := subject.CommonName
	return clientcmd.Write(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{i.name: cluster},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{who: {ClientCertificateData: pair.Certificate, ClientKeyData: pair.Key}},
		Contexts:       map[string]*clientcmdapi.Context{who: {Cluster: i.name, AuthInfo: who}},
		CurrentContext: who,
	})
}

// newKey creates a key that every client of Kubernetes and every server can use.
func newKey() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) }

// newServiceKey creates the key of a kubeconfig that only the service uses. It connects to many
// clusters all the time: reading the key and signing with it costs a twentieth of RSA.
func newServiceKey() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// sign completes a certificate for key. Its validity begins with that of the authority,
// because clocks of cluster and service may differ, and does not exceed it.
func sign(authority tls.Certificate, template *x509.Certificate, key crypto.Signer, until time.Time) (KeyPair, error) {
	var err error
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63)); err != nil {
		return KeyPair{}, fmt.Errorf("make a serial number: %w", err)
	}
	if until.After(authority.Leaf.NotAfter) {
		until = authority.Leaf.NotAfter
	}
	template.NotBefore, template.NotAfter, template.BasicConstraintsValid = authority.Leaf.NotBefore, until, true
	template.KeyUsage = x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, authority.Leaf, key.Public(), authority.PrivateKey)
	if err != nil {
		return KeyPair{}, fmt.Errorf("sign the certificate of %s: %w", template.Subject.CommonName, err)
	}
	block, err := keyBlock(key)
	if err != nil {
		return KeyPair{}, err
	}
	return KeyPair{Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), Key: pem.EncodeToMemory(block)}, nil
}

// keyBlock encodes a key as the installer and openssl do.
func keyBlock(key crypto.Signer) (*pem.Block, error) {
	if private, ok := key.(*rsa.PrivateKey); ok {
		return &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)}, nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode a key: %w", err)
	}
	return &pem.Block{Type: "PRIVATE KEY", Bytes: der}, nil
}

// Fresh reports whether a customer's kubeconfig connects to the cluster and is
// valid long enough.
func Fresh(kubeconfig []byte, r Reach, now time.Time) bool {
	config, err := clientcmd.Load(kubeconfig)
	if err != nil || len(config.Clusters) == 0 || len(config.AuthInfos) == 0 {
		return false
	}
	for _, cluster := range config.Clusters {
		if cluster.Server != userServer(r) || (len(cluster.CertificateAuthorityData) == 0) != r.public() {
			return false
		}
	}
	for _, who := range config.AuthInfos {
		if len(who.ClientKeyData) == 0 || !validUntil(who.ClientCertificateData, now.Add(userFreshness)) {
			return false
		}
	}
	return true
}

func validUntil(certificates []byte, then time.Time) bool {
	found := false
	for block, rest := pem.Decode(bytes.TrimSpace(certificates)); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil || !certificate.NotAfter.After(then) {
			return false
		}
		found = true
	}
	return found
}
