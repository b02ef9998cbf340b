package pods_test

import (
	"testing"

	"github.com/aro-rp/aro/local/hypervisor/pods"
)

func TestProgramIsFoundByTheImagesName(t *testing.T) {
	programs := pods.Programs{"aro-operator": "/bin/operator", "quay.io/prometheus/prometheus": "/bin/prometheus"}
	for image, want := range map[string]string{
		"registry.example.com/team/aro-operator:v1": "/bin/operator", "aro-operator": "/bin/operator",
		"localhost:5000/aro-operator@sha256:0123456789012345678901234567890123456789012345678901234567890123": "/bin/operator",
		"quay.io/prometheus/prometheus:v3": "/bin/prometheus", "quay.io/others/prometheus:v3": "", "nginx": "", "Not An Image": "", "": "",
	} {
		if got := programs.Of(image); got != want {
			t.Errorf("%q has program %q, want %q", image, got, want)
		}
	}
}
