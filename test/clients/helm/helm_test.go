// Package helm_test proves Helm, unmodified, against a cluster: that of the kubeconfig
// in KUBECONFIG. It is a module of its own, because Helm's dependencies are large.
package helm_test

import (
	"log/slog"
	"os"
	"testing"
	"time"

	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/release"
	"k8s.io/cli-runtime/pkg/genericclioptions"
)

const (
	namespace = "helm-proof"
	patience  = 3 * time.Minute
)

// deployment is the chart's template.
const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: {app: {{ .Release.Name }}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
    spec:
      containers:
      - name: main
        image: registry.example.com/nginx:1
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
spec:
  selector: {app: {{ .Release.Name }}}
  ports: [{port: 80}]
`

// TestReleasesAreInstalledUpgradedAndRolledBack waits, as helm --wait does, until the
// cluster says that each revision runs.
func TestReleasesAreInstalledUpgradedAndRolledBack(t *testing.T) {
	if os.Getenv("KUBECONFIG") == "" {
		t.Skip("KUBECONFIG names no cluster; test/clients/run.sh starts one")
	}
	space := namespace
	getter := genericclioptions.NewConfigFlags(false)
	getter.Namespace = &space
	configuration := &action.Configuration{}
	log := func(format string, arguments ...any) { slog.Debug(format, "arguments", arguments) }
	if err := configuration.Init(getter, namespace, "secret", log); err != nil {
		t.Fatal(err)
	}
	proof := &chart.Chart{
		Metadata:  &chart.Metadata{APIVersion: chart.APIVersionV2, Name: "proof", Version: "1.0.0", KubeVersion: ">=1.25.0-0"},
		Templates: []*chart.File{{Name: "templates/all.yaml", Data: []byte(deployment)}},
		Values:    map[string]any{"replicas": 1},
	}

	install := action.NewInstall(configuration)
	install.ReleaseName, install.Namespace, install.CreateNamespace, install.Wait, install.Timeout = "proof", namespace, true, true, patience
	first, err := install.Run(proof, nil)
	check(t, first, err, 1)

	upgrade := action.NewUpgrade(configuration)
	upgrade.Namespace, upgrade.Wait, upgrade.Timeout = namespace, true, patience
	second, err := upgrade.Run("proof", proof, map[string]any{"replicas": 2})
	check(t, second, err, 2)

	rollback := action.NewRollback(configuration)
	rollback.Version, rollback.Wait, rollback.Timeout = 1, true, patience
	if err := rollback.Run("proof"); err != nil {
		t.Fatal(err)
	}
	now, err := action.NewGet(configuration).Run("proof")
	check(t, now, err, 3)
	if replicas := now.Config["replicas"]; replicas != nil {
		t.Errorf("after the rollback there are %v replicas, want the chart's", replicas)
	}

	uninstall := action.NewUninstall(configuration)
	uninstall.Wait, uninstall.Timeout = true, patience
	if _, err := uninstall.Run("proof"); err != nil {
		t.Fatal(err)
	}
}

// check wants a deployed release at a revision.
func check(t *testing.T, r *release.Release, err error, revision int) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if r.Info.Status != release.StatusDeployed || r.Version != revision {
		t.Fatalf("the release is %s at revision %d, want it deployed at %d", r.Info.Status, r.Version, revision)
	}
}
