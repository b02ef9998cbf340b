package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
)

// localAuthority returns the certificate authority of the local Azure with a data directory, PEM.
func localAuthority(data string) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(data, "demo.json"))
	if err != nil {
		return nil, err
	}
	var id identity
	if err := json.Unmarshal(content, &id); err != nil {
		return nil, fmt.Errorf("demo.json: %w", err)
	}
	return os.ReadFile(id.CAFile)
}

// byAddress makes a kubeconfig usable on this machine. As in production, the kubeconfig of a cluster
// of aro-local cloud has the name of the API server, which does not resolve here, and no authority,
// because the one that signed the certificate is trusted publicly.
func byAddress(kubeconfig []byte, address string, authority []byte) ([]byte, error) {
	config, err := clientcmd.Load(kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("the cluster's kubeconfig: %w", err)
	}
	for _, cluster := range config.Clusters {
		server, err := url.Parse(cluster.Server)
		if err != nil {
			return nil, fmt.Errorf("the cluster's kubeconfig: %w", err)
		}
		if net.ParseIP(server.Hostname()) != nil || net.ParseIP(address) == nil {
			continue
		}
		cluster.TLSServerName = server.Hostname()
		server.Host = net.JoinHostPort(address, server.Port())
		cluster.Server = server.String()
		if len(cluster.CertificateAuthorityData) == 0 {
			cluster.CertificateAuthorityData = authority
		}
	}
	return clientcmd.Write(*config)
}
