package home

import (
	"crypto/tls"
	"crypto/x509"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/aro-rp/aro/backend/controlplane"
)

func spec() controlplane.Spec {
	return controlplane.Spec{ID: "0b9a", Name: "one", Domain: "one.example.com", ServiceCIDR: "172.30.0.0/16"}
}

func furnish(t *testing.T, h Home) {
	t.Helper()
	if err := h.Furnish(spec()); err != nil {
		t.Fatal(err)
	}
	if err := h.SetPort(24000); err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, h Home) map[string]string {
	t.Helper()
	files := map[string]string{}
	names, err := os.ReadDir(h.Dir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(h.Dir(), name.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[name.Name()] = string(content)
	}
	return files
}

func TestFurnishAgainKeepsTheIdentity(t *testing.T) {
	h := At(filepath.Join(t.TempDir(), "home"))
	furnish(t, h)
	before := contents(t, h)
	furnish(t, h)
	if after := contents(t, h); !maps.Equal(before, after) {
		t.Error("certificates, kubeconfigs or password changed")
	}
}

func TestFurnishCompletesWhatACrashLeft(t *testing.T) {
	h := At(filepath.Join(t.TempDir(), "home"))
	furnish(t, h)
	os.Remove(h.CertificateFile(Admin)) // its key is there already
	os.Remove(h.path("kubeadmin-password"))
	furnish(t, h)
	if _, err := tls.LoadX509KeyPair(h.CertificateFile(Admin), h.KeyFile(Admin)); err != nil {
		t.Error(err)
	}
	if _, err := h.Password(); err != nil {
		t.Error(err)
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	h := At(filepath.Join(t.TempDir(), "home"))
	furnish(t, h)
	for name := range contents(t, h) {
		info, err := os.Stat(filepath.Join(h.Dir(), name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", name, info.Mode())
		}
	}
}

func TestServingCertificateIsForEveryNameOfTheAPIServer(t *testing.T) {
	h := At(filepath.Join(t.TempDir(), "home"))
	furnish(t, h)
	authority, _ := os.ReadFile(h.CertificateFile(Authority))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	pair, err := tls.LoadX509KeyPair(h.CertificateFile(APIServer), h.KeyFile(APIServer))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"127.0.0.1", "localhost", "172.30.0.1", "api.one.example.com", "api-int.one.example.com"} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAdminKubeconfigNeedsNoOtherFile(t *testing.T) {
	h := At(filepath.Join(t.TempDir(), "home"))
	furnish(t, h)
	content, err := h.AdminKubeconfig()
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(content)
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != "https://127.0.0.1:24000" || len(config.CAData) == 0 || len(config.KeyData) == 0 {
		t.Errorf("host %s, %d bytes of CA, %d of key", config.Host, len(config.CAData), len(config.KeyData))
	}
	block, _ := tls.X509KeyPair(config.CertData, config.KeyData)
	if got := block.Leaf.Subject.Organization; len(got) != 1 || got[0] != "system:masters" {
		t.Errorf("groups %v, want system:masters", got)
	}
}

func TestPasswordsHaveTheShapeOfKubeadminsAndDiffer(t *testing.T) {
	shape := regexp.MustCompile(`^[A-Za-z0-9]{5}(-[A-Za-z0-9]{5}){3}$`)
	a, _ := newPassword()
	b, _ := newPassword()
	if !shape.MatchString(a) || !shape.MatchString(b) || a == b {
		t.Error("a password is of another shape, or two are equal")
	}
}
