package hypervisor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log"
	"net"
	"net/http"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	// kubeletPort is where a node's agent answers its API server.
	kubeletPort = 10250
	// apiServerUser is the only one that it answers.
	apiServerUser = "system:kube-apiserver"
)

// serve answers the cluster's API server, as a kubelet does: with a certificate that the cluster
// signed, and only clients with one of the cluster's.
func (k *kubelet) serve(ctx context.Context, client kubernetes.Interface, handler http.Handler) error {
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(k.disk.KubeletCA) {
		return nil // the machine was made before there was anything to serve
	}
	request := &x509.CertificateRequest{
		Subject:  pkix.Name{CommonName: "system:node:" + nodeName(k.vm), Organization: []string{"system:nodes"}},
		DNSNames: []string{nodeName(k.vm)}, IPAddresses: []net.IP{net.ParseIP(k.vm.PrivateIP)},
	}
	certificate, err := k.request(ctx, client, request, certificatesv1.KubeletServingSignerName, certificatesv1.UsageServerAuth)
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(certificate.Certificate, certificate.Key)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", at(0))
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           onlyFor(apiServerUser, handler),
		ReadHeaderTimeout: callTimeout,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients},
		ErrorLog:          log.New(consoleWriter{k.machine.log}, "", 0),
	}
	k.announce(listener.Addr().String())
	defer k.announce("")
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.ServeTLS(listener, "", ""); ctx.Err() == nil {
		return err
	}
	return nil
}

// keepServing serves until ctx ends, in spite of errors.
func (k *kubelet) keepServing(ctx context.Context, client kubernetes.Interface, handler http.Handler) {
	for begun, said := time.Now(), ""; ctx.Err() == nil; _ = sleep(ctx, pauseSince(begun)) {
		err := k.serve(ctx, client, handler)
		if err == nil {
			return
		}
		if line := err.Error(); line != said && ctx.Err() == nil {
			k.machine.log.printf("kubelet: cannot answer the API server yet: %v", err)
			said = line
		}
	}
}

// onlyFor refuses all other users that the cluster trusts.
func onlyFor(user string, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS.PeerCertificates[0].Subject.CommonName != user {
			http.Error(w, "only the API server may ask", http.StatusForbidden)
			return
		}
		handler.ServeHTTP(w, r)
	})
}

// consoleWriter puts a server's complaints on the machine's console.
type consoleWriter struct{ log *bootLog }

func (c consoleWriter) Write(line []byte) (int, error) {
	c.log.printf("kubelet: %s", line)
	return len(line), nil
}
