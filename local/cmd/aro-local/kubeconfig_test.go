package main

import (
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

func TestKubeconfigsAreUsableWhereNamesDoNotResolve(t *testing.T) {
	for _, c := range []struct {
		name, address string
		before, want  clientcmdapi.Cluster
	}{
		{name: "a name, and no authority", address: "127.97.0.5", before: clientcmdapi.Cluster{Server: "https://api.x.eastus.aroapp.test:6443"},
			want: clientcmdapi.Cluster{Server: "https://127.97.0.5:6443", TLSServerName: "api.x.eastus.aroapp.test", CertificateAuthorityData: []byte("local")}},
		{name: "a name, and an authority", address: "127.97.0.5", before: clientcmdapi.Cluster{Server: "https://api.x.example.com:6443", CertificateAuthorityData: []byte("own")},
			want: clientcmdapi.Cluster{Server: "https://127.97.0.5:6443", TLSServerName: "api.x.example.com", CertificateAuthorityData: []byte("own")}},
		{name: "an address", address: "127.97.0.5", before: clientcmdapi.Cluster{Server: "https://127.65.0.4:6443", TLSServerName: "api-int.x", CertificateAuthorityData: []byte("own")},
			want: clientcmdapi.Cluster{Server: "https://127.65.0.4:6443", TLSServerName: "api-int.x", CertificateAuthorityData: []byte("own")}},
		{name: "no address yet", before: clientcmdapi.Cluster{Server: "https://api.x.example.com:6443"}, want: clientcmdapi.Cluster{Server: "https://api.x.example.com:6443"}},
	} {
		content, err := clientcmd.Write(clientcmdapi.Config{Clusters: map[string]*clientcmdapi.Cluster{"x": &c.before}})
		if err != nil {
			t.Fatal(err)
		}
		changed, err := byAddress(content, c.address, []byte("local"))
		if err != nil {
			t.Fatal(err)
		}
		config, err := clientcmd.Load(changed)
		if err != nil {
			t.Fatal(err)
		}
		got := config.Clusters["x"]
		if got.Server != c.want.Server || got.TLSServerName != c.want.TLSServerName || string(got.CertificateAuthorityData) != string(c.want.CertificateAuthorityData) {
			t.Errorf("%s: got %+v", c.name, *got)
		}
	}
}
