package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/aro-rp/aro/local/generated/crds"
)

func TestGeneratedFileIsFresh(t *testing.T) {
	want, err := pack()
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(filepath.Join("..", "..", output))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, have) {
		t.Errorf("%s is stale: run `go run ./hack/crds` in local/", output)
	}
}

func TestEveryGroupThatIsNeededIsThere(t *testing.T) {
	list, err := crds.List()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, crd := range list {
		names[crd.GetName()] = true
	}
	for _, want := range []string{
		"clusterversions.config.openshift.io", "clusteroperators.config.openshift.io", "apiservers.config.openshift.io",
		"operatorhubs.config.openshift.io", "ingresscontrollers.operator.openshift.io", "consoles.operator.openshift.io",
		"machines.machine.openshift.io", "controlplanemachinesets.machine.openshift.io", "machineconfigs.machineconfiguration.openshift.io",
		"configs.samples.operator.openshift.io", "configs.imageregistry.operator.openshift.io", "routes.route.openshift.io",
		"securitycontextconstraints.security.openshift.io", "credentialsrequests.cloudcredential.openshift.io",
		"prometheusrules.monitoring.coreos.com", "podmonitors.monitoring.coreos.com", "servicemonitors.monitoring.coreos.com",
		"adminnetworkpolicies.policy.networking.k8s.io",
	} {
		if !names[want] {
			t.Errorf("%s is missing", want)
		}
	}
}
