package cloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"

	"github.com/aro-rp/aro/local/cloud"
)

type object = map[string]any

const customer = "/subscriptions/" + cloud.CustomerSubscription

// fixture is a local Azure at a listener, and a resource provider behind it.
type fixture struct {
	*cloud.Azure
	t        *testing.T
	dir      string
	listener net.Listener
	options  cloud.Options
	stop     func()
	provider *provider
}

// seeded is the directory of a local Azure after its first start, which takes time
// for its keys.
var seeded = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "azure")
	if err != nil {
		return "", err
	}
	a, err := cloud.New(context.Background(), cloud.Options{Dir: dir, Origin: "https://localhost:1"})
	if err != nil {
		return "", err
	}
	a.Close()
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := seeded(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

func newFixture(t *testing.T, options cloud.Options) *fixture {
	t.Helper()
	w := &fixture{t: t, dir: t.TempDir(), options: options, provider: &provider{clusters: map[string]object{}}}
	first, err := seeded()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(w.dir, os.DirFS(first)); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w.provider)
	t.Cleanup(server.Close)
	w.options.RPAddress = strings.TrimPrefix(server.URL, "http://")
	w.start("127.0.0.1:0")
	t.Cleanup(func() { w.stop() })
	return w
}

func (w *fixture) start(address string) {
	w.t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.listener = listener
	w.options.Dir = w.dir
	w.options.Origin = fmt.Sprintf("https://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	if w.Azure, err = cloud.New(context.Background(), w.options); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	a := w.Azure
	go func() { done <- a.Serve(ctx, listener) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
		a.Close()
	})
}

// restart stops the process, so to speak, and starts it at the same origin.
func (w *fixture) restart() {
	w.t.Helper()
	address := w.listener.Addr().String()
	w.stop()
	w.start(address)
}

func (w *fixture) cloud() azcloud.Configuration {
	return azcloud.Configuration{ActiveDirectoryAuthorityHost: w.Origin + "/", Services: map[azcloud.ServiceName]azcloud.ServiceConfiguration{
		azcloud.ResourceManager: {Endpoint: w.Origin, Audience: w.Origin},
	}}
}

func (w *fixture) demo() azcore.TokenCredential {
	w.t.Helper()
	credentials, err := w.Credentials()
	if err != nil {
		w.t.Fatal(err)
	}
	return w.credential(credentials.Demo.ClientID, credentials.Demo.ClientSecret)
}

func (w *fixture) credential(id, secret string) azcore.TokenCredential {
	w.t.Helper()
	return w.credentialIn(cloud.TenantID, id, secret)
}

func (w *fixture) credentialIn(tenant, id, secret string) azcore.TokenCredential {
	w.t.Helper()
	credential, err := azidentity.NewClientSecretCredential(tenant, id, secret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{Cloud: w.cloud(), Transport: w.Client()}, DisableInstanceDiscovery: true,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return credential
}

// newApplication creates an application without any role.
func (w *fixture) newApplication() (credential azcore.TokenCredential, principal string) {
	w.t.Helper()
	ctx := context.Background()
	app, err := w.Entra.CreateApplication(ctx, "", "application")
	if err != nil {
		w.t.Fatal(err)
	}
	sp, err := w.Entra.CreateServicePrincipal(ctx, app.AppID)
	if err != nil {
		w.t.Fatal(err)
	}
	secret, _, err := w.Entra.AddPassword(ctx, app.AppID, "", time.Now().Add(time.Hour))
	if err != nil {
		w.t.Fatal(err)
	}
	return w.credential(app.AppID, secret), sp.ObjectID
}

func (w *fixture) clients() *arm.ClientOptions {
	return &arm.ClientOptions{ClientOptions: azcore.ClientOptions{
		Cloud: w.cloud(), Transport: w.Client(), Retry: policy.RetryOptions{MaxRetries: -1},
	}}
}

// call is a raw request with the credential's token.
func (w *fixture) call(credential azcore.TokenCredential, method, target string, body any) (int, http.Header, object) {
	w.t.Helper()
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			w.t.Fatal(err)
		}
		content = strings.NewReader(string(encoded))
	}
	if strings.HasPrefix(target, "/") {
		target = w.Origin + target
	}
	req, err := http.NewRequest(method, target, content)
	if err != nil {
		w.t.Fatal(err)
	}
	if content != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if credential != nil {
		token, err := credential.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{w.Origin + "/.default"}})
		if err != nil {
			w.t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token.Token)
	}
	resp, err := w.Client().Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer object
	_ = json.NewDecoder(resp.Body).Decode(&answer)
	return resp.StatusCode, resp.Header, answer
}

