package conformance

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

// listChecks are chapter G.
func listChecks() []check {
	return []check{
		{id: "G01", title: "GET answers 200 and is never long-running", run: checkGetCodes},
		{id: "G06", title: "lists hold only value and nextLink; nextLink works; $top is honoured", run: checkPages},
		{id: "G07", title: "nextLink is absent on the last page; tokens are opaque and bound to their list", run: checkTokens},
		{id: "G08", title: "paging during concurrent writes neither misses nor repeats a resource", run: checkStableWalk},
		{id: "G09", title: "the subscription's list has only this region's resources", run: checkRegion},
		{id: "G10", title: "ids are un-encoded, without host or version", run: checkIDs},
	}
}

func (t *T) subscriptionList(subscription string) string {
	return "/subscriptions/" + subscription + "/providers/" + arm.ClusterResourceType
}

func checkGetCodes(t *T) {
	c := t.busy()
	for _, path := range []string{c.path, t.groupPath(), t.subscriptionList(t.subscription),
		"/providers/" + arm.Namespace + "/operations", t.locationPath(t.subscription) + "/openShiftVersions",
		t.locationPath(t.subscription) + "/platformWorkloadIdentityRoleSets"} {
		reply := t.want(t.get(path, harness.Newest), http.StatusOK)
		for _, header := range []string{"Azure-AsyncOperation", "Location"} {
			if reply.Header.Get(header) != "" {
				t.Errorf("GET %s has header %s", path, header)
			}
		}
	}
}

// ownGroup makes n clusters in a group of their own and returns its list and their ids.
func (t *T) ownGroup(n int) (list string, ids []string) {
	t.Helper()
	group := t.id("pages").Name
	list = strings.Replace(t.groupPath(), t.group, group, 1)
	for i := range n {
		id := arm.ClusterID{SubscriptionID: t.subscription, ResourceGroup: group, Name: fmt.Sprintf("c%02d-%s", i, group[6:])}
		ids = append(ids, t.beginAs(id, harness.Newest, nil).path)
	}
	return list, ids
}

func checkPages(t *T) {
	list, want := t.ownGroup(7)
	var got []string
	next, version, pages := list+"?$top=3", harness.Newest, 0
	for next != "" {
		page := t.want(t.get(next, version), http.StatusOK)
		for member := range page.JSON {
			if member != "value" && member != "nextLink" {
				t.Errorf("a page has the member %q", member)
			}
		}
		items, _ := page.JSON["value"].([]any)
		if len(items) > 3 {
			t.Fatalf("a page has %d items, asked for 3", len(items))
		}
		for _, item := range items {
			o, _ := item.(harness.Object)
			got = append(got, harness.Text(o, "id"))
		}
		next, version = t.local(page.Text("nextLink")), ""
		if pages++; pages > 20 {
			t.Fatalf("the list does not end")
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("pages hold %q, want %q", got, want)
	}
	for _, top := range []string{"0", "-1", "x", "99999999999999999999"} {
		if reply := t.get(list+"?$top="+top, harness.Newest); reply.Status != http.StatusBadRequest && reply.Status != http.StatusOK {
			t.Errorf("%s; want 200 or 400", reply)
		}
	}
}

func checkTokens(t *T) {
	list, _ := t.ownGroup(3)
	first := t.want(t.get(list+"?$top=2", harness.Newest), http.StatusOK)
	link := t.local(first.Text("nextLink"))
	last := t.want(t.get(link, ""), http.StatusOK)
	if link, there := last.JSON["nextLink"]; there && link != nil {
		t.Errorf("the last page has nextLink %q", link)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatalf("nextLink %q: %v", link, err)
	}
	token := u.Query().Get("$skipToken")
	if token == "" {
		t.Fatalf("nextLink %q has no $skipToken", link)
	}
	for _, plain := range []string{t.subscription, "c01", "pages"} {
		if strings.Contains(token, plain) {
			t.Errorf("the token %q shows %q", token, plain)
		}
	}
	with := func(path, token string) string { return path + "?$skipToken=" + url.QueryEscape(token) }
	for why, path := range map[string]string{
		"another group":        with(t.groupPath(), token),
		"the subscription":     with(t.subscriptionList(t.subscription), token),
		"another subscription": with(strings.Replace(list, t.subscription, t.other, 1), token),
		"a changed token":      with(list, flip(token)),
		"a shortened token":    with(list, token[:len(token)/2]),
		"no token at all":      with(list, "garbage"),
		"a token of something": with(list, "eyJhIjoxfQ=="),
	} {
		reply := t.get(path, harness.Newest)
		if reply.Status != http.StatusBadRequest {
			t.Errorf("%s: %s; want 400", why, reply)
		}
	}
}

// flip changes one character in the middle.
func flip(token string) string {
	b := []byte(token)
	if i := len(b) / 2; b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}

func checkStableWalk(t *T) {
	list, stable := t.ownGroup(6)
	group := strings.Split(list, "/")[4]
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for i := range 3 {
		writers.Add(1)
		go func() {
			defer writers.Done()
			t.churn(group, i, stop)
		}()
	}
	for range 10 {
		ids := t.walk(list + "?$top=2")
		slices.Sort(ids)
		if compact := slices.Compact(slices.Clone(ids)); len(compact) != len(ids) {
			t.Errorf("a walk has doubles: %q", ids)
		}
		for _, id := range stable {
			if !slices.Contains(ids, id) {
				t.Errorf("a walk misses %s: %q", id, ids)
			}
		}
	}
	close(stop)
	writers.Wait()
}

// churn creates and deletes clusters between the stable ones until it is stopped.
func (t *T) churn(group string, writer int, stop <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		id := arm.ClusterID{SubscriptionID: t.subscription, ResourceGroup: group, Name: fmt.Sprintf("c%02d-churn-%d", n%6, writer)}
		for _, r := range []harness.Request{
			{Method: http.MethodPut, Path: id.String(), Version: harness.Newest, Body: harness.Body(harness.Newest, id, t.location)},
			{Method: http.MethodDelete, Path: id.String(), Version: harness.Newest},
		} {
			if _, err := t.client.Do(t.Context(), r); err != nil {
				return // the test's end
			}
		}
	}
}

func checkRegion(t *T) {
	t.shared()
	next, version := t.subscriptionList(t.subscription), harness.Newest
	for next != "" {
		page := t.want(t.get(next, version), http.StatusOK)
		items, _ := page.JSON["value"].([]any)
		for _, item := range items {
			o, _ := item.(harness.Object)
			if got := harness.Text(o, "location"); !arm.SameLocation(got, t.location) {
				t.Errorf("%s is in %s", harness.Text(o, "id"), got)
			}
		}
		next, version = t.local(page.Text("nextLink")), ""
	}
}

func checkIDs(t *T) {
	t.shared()
	for _, id := range t.walk(t.groupPath()) {
		parsed, ok := arm.ParseClusterID(id)
		if !ok || parsed.String() != id {
			t.Errorf("id %q is not in the plain form of a resource id", id)
		}
	}
}
