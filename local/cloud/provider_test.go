package cloud_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/local/cloud"
)

// provider stands for the resource provider: it keeps bodies and remembers headers.
type provider struct {
	mutex    sync.Mutex
	clusters map[string]object
	requests []*http.Request
	during   func() // runs while a PUT is answered, nil for nothing
	// introduced runs before the news of a subscription is taken, nil for nothing.
	introduced func(path string)
	tenant     string // of the subscription told of last
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.Count(r.URL.Path, "/") == 2 && p.introduced != nil {
		p.introduced(r.URL.Path)
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.requests = append(p.requests, r.Clone(context.Background()))
	key := strings.ToLower(r.URL.Path)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("x-ms-request-id", "the provider's")
	switch {
	case strings.Count(key, "/") == 2: // a subscription
		var news struct{ Properties struct{ TenantID string } }
		_ = json.NewDecoder(r.Body).Decode(&news)
		p.tenant = news.Properties.TenantID
		_, _ = io.WriteString(w, "{}")
	case strings.HasSuffix(key, "/preflight"):
		content, _ := io.ReadAll(r.Body)
		verdict := `{"status":"Succeeded"}`
		if strings.Contains(string(content), "wrong") {
			verdict = `{"status":"Failed","error":{"code":"InvalidParameter","message":"the domain is wrong"}}`
		}
		_, _ = io.WriteString(w, verdict)
	case r.Method == http.MethodPut:
		var body object
		_ = json.NewDecoder(r.Body).Decode(&body)
		shown := object{"provisioningState": "Succeeded"}
		if properties, ok := body["properties"].(object); ok {
			delete(properties, "pullSecret") // as secrets are not shown
			maps.Copy(shown, properties)
			shown["provisioningState"], shown["consoleProfile"] = "Succeeded", object{"url": "https://console.test"}
		}
		body["id"], body["properties"] = r.URL.Path, shown
		if p.during != nil {
			p.during()
		}
		status := http.StatusCreated
		if p.clusters[key] != nil {
			status = http.StatusOK
		}
		p.clusters[key] = body
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	case r.Method == http.MethodPatch && p.clusters[key] != nil:
		var body object
		_ = json.NewDecoder(r.Body).Decode(&body)
		maps.Copy(p.clusters[key], body)
		_ = json.NewEncoder(w).Encode(p.clusters[key])
	case r.Method == http.MethodDelete:
		delete(p.clusters, key)
		client, _ := url.Parse(r.Referer())
		for header, collection := range map[string]string{"Azure-AsyncOperation": "operationsstatus", "Location": "operationresults"} {
			w.Header().Set(header, "https://"+client.Host+customer+"/providers/Microsoft.RedHatOpenShift/locations/eastus/"+collection+"/one?api-version=2023-11-22")
		}
		w.WriteHeader(http.StatusAccepted)
	case strings.Contains(key, "/operationsstatus/"):
		_, _ = io.WriteString(w, `{"status":"Succeeded"}`)
	case p.clusters[key] == nil:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error":{"code":"ResourceNotFound","message":"no"}}`)
	default:
		_ = json.NewEncoder(w).Encode(p.clusters[key])
	}
}

func (p *provider) last(method string) *http.Request {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for i := len(p.requests) - 1; i >= 0; i-- {
		if p.requests[i].Method == method && strings.Contains(p.requests[i].URL.Path, "openShift") {
			return p.requests[i]
		}
	}
	return nil
}

func TestClustersAreForwardedAsARMDoes(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	const cluster = customer + "/resourceGroups/g/providers/Microsoft.RedHatOpenShift/openShiftClusters/c"
	w.want(w.demo(), http.MethodPut, cluster+"?api-version=2023-11-22", object{"location": "eastus", "identity": object{"type": "UserAssigned"}}, http.StatusCreated, "")
	got := w.provider.last(http.MethodPut)
	for header, want := range map[string]string{
		"Referer":                       w.Origin + cluster + "?api-version=2023-11-22",
		"X-Ms-Home-Tenant-Id":           cloud.TenantID,
		"X-Ms-Client-Principal-Name":    cloud.DemoApplication,
		"X-Ms-Identity-Url":             w.Origin + "/msi/",
		"X-Ms-Correlation-Request-Id":   "-",
		"X-Ms-Arm-Resource-System-Data": `"createdBy":"` + cloud.DemoApplication,
	} {
		if !strings.Contains(got.Header.Get(header), want) {
			t.Errorf("%s is %q", header, got.Header.Get(header))
		}
	}
	if got.Header.Get("Authorization") != "" {
		t.Error("the client's token went to the resource provider")
	}
	if _, header, _ := w.call(w.demo(), http.MethodGet, cluster+"?api-version=2023-11-22", nil); len(header.Values("x-ms-request-id")) != 1 {
		t.Errorf("the answer has the ids %v", header.Values("x-ms-request-id"))
	}
	list := w.want(w.demo(), http.MethodGet, customer+"/resourceGroups/g/resources?api-version=1", nil, http.StatusOK, "")
	if n := len(list["value"].([]any)); n != 1 {
		t.Errorf("%d resources in the group", n)
	}
	credential, _ := w.newApplication()
	w.want(credential, http.MethodGet, cluster+"?api-version=2023-11-22", nil, http.StatusForbidden, "AuthorizationFailed")
	// The deletion of the group deletes the cluster.
	status, header, _ := w.call(w.demo(), http.MethodDelete, customer+"/resourceGroups/g?api-version=1", nil)
	if status != http.StatusAccepted && status != http.StatusOK {
		t.Fatal(status, header)
	}
	w.within(10*time.Second, "the group's end", func() bool {
		status, _, _ := w.call(w.demo(), http.MethodGet, customer+"/resourceGroups/g?api-version=1", nil)
		return status == http.StatusNotFound
	})
	if w.provider.last(http.MethodDelete) == nil {
		t.Error("the resource provider was not asked to delete the cluster")
	}
}

func TestAProviderThatIsAwayIsTold(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	w.options.RPAddress = "127.0.0.1:1"
	w.restart()
	w.want(w.demo(), http.MethodGet, customer+"/resourceGroups/g/providers/Microsoft.RedHatOpenShift/openShiftClusters/c?api-version=2023-11-22", nil, http.StatusServiceUnavailable, "ServiceUnavailable")
}

func TestAProviderThatIsSlowToLearnOfASubscriptionHoldsUpNoOther(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	credentials, err := w.Credentials()
	if err != nil {
		t.Fatal(err)
	}
	const clusters = "/providers/Microsoft.RedHatOpenShift/openShiftClusters?api-version=2023-11-22"
	demo, service := w.demo(), w.credential(credentials.Service.ClientID, credentials.Service.ClientSecret)
	var news atomic.Int64
	arrived, taken := make(chan struct{}), make(chan struct{})
	w.provider.introduced = func(path string) {
		if path == customer && news.Add(1) == 1 {
			close(arrived)
			<-taken
		}
	}
	release := sync.OnceFunc(func() { close(taken) })
	defer release()
	statuses := make(chan int, 2)
	for range cap(statuses) {
		go func() {
			status, _, _ := w.call(demo, http.MethodGet, customer+clusters, nil)
			statuses <- status
		}()
	}
	<-arrived
	answered := make(chan int, 1)
	go func() {
		status, _, _ := w.call(service, http.MethodGet, "/subscriptions/"+cloud.ServiceSubscription+clusters, nil)
		answered <- status
	}()
	select {
	case <-answered:
	case <-time.After(10 * time.Second):
		t.Error("a call of another subscription waits")
	}
	if n := len(statuses); n > 0 {
		t.Errorf("%d calls were answered before the provider knew of their subscription", n)
	}
	release()
	for range cap(statuses) {
		if status := <-statuses; status != http.StatusNotFound {
			t.Errorf("a call of the subscription was answered %d", status)
		}
	}
	if n := news.Load(); n != 1 {
		t.Errorf("the provider was told %d times", n)
	}
}

func TestAnUnregisteredSubscriptionIsToldToRegister(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	const provider = customer + "/providers/Microsoft.RedHatOpenShift"
	const cluster = customer + "/resourceGroups/g/providers/Microsoft.RedHatOpenShift/openShiftClusters/c?api-version=2023-11-22"
	w.want(w.demo(), http.MethodPost, provider+"/unregister?api-version=1", nil, http.StatusOK, "")
	w.want(w.demo(), http.MethodPut, cluster, object{"location": "eastus"}, http.StatusConflict, "MissingSubscriptionRegistration")
	if got := w.want(w.demo(), http.MethodPost, provider+"/register?api-version=1", nil, http.StatusOK, ""); got["registrationState"] != "Registered" {
		t.Error(got["registrationState"])
	}
	w.want(w.demo(), http.MethodPut, cluster, object{"location": "eastus"}, http.StatusCreated, "")
}

func TestTheCatalogueNamesTheVersionsOfTheProvider(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	clients, err := filepath.Glob("../../clients/go/aro*")
	if err != nil || len(clients) == 0 {
		t.Fatal("no clients to compare with", err)
	}
	var want []string
	for _, client := range slices.Backward(clients) {
		want = append(want, strings.TrimPrefix(filepath.Base(client), "aro"))
	}
	catalogue := w.want(w.demo(), http.MethodGet, customer+"/providers/Microsoft.RedHatOpenShift?api-version=1", nil, http.StatusOK, "")
	for _, each := range catalogue["resourceTypes"].([]any) {
		var got []string
		for _, version := range each.(object)["apiVersions"].([]any) {
			got = append(got, strings.ReplaceAll(version.(string), "-", ""))
		}
		want := want
		if first := map[any]string{"locations/openShiftVersions": "20220904", "locations/platformWorkloadIdentityRoleSets": "20240812preview"}[each.(object)["resourceType"]]; first != "" {
			want = want[:slices.Index(want, first)+1]
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v has %v, want %v", each.(object)["resourceType"], got, want)
		}
	}
}

func TestCredentialsAreOfIdentitiesThatTheClusterHas(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.group("g")
	const (
		identities = customer + "/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
		cluster    = customer + "/resourceGroups/g/providers/Microsoft.RedHatOpenShift/openShiftClusters/c"
	)
	for _, name := range []string{"its", "another"} {
		w.want(w.demo(), http.MethodPut, identities+name+"?api-version=2024-11-30", object{"location": "eastus"}, http.StatusCreated, "")
	}
	ask := func(identity string, status int) {
		t.Helper()
		w.want(w.firstParty(), http.MethodPost, "/msi"+cluster+"?api-version=2024-01-01", object{"identityIds": []string{identities + identity}}, status, "")
	}
	ask("its", http.StatusForbidden)
	w.provider.during = func() { ask("its", http.StatusOK) }
	body := object{"location": "eastus", "identity": object{"type": "UserAssigned", "userAssignedIdentities": object{identities + "its": object{}}}}
	w.want(w.demo(), http.MethodPut, cluster+"?api-version=2024-08-12-preview", body, http.StatusCreated, "")
	ask("its", http.StatusOK)
	ask("another", http.StatusForbidden)
	delete(body, "identity")
	w.want(w.demo(), http.MethodPut, cluster+"?api-version=2023-11-22", body, http.StatusOK, "")
	ask("its", http.StatusOK)
}
