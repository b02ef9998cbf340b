package access

import (
	"context"
	"crypto"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/aro-rp/aro/model"
)

// How long what is given out is good.
const (
	kubeconfigLifetime = 6 * time.Hour
	passwordLifetime   = time.Minute
)

// ProxyPath is where the portal serves a cluster's API server, below the cluster's path.
const ProxyPath = "/kubeconfig/proxy"

// Masters is the number of machines that SSH reaches: those of a control plane.
const Masters = 3

// Person is who gets an access.
type Person struct{ ObjectID, Name string }

// Issuer gives out ways to clusters, through the portal.
type Issuer struct {
	Accesses
	// Origin is the address of the portal, such as https://localhost:8444.
	Origin string
	// Certificate is the one of the portal's server, which kubeconfigs trust.
	Certificate func(context.Context) (*tls.Certificate, error)
	// SSHAddress is where the portal's SSH server is, HOST:PORT; empty where there is none. SSHKey
	// has its key.
	SSHAddress string
	SSHKey     func(context.Context) (*tls.Certificate, error)
}

// Kubeconfig is a file that leads to a cluster. Its id is that of the document.
func (i *Issuer) Kubeconfig(ctx context.Context, who Person, cluster *model.Cluster, elevated bool) (content []byte, id string, err error) {
	certificate, err := i.Certificate(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("the portal's certificate: %w", err)
	}
	var authorities []byte
	for _, der := range certificate.Certificate {
		authorities = append(authorities, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	secret, err := i.Grant(ctx, model.PortalAccess{Kind: model.PortalKubeconfig, ObjectID: who.ObjectID, Username: who.Name, Elevated: elevated, ClusterID: cluster.ID}, kubeconfigLifetime)
	if err != nil {
		return nil, "", err
	}
	const entry = "cluster"
	content, err = clientcmd.Write(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{entry: {Server: i.Origin + cluster.ID + ProxyPath, CertificateAuthorityData: authorities}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"user": {Token: secret}},
		Contexts:       map[string]*clientcmdapi.Context{"context": {Cluster: entry, Namespace: "default", AuthInfo: "user"}},
		CurrentContext: "context",
	})
	return content, ID(secret), err
}

// Login is what a person needs for SSH to a machine.
type Login struct {
	// Command is for a POSIX shell. It asks for Password, which is good for one login.
	Command, Password string
}

// SSH gives a login to a machine of a cluster's control plane, as an administrator.
func (i *Issuer) SSH(ctx context.Context, who Person, cluster *model.Cluster, master int) (*Login, error) {
	key, err := HostKey(ctx, i.SSHKey)
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(i.SSHAddress)
	if err != nil {
		return nil, fmt.Errorf("address of the portal's SSH server: %w", err)
	}
	password, err := i.Grant(ctx, model.PortalAccess{Kind: model.PortalSSH, ObjectID: who.ObjectID, Username: who.Name, Elevated: true, ClusterID: cluster.ID, Master: master}, passwordLifetime)
	if err != nil {
		return nil, err
	}
	// The server is known by this line alone, whatever the person's files say.
	known := knownhosts.Line([]string{i.SSHAddress}, key.PublicKey())
	return &Login{Password: password, Command: fmt.Sprintf(`f=$(mktemp) && echo '%s' > "$f" && ssh -o UserKnownHostsFile="$f" -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes -o PreferredAuthentications=password -p %s %s@%s; rm -f "$f"`,
		known, port, User(who.Name), host)}, nil
}

// User is the user of a person at the SSH server: the name up to the @, of letters that no shell
// interprets.
func User(name string) string {
	name, _, _ = strings.Cut(name, "@")
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-' {
			return r
		}
		return -1
	}, name)
	if name = strings.TrimLeft(name, "-."); name == "" {
		return "sre"
	}
	return name
}

// HostKey is the key of a certificate for an SSH server.
func HostKey(ctx context.Context, certificate func(context.Context) (*tls.Certificate, error)) (ssh.Signer, error) {
	if certificate == nil {
		return nil, errors.New("the portal has no SSH server")
	}
	pair, err := certificate(ctx)
	if err != nil {
		return nil, fmt.Errorf("the key of the portal's SSH server: %w", err)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, errors.New("the certificate of the portal's SSH server has no key that signs")
	}
	signer, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		return nil, fmt.Errorf("the key of the portal's SSH server: %w", err)
	}
	several, ok := signer.(ssh.AlgorithmSigner)
	if !ok || signer.PublicKey().Type() != ssh.KeyAlgoRSA {
		return signer, nil
	}
	return ssh.NewSignerWithAlgorithms(several, []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256})
}