func (w *fixture) want(credential azcore.TokenCredential, method, target string, body any, status int, code string) object {
	w.t.Helper()
	got, _, answer := w.call(credential, method, target, body)
	refusal, _ := answer["error"].(object)
	if got != status || code != "" && refusal["code"] != code {
		w.t.Fatalf("%s %s: %d %v, want %d %s", method, target, got, answer, status, code)
	}
	return answer
}

func (w *fixture) group(name string) {
	w.t.Helper()
	client, err := armresources.NewResourceGroupsClient(cloud.CustomerSubscription, w.demo(), w.clients())
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := client.CreateOrUpdate(context.Background(), name, armresources.ResourceGroup{Location: to.Ptr("eastus")}, nil); err != nil {
		w.t.Fatal(err)
	}
}

func code(err error) string {
	var failure *azcore.ResponseError
	if errors.As(err, &failure) {
		return failure.ErrorCode
	}
	return fmt.Sprint(err)
}

func TestTheCloudDescribesItself(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	answer := w.want(nil, http.MethodGet, "/metadata/endpoints?api-version=2022-09-01", nil, http.StatusOK, "")
	for _, member := range []string{"name", "resourceManager", "microsoftGraphResourceId", "checkAccess", "gallery", "suffixes"} {
		if answer[member] == nil {
			t.Errorf("no %s", member)
		}
	}
}

