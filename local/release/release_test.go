package release_test

import (
	"os"
	"testing"

	"golang.org/x/mod/modfile"

	"github.com/aro-rp/aro/local/release"
)

func TestKubernetesFollowsFromTheMinorVersion(t *testing.T) {
	for openshift, want := range map[string]string{
		"4.14.0": "v1.27.1", "4.19.24": "v1.32.1", "4.20": "v1.33.1", "4.21.0-rc.1": "v1.34.1",
		"": release.Built, "4": release.Built, "5.1.0": release.Built, "4.x.1": release.Built,
	} {
		if got := release.Kubernetes(openshift); got != want {
			t.Errorf("OpenShift %q has Kubernetes %s, want %s", openshift, got, want)
		}
	}
}

func TestSystemFollowsFromKubernetes(t *testing.T) {
	for kubernetes, want := range map[string]string{
		"v1.25.1": " 8.6", "v1.26.1": " 9.2", "v1.31.1": " 9.4", "v1.32.1": " 9.6", "v1.34.1": " 9.6", "": "", "v1.x": "",
	} {
		if got := release.System(kubernetes); got != "Red Hat Enterprise Linux CoreOS"+want {
			t.Errorf("Kubernetes %q runs on %s, want %s", kubernetes, got, want)
		}
	}
}

func TestBuiltIsTheModulesVersion(t *testing.T) {
	content, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	module, err := modfile.Parse("go.mod", content, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, required := range module.Require {
		if required.Mod.Path == "k8s.io/kubernetes" && required.Mod.Version != release.Built {
			t.Errorf("built of %s, not of %s", required.Mod.Version, release.Built)
		}
	}
}
