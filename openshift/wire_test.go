package openshift_test

import (
	"context"
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/openshift"
)

// recorder answers every request with an object of the requested name, and records
// the requests.
type recorder struct {
	mu    sync.Mutex
	asked []string
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked, query := req.Method+" "+req.URL.Path, req.URL.Query()
	query.Del("timeout")
	if len(query) > 0 {
		asked += "?" + query.Encode()
	}
	r.asked = append(r.asked, asked)
	_, namespace, _ := strings.Cut(path.Dir(path.Dir(req.URL.Path)), "/namespaces/")
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"metadata": map[string]any{"namespace": namespace, "name": path.Base(req.URL.Path), "resourceVersion": "7"}})
}

// TestEveryKindIsFoundWhereAPIServersServeIt calls every read and every change.
func TestEveryKindIsFoundWhereAPIServersServeIt(t *testing.T) {
	server := &recorder{}
	kubeconfig, address, _ := apiServer(t, server.ServeHTTP, nil)
	kube, err := openshift.Connect(kubeconfig, address, unwatched)
	if err != nil {
		t.Fatal(err)
	}
	defer kube.Close()
	signer := newAuthority(t, time.Now().Add(time.Hour))
	pair := openshift.KeyPair{Certificate: []byte("c"), Key: []byte("k")}
	for name, do := range map[string]func(context.Context) error{
		"answers":         kube.Answers,
		"bootstrap":       func(ctx context.Context) error { _, err := kube.BootstrapComplete(ctx); return err },
		"workers":         func(ctx context.Context) error { _, err := kube.WorkersReady(ctx, 0); return err },
		"settled":         func(ctx context.Context) error { _, err := kube.Settled(ctx, "dns"); return err },
		"console":         func(ctx context.Context) error { _, err := kube.ConsoleExists(ctx); return err },
		"version ready":   func(ctx context.Context) error { _, err := kube.VersionReady(ctx); return err },
		"pools":           func(ctx context.Context) error { _, err := kube.Pools(ctx); return err },
		"network":         func(ctx context.Context) error { _, err := kube.NetworkType(ctx); return err },
		"version":         func(ctx context.Context) error { _, err := kube.Version(ctx); return err },
		"router":          func(ctx context.Context) error { _, err := kube.RouterIP(ctx); return err },
		"registry":        func(ctx context.Context) error { _, err := kube.RegistryAccount(ctx); return err },
		"packets":         func(ctx context.Context) error { _, err := kube.LargePackets(ctx); return err },
		"brand":           kube.BrandConsole,
		"samples":         kube.DisableSamples,
		"hub":             kube.DisableOperatorHub,
		"updates":         kube.DisableUpdates,
		"files":           kube.RemoveFileStorageClass,
		"volumes":         func(ctx context.Context) error { return kube.EncryptVolumes(ctx, "/des") },
		"upgrade":         func(ctx context.Context) error { return kube.AllowUpgrade(ctx, "4.20") },
		"API certificate": func(ctx context.Context) error { return kube.ServeAPI(ctx, "s", "h", pair) },
		"router's":        func(ctx context.Context) error { return kube.ServeRoutes(ctx, "s", pair) },
		"principal": func(ctx context.Context) error {
			return kube.UseServicePrincipal(ctx, openshift.ServicePrincipal{ClientID: "id"})
		},
		"identities": func(ctx context.Context) error { return kube.UseIdentities(ctx, openshift.Cloud{}, nil) },
		"machine config": func(ctx context.Context) error {
			return kube.ServeMachineConfig(ctx, signer.pair(), "h", "10.0.0.4", time.Now())
		},
		"findings of many": func(ctx context.Context) error { kube.Findings(ctx); return nil },
	} {
		if err := do(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, want := range []string{
		"GET /api/v1/namespaces/kube-system",
		"GET /api/v1/nodes?labelSelector=node-role.kubernetes.io%2Fworker",
		"GET /apis/machine.openshift.io/v1beta1/namespaces/openshift-machine-api/machines?labelSelector=machine.openshift.io%2Fcluster-api-machine-role%3Dworker",
		"GET /apis/machine.openshift.io/v1beta1/namespaces/openshift-machine-api/machinesets",
		"GET /apis/operator.openshift.io/v1/ingresscontrollers",
		"GET /apis/config.openshift.io/v1/clusteroperators",
		"GET /apis/config.openshift.io/v1/clusteroperators/dns",
		"GET /apis/config.openshift.io/v1/clusterversions/version",
		"GET /apis/config.openshift.io/v1/networks/cluster",
		"GET /api/v1/namespaces/openshift-ingress/services/router-default",
		"GET /apis/imageregistry.operator.openshift.io/v1/configs/cluster",
		"GET /apis/machineconfiguration.openshift.io/v1/machineconfigs/99-master-mtu",
		"GET /apis/samples.operator.openshift.io/v1/configs/cluster",
		"PATCH /apis/config.openshift.io/v1/apiservers/cluster",
		"PATCH /apis/config.openshift.io/v1/operatorhubs/cluster",
		"PATCH /apis/operator.openshift.io/v1/clustercsidrivers/file.csi.azure.com",
		"PATCH /apis/operator.openshift.io/v1/cloudcredentials/cluster",
		"PATCH /apis/operator.openshift.io/v1/consoles/cluster",
		"PATCH /apis/operator.openshift.io/v1/kubeapiservers/cluster",
		"PATCH /apis/operator.openshift.io/v1/kubecontrollermanagers/cluster",
		"PATCH /api/v1/namespaces/kube-system/secrets/azure-cloud-provider",
		"PATCH /apis/operator.openshift.io/v1/namespaces/openshift-ingress-operator/ingresscontrollers/default",
		"PATCH /apis/storage.k8s.io/v1/storageclasses/managed-csi",
		"DELETE /api/v1/namespaces/openshift-cloud-credential-operator/pods?labelSelector=app%3Dcloud-credential-operator",
		"DELETE /api/v1/namespaces/openshift-machine-config-operator/pods?labelSelector=k8s-app%3Dmachine-config-server",
	} {
		if !slices.Contains(server.asked, want) {
			t.Errorf("%s got no request", want)
		}
	}
	if t.Failed() {
		slices.Sort(server.asked)
		t.Log(slices.Compact(server.asked))
	}
}
