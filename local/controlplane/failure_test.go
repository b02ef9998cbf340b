package controlplane_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestDamagedDiskDoesNotComeUp(t *testing.T) {
	cluster := install(t, "installer-request.json")
	other := install(t, "installer-request.json")
	const tls = "root/opt/openshift/tls/"
	tests := map[string]struct {
		damage func(t *testing.T, dir string)
		says   string
	}{
		"a certificate is missing": {
			func(t *testing.T, dir string) { remove(t, dir, tls+"kube-apiserver-internal-lb-server.crt") }, "kube-apiserver-internal-lb-server"},
		"a key is missing": {
			func(t *testing.T, dir string) { remove(t, dir, tls+"kubelet-signer.key") }, "kubelet-signer"},
		"a bundle is damaged": {
			func(t *testing.T, dir string) {
				write(t, filepath.Join(dir, tls+"kube-apiserver-complete-client-ca-bundle.crt"), []byte("damaged"))
			}, "kube-apiserver-complete-client-ca-bundle"},
		"a key belongs to another certificate": {
			func(t *testing.T, dir string) {
				copyFile(t, filepath.Join(dir, tls+"aggregator-signer.key"), filepath.Join(dir, tls+"aggregator-client.key"))
			}, "aggregator-client"},
		"a certificate was signed by another cluster": {
			func(t *testing.T, dir string) {
				from := boot(t, other)
				for _, ending := range []string{".crt", ".key"} {
					copyFile(t, filepath.Join(from, tls+"kube-apiserver-lb-server"+ending), filepath.Join(dir, tls+"kube-apiserver-lb-server"+ending))
				}
			}, "not signed by kube-apiserver-lb-signer"},
		"the machine config server has no certificate": {
			func(t *testing.T, dir string) { remove(t, dir, tls+"machine-config-server.crt") }, "machine-config-server"},
		"a manifest is damaged": {
			func(t *testing.T, dir string) {
				write(t, filepath.Join(dir, "root/opt/openshift/manifests/cluster-dns-02-config.yml"), []byte("spec: [\n"))
			}, "cluster-dns-02-config.yml"},
		"the network's manifest is missing": {
			func(t *testing.T, dir string) {
				remove(t, dir, "root/opt/openshift/manifests/cluster-network-02-config.yml")
			}, "Network"},
		"ports are not chosen": {
			func(t *testing.T, dir string) { remove(t, dir, "ports.json") }, "ports"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := boot(t, cluster)
			test.damage(t, dir)
			p := start(t, dir)
			select {
			case err := <-p.exited:
				p.exited <- err
				if err == nil || !strings.Contains(p.log.String(), test.says) {
					t.Errorf("ended with %v: %s", err, tail(p.log.String(), 3))
				}
			case <-time.After(patience):
				t.Fatal("goes on")
			}
			if _, err := os.Stat(filepath.Join(dir, "etcd")); !errors.Is(err, fs.ErrNotExist) {
				t.Error("etcd was started")
			}
		})
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, content)
}

func TestWorkloadIdentityReachesAzureWithoutSecret(t *testing.T) {
	s := &suite{cluster: install(t, "installer-request-workload-identity.json"), azure: newFakeAzure(t), life: t.Context()}
	s.process = start(t, boot(t, s.cluster), s.azure.server.URL, s.azure.caFile)
	s.admin = newClient(t, s.process.reach(t, []byte(s.cluster.AdminKubeconfig)))
	eventually(t, patience, "a machine may join", func() error {
		return s.admin.Get(t.Context(), client.ObjectKey{Name: "system-bootstrap-node-bootstrapper"}, &rbacv1.ClusterRoleBinding{})
	})
	if have := s.azure.named("virtualMachines"); len(have) > 0 {
		t.Errorf("%v were made without a master", have)
	}
	s.join(t, "demo-x7k2p-master-0", "master")
	eventually(t, patience, "virtual machines are made", func() error {
		if have := s.azure.named("virtualMachines"); len(have) == 0 {
			return errors.New("none")
		}
		return nil
	})
	s.azure.mu.Lock()
	defer s.azure.mu.Unlock()
	if len(s.azure.assertions) == 0 {
		t.Fatal("no federated token was exchanged")
	}
	claims := s.azure.assertions[0]
	if issuer := fmt.Sprint(claims["iss"]); !strings.HasPrefix(issuer, "https://") || strings.Contains(issuer, "kubernetes.default") {
		t.Errorf("issuer %s is not the cluster's own", issuer)
	}
	if claims["sub"] != "system:serviceaccount:openshift-machine-api:machine-api-controllers" || fmt.Sprint(claims["aud"]) != "[openshift]" {
		t.Errorf("subject %v, audience %v", claims["sub"], claims["aud"])
	}
}
