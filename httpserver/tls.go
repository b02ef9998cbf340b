package httpserver

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// TLSConfig returns a configuration with the certificate that current returns for
// each connection. It requests client certificates, which an Authenticator checks.
func TLSConfig(current func(context.Context) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS12,
		SessionTicketsDisabled: true,
		ClientAuth:             tls.RequestClientCert,
		GetCertificate:         func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return current(hello.Context()) },
		NextProtos:             []string{"h2", "http/1.1"},
	}
}

// CertificateFiles returns, for TLSConfig, the certificate chain and key of two PEM
// files. Renewed files are used from the next connection on.
func CertificateFiles(cert, key string) (func(context.Context) (*tls.Certificate, error), error) {
	if _, err := tls.LoadX509KeyPair(cert, key); err != nil {
		return nil, fmt.Errorf("server certificate: %w", err)
	}
	return (&certificateFiles{cert: cert, key: key}).get, nil
}

// certificateFiles is a certificate that may be renewed on disk.
type certificateFiles struct {
	cert, key string

	mu      sync.Mutex
	written time.Time
	current *tls.Certificate
}

// get reads the files again after they were written. While they cannot be read, for
// example half written, the previous certificate is used.
func (f *certificateFiles) get(context.Context) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.cert)
	if err == nil && f.current != nil && info.ModTime().Equal(f.written) {
		return f.current, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(f.cert, f.key); err == nil {
			f.current, f.written = &pair, info.ModTime()
		}
	}
	if f.current != nil {
		return f.current, nil
	}
	return nil, err
}
