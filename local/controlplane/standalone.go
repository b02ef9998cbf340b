package controlplane

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
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
	token := rand.Text()
	options, err := standaloneOptions(listener, token)
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
		kubeconfig, err := prepareStandalone(running, listener.Addr().String(), token)
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
	knownTokens       = "tokens.csv"
	servingCert       = "serving.crt"
	servingKey        = "serving.key"
)

func standaloneOptions(listener net.Listener, token string) (*apiserveroptions.ServerRunOptions, error) {
	if err := os.WriteFile(knownTokens, []byte(token+",admin,admin,system:masters\n"), 0o600); err != nil {
		return nil, fmt.Errorf("token of the administrator: %w", err)
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
		"token-auth-file":                  knownTokens,
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

// prepareStandalone returns the kubeconfig of a server that serves OpenShift's kinds.
func prepareStandalone(ctx context.Context, address, token string) ([]byte, error) {
	authority, err := os.ReadFile(servingCert)
	if err != nil {
		return nil, fmt.Errorf("certificate of the API server: %w", err)
	}
	config := &rest.Config{Host: "https://" + address, BearerToken: token, TLSClientConfig: rest.TLSClientConfig{CAData: authority}, QPS: -1, WarningHandler: rest.NoWarnings{}}
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
		Clusters:       map[string]*clientcmdapi.Cluster{"standalone": {Server: config.Host, CertificateAuthorityData: authority}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"admin": {Token: token}},
		Contexts:       map[string]*clientcmdapi.Context{"admin": {Cluster: "standalone", AuthInfo: "admin"}},
		CurrentContext: "admin",
	})
}
