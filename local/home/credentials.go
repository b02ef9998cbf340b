package home

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"os"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// KubeconfigFile reaches the API server as Admin or as ControllerManager.
func (h Home) KubeconfigFile(user string) string { return h.path(user + ".kubeconfig") }

// AdminKubeconfig reaches the API server from this machine as cluster
// administrator; everything it needs is within it. Secret.
func (h Home) AdminKubeconfig() ([]byte, error) {
	content, err := os.ReadFile(h.KubeconfigFile(Admin))
	if err != nil {
		return nil, fmt.Errorf("admin kubeconfig: %w", err)
	}
	return content, nil
}

// Password belongs to the user kubeadmin. Secret.
func (h Home) Password() (string, error) {
	content, err := os.ReadFile(h.path("kubeadmin-password"))
	if err != nil {
		return "", fmt.Errorf("kubeadmin password: %w", err)
	}
	return string(content), nil
}

func (h Home) kubeconfig(user string, port int) ([]byte, error) {
	var pems [3][]byte
	for i, file := range []string{h.CertificateFile(Authority), h.CertificateFile(user), h.KeyFile(user)} {
		var err error
		if pems[i], err = os.ReadFile(file); err != nil {
			return nil, err
		}
	}
	config := api.NewConfig()
	config.Clusters["cluster"] = &api.Cluster{Server: URL(port), CertificateAuthorityData: pems[0]}
	config.AuthInfos[user] = &api.AuthInfo{ClientCertificateData: pems[1], ClientKeyData: pems[2]}
	config.Contexts[user] = &api.Context{Cluster: "cluster", AuthInfo: user}
	config.CurrentContext = user
	return clientcmd.Write(*config)
}

func (h Home) makePassword() error {
	file := h.path("kubeadmin-password")
	if done, err := exists(file); done || err != nil {
		return err
	}
	password, err := newPassword()
	if err != nil {
		return err
	}
	return write(file, []byte(password))
}

// newPassword has the shape that the OpenShift installer gives to kubeadmin's:
// four groups of five, from letters and digits that are hard to mistake.
func newPassword() (string, error) {
	const alphabet = "ABCDEFGHIJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"
	groups := make([]string, 4)
	for i := range groups {
		group := make([]byte, 5)
		for j := range group {
			n, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
			if err != nil {
				return "", err
			}
			group[j] = alphabet[n.Int64()]
		}
		groups[i] = string(group)
	}
	return strings.Join(groups, "-"), nil
}
