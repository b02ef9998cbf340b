package controlplane

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sync/errgroup"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
	apiserverapp "k8s.io/kubernetes/cmd/kube-apiserver/app"
	apiserveroptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Standalone is an API server with the kinds of OpenShift and nothing behind it:
// no machine, no controller, and no object but what its caller makes. Tests of
// programs that work inside clusters run against it.
type Standalone struct {
	// Dir is empty or an earlier server's; all that is kept is in it.
	Dir string
	Log *slog.Logger
}

// Run serves until ctx ends or a part fails. Once OpenShift's kinds are served it
// calls ready with an administrator's kubeconfig. It changes the working
// directory of the process.
func (s Standalone) Run(ctx context.Context, ready func(kubeconfig []byte) error) error {
	dir, err := filepath.Abs(s.Dir)
	if err != nil {
		return fmt.Errorf("directory of the API server: %w", err)
	}
	if err := os.Chdir(dir); err != nil {
		return fmt.Errorf("directory of the API server: %w", err)
	}
	// Listening here leaves no moment in which another process can take the port.
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return fmt.Errorf("API server: %w", err)
	}
	options, err := standaloneOptions(listener)
	if err != nil {
		return err
	}
	etcd, err := startEtcd(ctx, filepath.Join(dir, "etcd"))
	if err != nil {
		return err
	}
	defer etcd.Close()
	g, running := errgroup.WithContext(ctx)
	g.Go(func() error { return etcdFailure(running, etcd) })
	g.Go(func() error { return serve(running, options, func(*apiserverapp.Config) error { return nil }) })
	g.Go(func() error {
		kubeconfig, err := prepareStandalone(running, listener.Addr().String())
		if err != nil {
			return err
		}
		s.Log.InfoContext(ctx, "API server is ready", "address", listener.Addr().String())
		return ready(kubeconfig)
	})
	if err := g.Wait(); ctx.Err() == nil {
		return err
	}
	return nil // it was stopped
}

// Files of a standalone server, in its directory.
const (
	serviceAccountKey = "service-account.key"
	clientAuthority   = "clients.crt"
	adminCert         = "admin.crt"
	adminKey          = "admin.key"
	servingCert       = "serving.crt"
	servingKey        = "serving.key"
)

func standaloneOptions(listener net.Listener) (*apiserveroptions.ServerRunOptions, error) {
	if err := writeAdministrator(); err != nil {
		return nil, fmt.Errorf("certificate of the administrator: %w", err)
	}
	if err := writeKeys(); err != nil {
		return nil, fmt.Errorf("keys of the API server: %w", err)
	}
	options := apiserveroptions.NewServerRunOptions()
	port := listener.Addr().(*net.TCPAddr).Port
	flags := map[string]string{
		"allow-privileged":                 "true",
		"advertise-address":                loopback,
		"authorization-mode":               "RBAC",
		"bind-address":                     loopback,
		"client-ca-file":                   clientAuthority,
		"disable-admission-plugins":        "ServiceAccount", // no controller creates the default accounts
		"endpoint-reconciler-type":         "none",
		"etcd-servers":                     "unix://" + clientSocket,
		"profiling":                        "false",
		"secure-port":                      strconv.Itoa(port),
		"service-account-issuer":           "https://kubernetes.default.svc",
		"service-account-key-file":         serviceAccountKey,
		"service-account-signing-key-file": serviceAccountKey,
		"service-cluster-ip-range":         "172.30.0.0/16",
		"tls-cert-file":                    servingCert,
		"tls-private-key-file":             servingKey,
	}
	if err := parse(options.Flags(), flags); err != nil {
		return nil, fmt.Errorf("API server: %w", err)
	}
	options.SecureServing.Listener = listener
	if err := options.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return nil, fmt.Errorf("API server: %w", err)
	}
	return options, nil
}

func writeKeys() error {
	certificate, private, err := certutil.GenerateSelfSignedCertKey(loopback, []net.IP{net.ParseIP(loopback)}, nil)
	if err != nil {
		return err
	}
	if err := os.WriteFile(servingCert, certificate, 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(servingKey, private, 0o600); err != nil {
		return err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	content := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	return os.WriteFile(serviceAccountKey, content, 0o600)
}

// writeAdministrator writes an authority for clients, and an administrator's certificate by it, as
// clusters' kubeconfigs have one.
func writeAdministrator() error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	authority, err := certutil.NewSelfSignedCACert(certutil.Config{CommonName: "clients"}, private)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "admin", Organization: []string{"system:masters"}},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, authority, key.Public(), private)
	if err != nil {
		return err
	}
	encoded, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		clientAuthority: pem.EncodeToMemory(&pem.Block{Type: certutil.CertificateBlockType, Bytes: authority.Raw}),
		adminCert:       pem.EncodeToMemory(&pem.Block{Type: certutil.CertificateBlockType, Bytes: der}),
		adminKey:        encoded,
	} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// prepareStandalone returns the kubeconfig of a server that serves OpenShift's kinds.
func prepareStandalone(ctx context.Context, address string) ([]byte, error) {
	config := &rest.Config{Host: "https://" + address, QPS: -1, WarningHandler: rest.NoWarnings{}}
	for name, into := range map[string]*[]byte{servingCert: &config.CAData, adminCert: &config.CertData, adminKey: &config.KeyData} {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("certificates of the API server: %w", err)
		}
		*into = content
	}
	if err := waitReady(ctx, config); err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	if err := apiextensionsv1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("client of the API server: %w", err)
	}
	if err := applyCRDs(ctx, c); err != nil {
		return nil, fmt.Errorf("CRDs: %w", err)
	}
	return clientcmd.Write(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"standalone": {Server: config.Host, CertificateAuthorityData: config.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"admin": {ClientCertificateData: config.CertData, ClientKeyData: config.KeyData}},
		Contexts:       map[string]*clientcmdapi.Context{"admin": {Cluster: "standalone", AuthInfo: "admin"}},
		CurrentContext: "admin",
	})
}
