package proof

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"
)

// upgradeTimeout is far more than a cluster needs to take up a release.
const upgradeTimeout = 3 * time.Minute

// upgrades asks for the next patch release, as administrators do, waits until all
// of the cluster runs it, and returns it.
func (k *kube) upgrades(ctx context.Context, t *testing.T) (version string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, upgradeTimeout)
	defer cancel()
	found, err := k.dynamic.Resource(clusterVersions).Get(ctx, "version", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	current, _, _ := unstructured.NestedString(found.Object, "status", "desired", "version")
	dot := strings.LastIndex(current, ".")
	patch, err := strconv.Atoi(current[dot+1:])
	if err != nil {
		t.Fatalf("the cluster runs %q", current)
	}
	version = current[:dot+1] + strconv.Itoa(patch+1)
	change := func(format, value string) {
		if _, err := k.dynamic.Resource(clusterVersions).Patch(ctx, "version", types.MergePatchType, fmt.Appendf(nil, format, value), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	change(`{"spec":{"channel":%q}}`, "stable-"+current[:dot])
	eventually(ctx, t, version+" is offered", func() (bool, error) {
		found, err := k.dynamic.Resource(clusterVersions).Get(ctx, "version", metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		offers, _, _ := unstructured.NestedSlice(found.Object, "status", "availableUpdates")
		return slices.ContainsFunc(offers, func(one any) bool { return one.(m)["version"] == version }), nil
	})
	change(`{"spec":{"desiredUpdate":{"version":%q}}}`, version)
	eventually(ctx, t, "the cluster runs "+version, func() (bool, error) { return k.runs(ctx, version) })
	k.isWell(ctx, t, 4)
	return version
}

// runs reports whether the cluster and each of its operators have come to a version.
func (k *kube) runs(ctx context.Context, version string) (bool, error) {
	cluster, err := k.dynamic.Resource(clusterVersions).Get(ctx, "version", metav1.GetOptions{})
	if err != nil {
		return false, err
	}
	history, _, _ := unstructured.NestedSlice(cluster.Object, "status", "history")
	if len(history) < 2 {
		return false, nil
	}
	if newest, _ := history[0].(m); newest["version"] != version || newest["state"] != "Completed" {
		return false, nil
	}
	operators, err := k.dynamic.Resource(clusterOperators).List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, err
	}
	for i := range operators.Items {
		if operators.Items[i].GetName() == serviceOperator {
			continue
		}
		versions, _, _ := unstructured.NestedSlice(operators.Items[i].Object, "status", "versions")
		for _, one := range versions {
			if one, _ := one.(m); one["name"] == "operator" && one["version"] != version {
				return false, nil
			}
		}
	}
	return true, nil
}

// toolsWork runs the tools for people on the cluster.
func (c *customer) toolsWork(ctx context.Context, t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(ctx, "go", "build", "-o", dir, "./hack/ssh", "./hack/db")
	build.Dir = "../../.."
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	cloud, store := []string{"--cloud", c.Origin, "--ca", c.CAFile, "--identity"}, []string{"--store", "sqlite:" + filepath.Join(c.dir, "aro.db")}
	programs, err := filepath.Abs(*programs)
	if err != nil {
		t.Fatal(err)
	}
	tool := func(name string, arguments ...string) string {
		t.Helper()
		program := filepath.Join(dir, name)
		if name == "aro-local" {
			program = filepath.Join(programs, name)
		}
		command := exec.CommandContext(ctx, program, arguments...)
		var trouble bytes.Buffer
		command.Stderr = &trouble
		output, err := command.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, trouble.Bytes())
		}
		return string(output)
	}

	file := filepath.Join(dir, "kubeconfig")
	tool("aro-local", "cluster", "kubeconfig", "--data", c.dir, c.id(), "--file", file)
	config, err := clientcmd.BuildConfigFromFlags("", file)
	if err != nil {
		t.Fatal(err)
	}
	if n := connect(t, config).ready(ctx, t, "master"); n != 3 {
		t.Errorf("by the fetched kubeconfig %d masters are seen, want 3", n)
	}

	log := tool("ssh", append(append(cloud, filepath.Join(c.dir, "service.json"), "--vault", c.Origin+"/vaults/aro-svc", c.name, "master-1"), store...)...)
	if !strings.Contains(log, "ignition") {
		t.Errorf("the boot log of a master says nothing of ignition: %q", log)
	}

	const secret = `"kubeadminPassword"`
	if document := tool("db", append(store, "cluster", c.id())...); !strings.Contains(document, c.name+"-managed") || strings.Contains(document, secret) {
		t.Error("the cluster's document is another one, or tells secrets")
	}
	if document := tool("db", append(store, "cluster", c.id(), "--unseal")...); !strings.Contains(document, secret) {
		t.Error("the cluster's document tells no secrets although asked to")
	}
}
