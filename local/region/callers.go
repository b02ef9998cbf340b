package region

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aro-rp/aro/initialdata"
)

const (
	// callerLife is how long the certificate of a caller holds.
	callerLife = 10 * 365 * 24 * time.Hour
	// idleTime is shorter than any drain of the service: a connection is not used that the
	// service closes.
	idleTime = 2 * time.Second
	// callTimeout bounds a request to the service, idleConnections those that wait for one.
	callTimeout     = time.Minute
	idleConnections = 64
	maxAnswer       = 1 << 20
)

// Caller is who may call the service, by a client certificate.
type Caller struct {
	Certificate tls.Certificate
	// File has the certificate and its key, PEM, and PEM the certificate alone.
	File, PEM string
}

// openCaller reads a caller's certificate, or makes it.
func openCaller(dir, name string) (Caller, error) {
	c := Caller{File: filepath.Join(dir, name+".pem")}
	content, err := os.ReadFile(c.File)
	if errors.Is(err, fs.ErrNotExist) {
		if content, err = newCaller(name); err == nil {
			if err = os.MkdirAll(dir, 0o700); err == nil {
				err = os.WriteFile(c.File, content, 0o600)
			}
		}
	}
	if err != nil {
		return c, err
	}
	if c.Certificate, err = tls.X509KeyPair(content, content); err != nil {
		return c, fmt.Errorf("%s: %w", c.File, err)
	}
	c.PEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate.Certificate[0]}))
	return c, nil
}

func newCaller(name string) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(callerLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...), nil
}

func clientTLS(as Caller) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{as.Certificate}, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
}

// Client reaches the service through the load balancer, as a caller.
func (r *Region) Client(as Caller) *http.Client {
	return &http.Client{Timeout: callTimeout, Transport: &http.Transport{
		TLSClientConfig: clientTLS(as), DialContext: r.Dial, MaxIdleConnsPerHost: idleConnections, IdleConnTimeout: idleTime,
	}}
}

// URL is that of a path of the service.
func (r *Region) URL(path string) string { return "https://" + Address() + path }

// Put writes an object of the admin API, as engineers do.
func (r *Region) Put(ctx context.Context, path string, properties any) error {
	content, err := json.Marshal(map[string]any{"properties": properties})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, r.URL(path), bytes.NewReader(content))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := r.Client(r.Engineer).Do(req)
	if err != nil {
		return fmt.Errorf("PUT %s: %w", path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err == nil && resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated {
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	if err != nil {
		return fmt.Errorf("PUT %s: %w", path, err)
	}
	return nil
}

// Offer makes a version of OpenShift the one of new clusters, and writes the role sets of managed identities: those of
// new databases.
func (r *Region) Offer(ctx context.Context) error {
	version, err := initialdata.DefaultVersion()
	if err != nil {
		return err
	}
	if err := r.Put(ctx, "/admin/versions", map[string]any{"version": version, "enabled": true, "default": true, "openShiftPullspec": "quay.io/openshift-release-dev/ocp-release:" + version + "-x86_64"}); err != nil {
		return err
	}
	sets, err := initialdata.RoleSets()
	for _, set := range sets {
		if err == nil {
			err = r.Put(ctx, "/admin/platformworkloadidentityrolesets", set)
		}
	}
	return err
}
