package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/test/entra"
)

// audited waits until a search finds a record with a text.
func (b *browser) audited(query, text string) reply {
	b.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		r := b.get("/audit?" + query)
		if strings.Contains(r.text, text) {
			return r
		}
		if time.Now().After(end) {
			b.Fatalf("the search for %s lacks %s: %s %s", query, text, r.Status, r.text)
		}
	}
}

func TestPeopleSearchWhoDidWhat(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	admin, sre := w.login("admin@example.com", entra.GroupHigh), w.login("sre@example.com", entra.GroupSRE)
	task := []string{"maintenanceTask", "Pending"}
	confirm := confirmField.FindStringSubmatch(admin.act("UpdateCluster", append(task, "step", "try")...).text)
	if confirm == nil {
		t.Fatal("the dry run gives no confirmation")
	}
	if r := admin.act("UpdateCluster", append(task, "step", "run", "confirm", confirm[1])...); r.StatusCode != http.StatusOK {
		t.Fatal(r.Status, r.text)
	}
	config, token := sre.kubeconfig(false)
	if r := w.browser().get(config.Clusters[config.Contexts[config.CurrentContext].Cluster].Server+"/api/v1/namespaces/openshift-etcd/pods/<b>", "Authorization", "Bearer "+token); r.StatusCode != http.StatusOK {
		t.Fatal(r.Status, r.text)
	}
	page := sre.audited("changes=true&who=ADMIN&what=Admin_UpdateCluster", "<code>Pending</code>")
	if strings.Contains(page.text, "dry run</span>") || !strings.Contains(page.text, `<a href="`+w.cluster+`">shop</a>`) || !strings.Contains(page.text, ">Succeeded</span>") {
		t.Errorf("the search of what changed is %s", page.text)
	}
	if page := sre.audited("who=admin&what=Admin_UpdateCluster&cluster=SHOP", "dry run</span>"); strings.Contains(page.text, "sre@example.com</a>") {
		t.Errorf("the search by user shows others: %s", page.text)
	}
	page = sre.audited("what=Portal_ProxyKubernetes", "get pods openshift-etcd/&lt;b&gt;")
	for _, secret := range []string{token, sre.csrf()} {
		if strings.Contains(strings.ReplaceAll(page.text, `name="csrf" value="`+sre.csrf()+`"`, ""), secret) {
			t.Error("the page has a secret")
		}
	}
	for query, status := range map[string]int{
		"from=yesterday": http.StatusBadRequest, "from=2026-11-02T10:00&to=2026-11-01T10:00": http.StatusBadRequest, "outcome=Perhaps": http.StatusBadRequest, "next=x": http.StatusBadRequest,
		"from=2001-01-01T10:00": http.StatusOK, "who=" + url.QueryEscape(`"><script>`): http.StatusOK,
	} {
		if r := sre.get("/audit?" + query); r.StatusCode != status || strings.Contains(r.text, `"><script>`) {
			t.Errorf("%s: %s", query, r.Status)
		}
	}
	if r := w.browser().stay().get("/audit"); r.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("a stranger gets %s", r.Status)
	}
}
