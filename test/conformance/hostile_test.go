package conformance

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

// hostileChecks are chapter X.
func hostileChecks() []check {
	return []check{
		{id: "X01", title: "ids of another subscription disclose nothing, wherever they occur", run: checkForeignIDs},
		{id: "X02", title: "injection in strings that reach queries finds nothing and breaks nothing", run: checkInjection},
		{id: "X04", title: "bodies that are deep, huge, broken or ambiguous are 4xx", run: checkBodies},
		{id: "X05", title: "identity headers without a client certificate", why: "needs TLS: test/hostile proves it"},
		{id: "X06", title: "stored secrets are encrypted, and keys rotate", why: "not visible by URL: store/storetest proves it, test/hostile looks at the raw bytes"},
		{id: "X07", title: "the admin API is separate from ARM's", why: "needs two client certificates: test/hostile proves it over TLS"},
	}
}

func checkForeignIDs(t *T) {
	c := t.shared()
	foreign := strings.Replace(c.path, t.subscription, t.other, 1)
	t.want(t.get(foreign, harness.Newest), http.StatusNotFound, "ResourceNotFound")
	t.want(t.patch(foreign, harness.Newest, harness.Object{"tags": harness.Object{"a": "b"}}), http.StatusNotFound, "ResourceNotFound")
	t.want(t.remove(foreign, harness.Newest), http.StatusNoContent)
	for _, action := range []string{"/listCredentials", "/listAdminCredentials"} {
		t.want(t.post(foreign+action, harness.Newest), http.StatusNotFound, "ResourceNotFound")
	}
	list := t.want(t.get(t.subscriptionList(t.other), harness.Newest), http.StatusOK)
	if strings.Contains(string(list.Body), t.subscription) {
		t.Errorf("the list of another subscription shows this one's: %s", list)
	}
	// Ids in the body that point into another subscription.
	id := t.id("foreign")
	for _, path := range []string{"properties.clusterProfile.resourceGroupId", "properties.masterProfile.subnetId"} {
		body := harness.Body(harness.Newest, id, t.location)
		harness.Set(body, path, strings.Replace(harness.Text(body, path), t.subscription, t.other, 1))
		reply := t.want(t.put(id.String(), harness.Newest, body), http.StatusBadRequest)
		t.wantTarget(reply, path)
	}
	t.sameNames(c)
}

// sameNames: another subscription may use the same names and even the same service
// principal, and is not told that they are taken.
func (t *T) sameNames(c *cluster) {
	t.Helper()
	twin := arm.ClusterID{SubscriptionID: t.other, ResourceGroup: c.id.ResourceGroup, Name: c.id.Name}
	made := t.beginAs(twin, harness.Newest, func(body harness.Object) {
		harness.Set(body, "properties.servicePrincipalProfile.clientId", harness.Text(c.body, "properties.servicePrincipalProfile.clientId"))
	})
	t.succeeds(t.want(t.remove(made.path, harness.Newest), http.StatusAccepted))
	t.want(t.get(c.path, harness.Newest), http.StatusOK)
}

func checkInjection(t *T) {
	c := t.shared()
	for _, attack := range []string{"' OR '1'='1", "x'); DROP TABLE documents; --", `" or c.id != "`, "%", "_", "../../" + t.other, "%2e%2e%2f", "\u202e", "a\u0000b", "{{7*7}}", "${jndi:ldap://x}"} {
		escaped := url.PathEscape(attack)
		for _, path := range []string{t.groupPath() + "/" + escaped, strings.Replace(t.groupPath(), t.group, escaped, 1),
			"/subscriptions/" + escaped + "/providers/" + arm.ClusterResourceType,
			t.locationPath(t.subscription) + "/operationsstatus/" + escaped, t.locationPath(t.subscription) + "/openShiftVersions/" + escaped} {
			reply := t.get(path, harness.Newest)
			items, list := reply.JSON["value"].([]any) // "_" is a legal name of a group, and finds nothing
			if reply.Status != http.StatusBadRequest && reply.Status != http.StatusNotFound && (!list || len(items) > 0) {
				t.Errorf("%s; want 400, 404 or nothing", reply)
			}
		}
		for _, query := range []string{"?$skipToken=" + url.QueryEscape(attack), "?$top=" + url.QueryEscape(attack)} {
			if reply := t.get(t.groupPath()+query, harness.Newest); reply.Status != http.StatusBadRequest {
				t.Errorf("%s; want 400", reply)
			}
		}
		if reply := t.patch(c.path, harness.Newest, harness.Object{"tags": harness.Object{"attack": attack, "x": "y"}, "location": attack}); reply.Status != http.StatusBadRequest {
			t.Errorf("%s; want 400", reply)
		}
	}
}

