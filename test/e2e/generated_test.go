package e2e

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/aro-rp/aro/clients/go/aro20250725"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/openapi"
	"github.com/aro-rp/aro/test/harness"
)

// body creates the cluster, in this version.
func body(version, name string) harness.Object {
	return harness.Body(version, arm.ClusterID{SubscriptionID: subscription, ResourceGroup: group, Name: name}, location)
}

func TestTheGeneratedClientsDoTheWholeLifeOfACluster(t *testing.T) {
	everyVersion(t, func(t *testing.T, version string, c client) {
		name := "life-" + version
		created, err := c.finish("CreateOrUpdate", group, name, body(version, name))
		if err != nil {
			t.Fatalf("create: %v", err)
		}
		wantReady(t, "created", created, "stand")
		got, err := c.model("Get", group, name)
		if err != nil || got["id"] != created["id"] || harness.Text(got, "id") == "" {
			t.Errorf("get: id %v, %v", got["id"], err)
		}
		c.wantListed(t, got["id"], "List")
		c.wantListed(t, got["id"], "ListByResourceGroup", group)
		c.wantCredentials(t, version, name)

		tagged, err := c.finish("Update", group, name, harness.Object{"tags": harness.Object{"made-by": "me"}})
		if err != nil {
			t.Fatalf("update of tags: %v", err)
		}
		wantReady(t, "tagged", tagged, "me")
		rotated, err := c.finish("Update", group, name, harness.Object{"properties": harness.Object{
			"servicePrincipalProfile": harness.Object{"clientSecret": "another secret"}}})
		if err != nil {
			t.Fatalf("update of the client secret: %v", err)
		}
		wantReady(t, "updated", rotated, "me")

		if _, err := c.finish("Delete", group, name); err != nil {
			t.Fatalf("delete: %v", err)
		}
		_, err = c.model("Get", group, name)
		wantError(t, err, fault{http.StatusNotFound, "ResourceNotFound", ""})
		if _, err := c.finish("Delete", group, name); err != nil {
			t.Errorf("delete of nothing: %v", err)
		}
	})
}

func TestTheGeneratedClientsTellWhatIsWrong(t *testing.T) {
	everyVersion(t, func(t *testing.T, version string, c client) {
		name := "wrong-" + version
		_, err := c.model("Get", group, name)
		wantError(t, err, fault{http.StatusNotFound, "ResourceNotFound", ""})
		_, err = c.finish("Update", group, name, harness.Object{"tags": harness.Object{"made-by": "me"}})
		wantError(t, err, fault{http.StatusNotFound, "ResourceNotFound", ""})
		_, err = c.finish("CreateOrUpdate", group, name, harness.Set(body(version, name), "properties.networkProfile.podCidr", "10.0.0.0/30"))
		wantError(t, err, fault{http.StatusBadRequest, "InvalidParameter", "properties.networkProfile.podCidr"})

		name = "refused-" + version
		_, err = c.finish("CreateOrUpdate", group, name, body(version, name))
		wantError(t, err, fault{http.StatusOK, "OperationFailed", ""})
		failed, err := c.model("Get", group, name)
		if err != nil || harness.Text(failed, "properties.provisioningState") != "Failed" {
			t.Errorf("after a failed create: %s, %v", harness.Text(failed, "properties.provisioningState"), err)
		}
	})
}

func TestTheGeneratedModelsKeepEveryMember(t *testing.T) {
	for version, construct := range constructors {
		made, err := construct(nil)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := openapi.Files.ReadFile("arm/" + version + "/examples/OpenShiftClusters_Get.json")
		if err != nil {
			t.Fatal(err)
		}
		var example harness.Object
		if err := json.Unmarshal(raw, &example); err != nil {
			t.Fatal(err)
		}
		want := harness.At(example, "responses.200.body")
		if raw, err = json.Marshal(want); err != nil {
			t.Fatal(err)
		}
		cluster := reflect.New(reflect.ValueOf(made).MethodByName("Get").Type().Out(0))
		if err := json.Unmarshal(raw, cluster.Interface()); err != nil {
			t.Errorf("%s: %v", version, err)
			continue
		}
		if got, err := object(cluster); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, %v; want %v", version, got, err, want)
		}
	}
}

// fault is what a program can read from an error.
type fault struct {
	status       int
	code, target string
}

// wantError requires a typed error with a message.
func wantError(t *testing.T, err error, want fault) {
	t.Helper()
	var typed *azcore.ResponseError
	if !errors.As(err, &typed) {
		t.Errorf("got %v, want %v", err, want)
		return
	}
	var answer aro20250725.CloudError // the versions' errors are the same
	if err := runtime.UnmarshalAsJSON(typed.RawResponse, &answer); err != nil || answer.Error == nil {
		t.Errorf("the answer of %v is no error: %v", typed, err)
		return
	}
	got := fault{typed.StatusCode, typed.ErrorCode, value(answer.Error.Target)}
	if got != want || value(answer.Error.Code) != want.code || value(answer.Error.Message) == "" {
		t.Errorf("got %v with the message %q, want %v", got, value(answer.Error.Message), want)
	}
}

func wantReady(t *testing.T, what string, cluster harness.Object, tag string) {
	t.Helper()
	if state := harness.Text(cluster, "properties.provisioningState"); state != "Succeeded" {
		t.Errorf("the %s cluster is %q", what, state)
	}
	url := harness.Text(cluster, "properties.apiserverProfile.url")
	if url == "" {
		url = harness.Text(cluster, "properties.apiserverUrl") // of the oldest version
	}
	if !strings.HasPrefix(url, "https://") {
		t.Errorf("URL of the %s cluster's API server is %q", what, url)
	}
	if got := harness.Text(cluster, "tags.made-by"); got != tag {
		t.Errorf("the %s cluster's tag is %q, want %q", what, got, tag)
	}
}

func (c client) wantListed(t *testing.T, id any, method string, args ...any) {
	t.Helper()
	all, err := c.list(method, args...)
	found := 0
	for _, cluster := range all {
		if o, ok := cluster.(harness.Object); ok && o["id"] == id {
			found++
		}
	}
	if err != nil || found != 1 {
		t.Errorf("%s has the cluster %d times: %v", method, found, err)
	}
}

// wantCredentials gets what the version hands out: the oldest by an older name and
// without that of the user, and the kubeconfig only since 2021.
func (c client) wantCredentials(t *testing.T, version, name string) {
	t.Helper()
	method, username := "ListCredentials", "kubeadmin"
	if version == harness.Oldest {
		method, username = "GetCredentials", ""
	}
	user, err := c.model(method, group, name)
	if err != nil || harness.Text(user, "kubeadminUsername") != username || harness.Text(user, "kubeadminPassword") == "" {
		t.Errorf("credentials of %q, %v", harness.Text(user, "kubeadminUsername"), err)
	}
	if version < "2021" {
		return
	}
	admin, err := c.model("ListAdminCredentials", group, name)
	config, malformed := base64.StdEncoding.DecodeString(harness.Text(admin, "kubeconfig"))
	if err != nil || malformed != nil || !strings.Contains(string(config), "kind: Config") {
		t.Errorf("the kubeconfig is none: %v, %v", err, malformed)
	}
}
