package proof

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// resizesItsControlPlane has the admin API resize the control plane: as a dry run, which is part of
// every run, and with -long in earnest.
func (c *customer) resizesItsControlPlane(ctx context.Context, t *testing.T, k *kube) {
	t.Helper()
	resize := func(query, says string) string {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.address+"/admin"+c.id()+"/resizecontrolplane?vmSize=Standard_D16s_v5"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }()
		text, err := io.ReadAll(answer.Body)
		if err != nil || !strings.Contains(string(text), says) {
			t.Fatalf("resize%s: %s, %v: %s", query, answer.Status, err, text)
		}
		return string(text)
	}
	sizes := func() (n int) {
		nodes, err := k.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "node-role.kubernetes.io/master,node.kubernetes.io/instance-type=Standard_D16s_v5"})
		if err != nil {
			t.Fatal(err)
		}
		return len(nodes.Items)
	}
	// No operator of the service runs here, which would make the set inactive.
	resize("&dryRun=true", "control plane machine set: It is active")
	if err := k.CoreV1().RESTClient().Delete().AbsPath("/apis/machine.openshift.io/v1/namespaces/openshift-machine-api/controlplanemachinesets/cluster").Do(ctx).Error(); err != nil {
		t.Fatal(err)
	}
	const succeeded, failed = `"outcome":"Succeeded"`, `"outcome":"Failed"`
	if text := resize("&dryRun=true", succeeded); strings.Count(text, "would be drained") != 3 || sizes() != 0 {
		t.Errorf("the dry run says %s", text)
	}
	for _, path := range []string{"/networkchecks", "/preresizevalidation?vmSize=Standard_D16s_v5"} {
		found := c.checks(ctx, t, path)
		for name, one := range found {
			if unknown := name == "connections between nodes" || strings.Contains(one.Message, "The operator of the service has not reported"); one.Outcome != "Succeeded" && !unknown || one.Outcome == "Failed" {
				t.Errorf("%s: %s: %+v", path, name, one)
			}
		}
		if len(found) < 10 {
			t.Errorf("%s makes %d checks", path, len(found))
		}
	}
	if !*long {
		return
	}
	c.want(ctx, t, http.MethodPut, "/local/faults/resize", m{"match": m{"method": "POST", "path": "master-1/start$"}, "count": 1,
		"action": m{"kind": "fail", "status": 409, "code": "AllocationFailed", "message": "There is no place for the size."}}, nil)
	if text := resize("", failed); !strings.Contains(text, "going back") || !strings.Contains(text, "There is no place for the size") || sizes() != 1 {
		t.Errorf("%d machines have the size after a failure: %s", sizes(), text)
	}
	k.isWell(ctx, t, 3)
	if text := resize("", succeeded); strings.Count(text, ": resizing") != 2 || sizes() != 3 {
		t.Errorf("%d machines have the size: %s", sizes(), text)
	}
	if text := resize("", succeeded); strings.Count(text, "already") != 3 {
		t.Errorf("the second resize says %s", text)
	}
	k.isWell(ctx, t, 3)
}

// finding is what a check of the admin API found.
type finding struct{ Name, Outcome, Message string }

// checks returns the findings of a checking operation of the admin API by the checks' names.
func (c *customer) checks(ctx context.Context, t *testing.T, path string) map[string]finding {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.address+"/admin"+c.id()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var list struct{ Value []finding }
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
		t.Fatalf("%s: %s: %v", path, answer.Status, err)
	}
	byName := map[string]finding{}
	for _, one := range list.Value {
		byName[one.Name] = one
	}
	return byName
}