func checkBodies(t *T) {
	id := t.id("body")
	valid := string(encode(harness.Body(harness.Newest, id, t.location)))
	with := func(member string) string { return strings.Replace(valid, `{"location"`, "{"+member+`,"location"`, 1) }
	number := func(n string) string { return strings.Replace(valid, `"diskSizeGB":128`, `"diskSizeGB":`+n, 1) }
	for why, test := range map[string]struct {
		body string
		want int
		code string
	}{
		"empty":             {"", 400, "InvalidRequestContent"},
		"null":              {"null", 400, "InvalidRequestContent"},
		"a list":            {"[]", 400, "InvalidRequestContent"},
		"cut off":           {valid[:len(valid)-1], 400, "InvalidRequestContent"},
		"trailing data":     {valid + "{}", 400, "InvalidRequestContent"},
		"deep":              {strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000), 400, ""},
		"deep lists":        {`{"tags":` + strings.Repeat("[", 50000), 400, ""},
		"duplicate members": {with(`"location":"westeurope"`), 400, "InvalidRequestContent"},
		"invalid UTF-8":     {with("\"tags\":{\"a\":\"\xff\xfe\"}"), 400, "InvalidRequestContent"},
		"NaN":               {number("NaN"), 400, "InvalidRequestContent"},
		"a huge integer":    {number(strings.Repeat("9", 400)), 400, ""},
		"an overflow":       {number("4294967424"), 400, ""},
		"a huge exponent":   {number("1e999999999"), 400, ""},
		"a negative number": {number("-128"), 400, ""},
		"too large":         {with(`"tags":{"a":"` + strings.Repeat("x", 1<<20) + `"}`), 413, "RequestEntityTooLarge"},
	} {
		reply := t.put(id.String(), harness.Newest, []byte(test.body))
		if reply.Status != test.want || test.code != "" && reply.Code() != test.code {
			t.Errorf("%s: %s; want %d %s", why, reply, test.want, test.code)
		}
	}
	for kind, want := range map[string]int{"text/plain": 415, "application/xml": 415, "": 415, "application/json; charset=utf-8": 400, "APPLICATION/JSON": 400} {
		reply := t.send(harness.Request{Method: http.MethodPut, Path: id.String(), Version: harness.Newest, Body: []byte("{"), Header: map[string]string{"Content-Type": kind}})
		if reply.Status != want {
			t.Errorf("Content-Type %q: %s; want %d", kind, reply, want)
		}
	}
	t.want(t.get(id.String(), harness.Newest), http.StatusNotFound)
}

// trap is an address in requests that must never be called.
type trap struct {
	called chan struct{}
	// created and got are the answers to requests that hold the address.
	created, got *harness.Reply
}

// setTrap sends the address to the provider, which has the whole run to call it.
func (t *T) setTrap() {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	t.trap.called = make(chan struct{}, 1)
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_ = conn.Close()
			t.trap.called <- struct{}{}
		}
	}()
	address := fmt.Sprintf("http://%s/trap", listener.Addr())
	c := t.unborn("ssrf")
	c.body["tags"] = harness.Object{"url": strings.ReplaceAll(address, "/", "_")}
	t.trap.created = t.sendAs(http.MethodPut, c, c.body, map[string]string{"x-ms-identity-url": address, "x-ms-home-tenant-id": tenant, "X-Forwarded-Host": listener.Addr().String()})
	t.trap.got = t.sendAs(http.MethodGet, c, nil, map[string]string{"Referer": address})
}

// checkNoCalls looks at the trap when all the other checks are over.
func checkNoCalls(t *T) {
	t.want(t.trap.got, http.StatusOK)
	t.succeeds(t.want(t.trap.created, http.StatusCreated))
	select {
	case <-t.trap.called:
		t.Errorf("an address given by a caller was called")
	default:
	}
}