func TestGroupsLiveThroughTheOfficialClient(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	ctx := context.Background()
	client, err := armresources.NewResourceGroupsClient(cloud.CustomerSubscription, w.demo(), w.clients())
	if err != nil {
		t.Fatal(err)
	}
	created, err := client.CreateOrUpdate(ctx, "Group", armresources.ResourceGroup{Location: to.Ptr("East US"), Tags: map[string]*string{"a": to.Ptr("b")}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if *created.ID != customer+"/resourceGroups/Group" || *created.Location != "eastus" || *created.Properties.ProvisioningState != "Succeeded" {
		t.Errorf("%+v", created)
	}
	if exists, err := client.CheckExistence(ctx, "group", nil); err != nil || !exists.Success {
		t.Error(exists, err)
	}
	w.restart()
	client, err = armresources.NewResourceGroupsClient(cloud.CustomerSubscription, w.demo(), w.clients())
	if err != nil {
		t.Fatal(err)
	}
	got, err := client.Get(ctx, "GROUP", nil)
	if err != nil || *got.Tags["a"] != "b" {
		t.Fatal(got, err)
	}
	poller, err := client.BeginDelete(ctx, "Group", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := poller.PollUntilDone(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Get(ctx, "Group", nil); code(err) != "ResourceGroupNotFound" {
		t.Error(err)
	}
}

func TestWhoIsUnknownOrHasNoRoleIsRefused(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.want(nil, http.MethodGet, customer+"?api-version=1", nil, http.StatusUnauthorized, "AuthenticationFailed")
	w.want(w.demo(), http.MethodGet, customer, nil, http.StatusBadRequest, "MissingApiVersionParameter")
	credential, principal := w.newApplication()
	target := customer + "/resourceGroups/g?api-version=1"
	w.want(credential, http.MethodPut, target, object{"location": "eastus"}, http.StatusForbidden, "AuthorizationFailed")
	w.group("g")
	w.want(w.demo(), http.MethodPut, customer+"/resourceGroups/g/providers/Microsoft.Authorization/roleAssignments/00000000-0000-0000-0000-000000000001?api-version=1",
		object{"properties": object{"principalId": principal, "roleDefinitionId": "x/acdd72a7-3385-48ef-bd42-f606fba81ae7"}}, http.StatusCreated, "")
	w.want(credential, http.MethodGet, target, nil, http.StatusOK, "")
	w.want(credential, http.MethodDelete, target, nil, http.StatusForbidden, "AuthorizationFailed")
	list := w.want(credential, http.MethodGet, "/subscriptions?api-version=1", nil, http.StatusOK, "")
	if n := len(list["value"].([]any)); n != 1 {
		t.Errorf("sees %d subscriptions", n)
	}
}

func TestReferringTakesARightOnWhatIsReferredTo(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("net")
	w.group("mine")
	const nsg = customer + "/resourceGroups/net/providers/Microsoft.Network/networkSecurityGroups/nsg"
	w.want(w.demo(), http.MethodPut, nsg+"?api-version=1", object{"location": "eastus"}, http.StatusCreated, "")
	credential, principal := w.newApplication()
	if err := w.Access.Assign(context.Background(), principal, "b24988ac-6180-42a0-ab88-20f7382dd24c", customer+"/resourceGroups/mine"); err != nil {
		t.Fatal(err)
	}
	body := object{"location": "eastus", "properties": object{"networkSecurityGroup": object{"id": nsg}}}
	const nic = customer + "/resourceGroups/mine/providers/A.B/nics/nic?api-version=1"
	w.want(credential, http.MethodPut, nic, body, http.StatusForbidden, "LinkedAuthorizationFailed")
	if err := w.Access.Assign(context.Background(), principal, "4d97b98b-1d4f-4787-a291-c67834d212e7", nsg); err != nil {
		t.Fatal(err)
	}
	w.want(credential, http.MethodPut, nic, body, http.StatusCreated, "")
}

func (w *fixture) within(limit time.Duration, what string, true func() bool) {
	w.t.Helper()
	for end := time.Now().Add(limit); !true(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("no %s within %v", what, limit)
		}
	}
}

func TestTooManyRequestsAreThrottled(t *testing.T) {
	now := time.Now()
	w := newFixture(t, cloud.Options{Now: func() time.Time { return now }}) // nothing flows in
	credential, missing := w.demo(), customer+"/resourceGroups/none?api-version=1"
	const full = 200
	for range full {
		w.want(credential, http.MethodDelete, missing, nil, http.StatusNotFound, "")
	}
	status, header, _ := w.call(credential, http.MethodDelete, missing, nil)
	if status != http.StatusTooManyRequests || header.Get("Retry-After") == "" || header.Get("x-ms-ratelimit-remaining-subscription-deletes") != "0" {
		t.Error(status, header)
	}
	w.want(credential, http.MethodGet, customer+"?api-version=1", nil, http.StatusOK, "")
}

func TestADrainedBucketHasOnlyWhatFlowsIn(t *testing.T) {
	var passed atomic.Int64
	start := time.Now()
	w := newFixture(t, cloud.Options{Now: func() time.Time { return start.Add(time.Duration(passed.Load())) }})
	credential, target := w.demo(), customer+"/resourceGroups/g?api-version=1"
	w.want(nil, http.MethodPut, "/local/faults", object{"match": object{"method": "PUT"}, "action": object{"kind": "drain"}}, http.StatusOK, "")
	for _, status := range []int{http.StatusCreated, http.StatusOK} {
		w.want(credential, http.MethodPut, target, object{"location": "eastus"}, status, "")
		w.want(credential, http.MethodPut, target, object{"location": "eastus"}, http.StatusTooManyRequests, "SubscriptionRequestsThrottled")
		passed.Add(int64(time.Second / 10)) // one write's worth
	}
	w.want(credential, http.MethodGet, target, nil, http.StatusOK, "")
}

func TestASubscriptionMovesToAnotherTenant(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	credentials, err := w.Credentials()
	if err != nil {
		t.Fatal(err)
	}
	here, there := w.demo(), w.credentialIn(cloud.OtherTenantID, credentials.Demo.ClientID, credentials.Demo.ClientSecret)
	const target = customer + "/resourceGroups/g?api-version=1"
	w.want(here, http.MethodPut, target, object{"location": "eastus"}, http.StatusCreated, "")
	w.want(there, http.MethodGet, target, nil, http.StatusUnauthorized, "InvalidAuthenticationTokenTenant")
	w.want(nil, http.MethodPut, "/local/subscriptions/"+cloud.CustomerSubscription, object{"tenantId": "elsewhere"}, http.StatusBadRequest, "InvalidTenant")
	w.want(nil, http.MethodPut, "/local/subscriptions/"+cloud.CustomerSubscription, object{"tenantId": cloud.OtherTenantID}, http.StatusNoContent, "")
	w.restart()
	w.want(here, http.MethodGet, target, nil, http.StatusUnauthorized, "InvalidAuthenticationTokenTenant")
	w.want(there, http.MethodGet, target, nil, http.StatusOK, "")
	if shown := w.want(there, http.MethodGet, customer+"?api-version=1", nil, http.StatusOK, ""); shown["tenantId"] != cloud.OtherTenantID || w.provider.tenant != cloud.OtherTenantID {
		t.Errorf("the subscription is shown as %v, the provider was told of the tenant %s", shown, w.provider.tenant)
	}
	// Other subscriptions stay where they were.
	service := w.credential(credentials.Service.ClientID, credentials.Service.ClientSecret)
	w.want(service, http.MethodGet, "/subscriptions/"+cloud.ServiceSubscription+"?api-version=1", nil, http.StatusOK, "")
}

func TestAFaultMeetsWhoAsksForAToken(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	credentials, err := w.Credentials()
	if err != nil {
		t.Fatal(err)
	}
	w.want(nil, http.MethodPut, "/local/faults", object{"match": object{"path": "/oauth2/", "caller": credentials.Demo.ClientID},
		"action": object{"kind": "fail", "status": http.StatusUnauthorized, "code": "invalid_client", "message": "AADSTS7000222"}}, http.StatusOK, "")
	scopes := policy.TokenRequestOptions{Scopes: []string{w.Origin + "/.default"}}
	if _, err := w.demo().GetToken(t.Context(), scopes); err == nil || !strings.Contains(err.Error(), "AADSTS7000222") {
		t.Errorf("who is meant got %v", err)
	}
	if _, err := w.credential(credentials.Service.ClientID, credentials.Service.ClientSecret).GetToken(t.Context(), scopes); err != nil {
		t.Errorf("another got %v", err)
	}
}

func TestFaultsStrikeOnDemand(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	target := customer + "/resourceGroups/g?api-version=1"
	put := func(fault object) {
		t.Helper()
		w.want(nil, http.MethodDelete, "/local/faults", nil, http.StatusNoContent, "")
		w.want(nil, http.MethodPut, "/local/faults", fault, http.StatusOK, "")
	}
	match := object{"method": "PUT", "type": "Microsoft.Resources/resourceGroups", "path": "/g$"}
	put(object{"match": match, "nth": 2, "count": 1, "action": object{"kind": "fail", "status": 500, "code": "Boom"}})
	w.restart()
	w.want(w.demo(), http.MethodPut, target, object{"location": "eastus"}, http.StatusCreated, "")
	w.want(w.demo(), http.MethodPut, target, object{"location": "eastus"}, http.StatusInternalServerError, "Boom")
	w.want(w.demo(), http.MethodPut, target, object{"location": "eastus"}, http.StatusOK, "")
	for kind, want := range map[string]struct {
		status int
		code   string
	}{
		"throttle": {http.StatusTooManyRequests, "TooManyRequests"}, "policyDenied": {http.StatusForbidden, "RequestDisallowedByPolicy"},
		"quota": {http.StatusConflict, "QuotaExceeded"}, "forbidden": {http.StatusForbidden, "AuthorizationFailed"},
	} {
		put(object{"match": match, "action": object{"kind": kind}})
		w.want(w.demo(), http.MethodPut, target, object{"location": "eastus"}, want.status, want.code)
	}
	const delay = 200 * time.Millisecond
	put(object{"match": match, "action": object{"kind": "delay", "milliseconds": delay.Milliseconds()}})
	before := time.Now()
	w.want(w.demo(), http.MethodPut, target, object{"location": "eastus"}, http.StatusOK, "")
	if took := time.Since(before); took < delay {
		t.Errorf("the answer was held back for %s, want %s", took, delay)
	}
	w.want(nil, http.MethodPut, "/local/faults", object{"action": object{"kind": "explode"}}, http.StatusBadRequest, "InvalidFault")
}

func TestPagesOfOtherOriginsDoNotReachTheAdministration(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	for name, c := range map[string]struct {
		host   string
		header map[string]string
		want   int
	}{
		"a tool":                  {"", nil, http.StatusOK},
		"a page of this origin":   {"", map[string]string{"Origin": w.Origin, "Sec-Fetch-Site": "same-origin"}, http.StatusOK},
		"the address bar":         {"", map[string]string{"Sec-Fetch-Site": "none"}, http.StatusOK},
		"another site":            {"", map[string]string{"Origin": "https://example.com"}, http.StatusForbidden},
		"another port":            {"", map[string]string{"Origin": "https://localhost:1"}, http.StatusForbidden},
		"a page without origin":   {"", map[string]string{"Origin": "null"}, http.StatusForbidden},
		"a picture elsewhere":     {"", map[string]string{"Sec-Fetch-Site": "cross-site"}, http.StatusForbidden},
		"a neighbour":             {"", map[string]string{"Sec-Fetch-Site": "same-site"}, http.StatusForbidden},
		"a name that leads here":  {"evil.example", nil, http.StatusForbidden},
		"another loopback's name": {"127.0.0.1", nil, http.StatusForbidden},
	} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			r := httptest.NewRequestWithContext(t.Context(), method, w.Origin+"/local/faults", http.NoBody)
			for key, value := range c.header {
				r.Header.Set(key, value)
			}
			if c.host != "" {
				r.Host = c.host
			}
			want := c.want
			if method == http.MethodDelete && want == http.StatusOK {
				want = http.StatusNoContent
			}
			answer := httptest.NewRecorder()
			w.ServeHTTP(answer, r)
			if answer.Code != want {
				t.Errorf("%s, %s: %d, want %d", name, method, answer.Code, want)
			}
		}
	}
}

func TestTheActivityLogAndTheInventoryTellWhatHappened(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	log := w.want(w.demo(), http.MethodGet, customer+"/providers/microsoft.insights/eventtypes/management/values?api-version=2015-04-01&$filter="+
		"eventTimestamp%20ge%20'2020-01-01T00:00:00Z'%20and%20eventTimestamp%20le%202099-01-01T00:00:00Z%20and%20eventChannels%20eq%20'Admin,%20Operation'%20and%20resourceGroupName%20eq%20'g'", nil, http.StatusOK, "")
	events := log["value"].([]any)
	if len(events) != 1 || events[0].(object)["operationName"].(object)["value"] != "Microsoft.Resources/subscriptions/resourceGroups/write" {
		t.Errorf("%v", events)
	}
	inventory := w.want(nil, http.MethodGet, "/local/inventory", nil, http.StatusOK, "")
	text, err := json.Marshal(inventory)
	if err != nil || !strings.Contains(string(text), `"aro-svc"`) || !strings.Contains(string(text), customer+`/resourceGroups/g"`) {
		t.Errorf("%s %v", text, err)
	}
}
