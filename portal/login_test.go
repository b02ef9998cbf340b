package portal_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aro-rp/aro/test/entra"
)

const clusterPath = "/subscriptions/" + subscription + "/resourceGroups/prod/providers/Microsoft.RedHatOpenShift/openShiftClusters/shop"

func TestEveryRouteKnowsWhoMayUseIt(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	anonymous, sre := w.browser().stay(), w.login("sre@example.com", entra.GroupSRE).stay()
	csrf := sre.csrf()
	for _, route := range []struct {
		method, path        string
		anonymous, loggedIn int // statuses; the second without a token for a POST
		withToken           int
	}{
		{"GET", "/", 302, 302, 0},
		{"GET", "/callback", 302, 302, 0},
		{"GET", "/login", 302, 302, 0},
		{"GET", "/loggedout", 200, 200, 0},
		{"GET", "/assets/portal.css", 200, 200, 0},
		{"GET", "/assets/none.css", 404, 404, 0},
		{"GET", "/clusters", 307, 200, 0},
		{"GET", clusterPath, 307, 200, 0},
		{"GET", strings.ToUpper(clusterPath), 307, 200, 0},
		{"GET", clusterPath + "x", 307, 404, 0},
		{"GET", clusterPath + "/objects", 307, 200, 0},
		{"GET", clusterPath + "/prometheus", 307, 200, 0},
		{"GET", clusterPath + "/prometheus/graph?g0.expr=", 307, 302, 0},
		{"GET", clusterPath + "/statistics", 307, 200, 0},
		{"GET", clusterPath + "/statistics?topic=weather", 307, 400, 0},
		{"GET", "/api/info", 401, 200, 0},
		{"GET", "/api/clusters", 401, 200, 0},
		{"POST", clusterPath + "/kubeconfig/new", 401, 403, 200},
		{"POST", clusterPath + "/kubeconfig/revoke", 401, 403, 400},
		{"POST", clusterPath + "/ssh/new", 401, 403, 400},
		{"GET", clusterPath + "/actions", 307, 200, 0},
		{"GET", clusterPath + "/actions/DrainNode", 307, 200, 0},
		{"POST", clusterPath + "/actions/DrainNode", 401, 403, 400},
		{"GET", "/fleet", 307, 200, 0},
		{"GET", "/api/fleet", 401, 200, 0},
		{"POST", "/logout", 401, 403, 0},
		{"POST", "/clusters", 405, 405, 0},
		{"GET", clusterPath + "/kubeconfig/new", 405, 405, 0},
		{"GET", "/surprise", 404, 404, 0},
		{"GET", clusterPath + "/kubeconfig/proxy/api", 403, 403, 0},
	} {
		if got := anonymous.do(route.method, route.path, nil); got.StatusCode != route.anonymous {
			t.Errorf("anonymous: %s %s is %d, want %d: %s", route.method, route.path, got.StatusCode, route.anonymous, got.text)
		}
		if got := sre.do(route.method, route.path, nil); got.StatusCode != route.loggedIn {
			t.Errorf("logged in: %s %s is %d, want %d: %s", route.method, route.path, got.StatusCode, route.loggedIn, got.text)
		}
		if route.withToken == 0 {
			continue
		}
		if got := sre.post(route.path, url.Values{"csrf": {csrf}}); got.StatusCode != route.withToken {
			t.Errorf("with the token: %s %s is %d, want %d: %s", route.method, route.path, got.StatusCode, route.withToken, got.text)
		}
	}
}

func TestOnlyMembersOfTheGroupsGetIn(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.directory.LogIn("guest@example.com", "aaaaaaaa-0000-4000-8000-00000000000f")
	guest := w.browser()
	if r := guest.get("/clusters"); r.StatusCode != http.StatusForbidden || !strings.Contains(r.text, "none of the groups") {
		t.Errorf("%s %s", r.Status, r.text)
	}
	for _, cookie := range guest.Jar.Cookies(w.address()) {
		t.Errorf("a guest has the cookie %s", cookie.Name)
	}
	form := url.Values{"csrf": {""}, "elevated": {"true"}}
	sre := w.login("sre@example.com", entra.GroupSRE)
	form.Set("csrf", sre.csrf())
	if r := sre.post(clusterPath+"/kubeconfig/new", form); r.StatusCode != http.StatusForbidden || !strings.Contains(r.text, "Elevated access is required") {
		t.Errorf("an elevated kubeconfig: %s %s", r.Status, r.text)
	}
	high := w.login("high@example.com", entra.GroupHigh)
	form.Set("csrf", high.csrf())
	if r := high.post(clusterPath+"/kubeconfig/new", form); r.StatusCode != http.StatusOK || r.Header.Get("Content-Disposition") != `attachment; filename="shop-elevated.kubeconfig"` {
		t.Errorf("an elevated kubeconfig: %s %s %s", r.Status, r.Header, r.text)
	}
}

func (w *fixture) address() *url.URL {
	u, err := url.Parse(w.origin)
	if err != nil {
		w.Fatal(err)
	}
	return u
}

func TestLoginLeadsToThePortalOnly(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	for redirect, want := range map[string]string{
		"/api/info": "/api/info", "/clusters?filter=a": "/clusters?filter=a", "": "/clusters", "//evil.test": "/clusters", `/\evil.test`: "/clusters", `\\evil.test`: "/clusters",
		"https://evil.test": "/clusters", "http:evil.test": "/clusters", "javascript:alert(1)": "/clusters", "/\t/evil.test": "/clusters", "/%2f%2fevil.test": "/clusters",
		"evil.test": "/clusters", "/login": "/clusters", "/\nLocation: x": "/clusters", "/..//evil.test": "/..//evil.test",
	} {
		w.directory.LogIn("sre@example.com", entra.GroupSRE)
		b := w.browser().stay()
		r := b.get("/login?redirect=" + url.QueryEscape(redirect))
		r = b.get(r.Header.Get("Location")) // to Entra ID
		r = b.get(r.Header.Get("Location")) // and back
		got, err := r.Location()
		if r.StatusCode != http.StatusSeeOther || err != nil || got.Host != w.address().Host || r.Header.Get("Location") != want {
			t.Errorf("%q leads to %q (%s), want %q", redirect, r.Header.Get("Location"), r.Status, want)
		}
	}
}

func TestALoginIsOfItsBrowserAndIsUsedOnce(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	w.directory.LogIn("sre@example.com", entra.GroupSRE)
	victim, attacker := w.browser().stay(), w.browser().stay()
	back := func(b *browser) string {
		r := b.get(b.get("/login").Header.Get("Location"))
		return r.Header.Get("Location")
	}
	callback := back(attacker)
	if r := victim.get(callback); r.StatusCode != http.StatusFound || !strings.HasSuffix(r.Header.Get("Location"), "/login") {
		t.Errorf("an answer without a login: %s", r.Status)
	}
	back(victim)
	if r := victim.get(callback); r.StatusCode != http.StatusForbidden {
		t.Errorf("the answer to another's login: %s %s", r.Status, r.text)
	}
	if r := attacker.get(callback); r.StatusCode != http.StatusSeeOther {
		t.Errorf("the attacker's own login: %s %s", r.Status, r.text)
	}
	if r := attacker.get(callback); r.StatusCode != http.StatusFound {
		t.Errorf("the same answer again: %s", r.Status)
	}
	w.directory.Replay("another")
	if r := victim.get(back(victim)); r.StatusCode != http.StatusInternalServerError || strings.Contains(r.text, "another") {
		t.Errorf("an ID token of another login: %s %s", r.Status, r.text)
	}
	w.directory.LogIn("sre@example.com", entra.GroupSRE)
	w.directory.Refuse("access_denied")
	if r := victim.get(back(victim)); r.StatusCode != http.StatusForbidden || !strings.Contains(r.text, "access_denied") {
		t.Errorf("refused by Entra ID: %s %s", r.Status, r.text)
	}
}

func TestSessionsCannotBeGivenToOthersNorUsedAfterTheirEnd(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	first := w.login("sre@example.com", entra.GroupSRE)
	cookie := func(b *browser) *http.Cookie { return b.Jar.Cookies(w.address())[0] }
	before := cookie(first)
	w.directory.LogIn("sre@example.com", entra.GroupSRE)
	first.get("/login")
	if after := cookie(first); after.Value == before.Value {
		t.Error("a login kept the cookie that the browser had before")
	}
	with := func(value string) int {
		thief := w.browser().stay()
		return thief.get("/clusters", "Cookie", before.Name+"="+value).StatusCode
	}
	if status := with(before.Value); status != http.StatusTemporaryRedirect {
		t.Errorf("the session before the second login: %d", status)
	}
	current := cookie(first).Value
	if status := with(current); status != http.StatusOK {
		t.Errorf("the session: %d", status)
	}
	changed := []byte(current)
	changed[len(changed)/2] ^= 1
	if status := with(string(changed)); status != http.StatusTemporaryRedirect {
		t.Errorf("a changed cookie: %d", status)
	}
	w.at(time.Now().Add(59 * time.Minute))
	if status := with(current); status != http.StatusOK {
		t.Errorf("after 59 minutes: %d", status)
	}
	w.at(time.Now().Add(61 * time.Minute))
	if status := with(current); status != http.StatusTemporaryRedirect {
		t.Errorf("after 61 minutes: %d", status)
	}
	w.at(time.Time{})
	if r := first.stay().post("/logout", url.Values{"csrf": {first.csrf()}}); r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/loggedout" {
		t.Errorf("log out: %s", r.Status)
	}
	if status := with(current); status != http.StatusTemporaryRedirect {
		t.Errorf("a copied cookie after the log out: %d", status)
	}
}

func TestPagesOfOtherSitesCannotAct(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	sre, other := w.login("sre@example.com", entra.GroupSRE), w.login("other@example.com", entra.GroupSRE)
	form := url.Values{"csrf": {sre.csrf()}}
	for name, header := range map[string][]string{"another origin": {"Origin", "https://evil.test"}, "no origin": {"Origin", "null"}, "another site": {"Sec-Fetch-Site", "cross-site"},
		"another port": {"Sec-Fetch-Site", "same-site"}} {
		if r := sre.post(clusterPath+"/kubeconfig/new", form, header...); r.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", name, r.Status)
		}
	}
	if r := sre.post(clusterPath+"/kubeconfig/new", url.Values{"csrf": {other.csrf()}}); r.StatusCode != http.StatusForbidden {
		t.Errorf("another's token: %s", r.Status)
	}
	if r := sre.post(clusterPath+"/kubeconfig/new", nil, "X-Csrf-Token", form.Get("csrf"), "Origin", w.origin, "Sec-Fetch-Site", "same-origin"); r.StatusCode != http.StatusOK {
		t.Errorf("a script of the portal: %s %s", r.Status, r.text)
	}
	if r := sre.get("/clusters", "Host", "evil.test"); r.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("under another name: %s", r.Status)
	}
}

func TestEveryAnswerKeepsOtherSitesOut(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	sre := w.login("sre@example.com", entra.GroupSRE).stay()
	for _, path := range []string{"/", "/login", "/clusters", clusterPath, "/surprise", "/api/info", "/assets/portal.js", clusterPath + "/kubeconfig/proxy/api"} {
		h := sre.get(path).Header
		policy := h.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s has the policy %q", path, policy)
		}
		for name, want := range map[string]string{"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Access-Control-Allow-Origin": ""} {
			if h.Get(name) != want {
				t.Errorf("%s has %s %q", path, name, h.Get(name))
			}
		}
		if control := h.Get("Cache-Control"); !strings.HasPrefix(path, "/assets/") && control != "no-store" {
			t.Errorf("%s may be kept: %q", path, control)
		}
	}
	for _, path := range []string{"/clusters", clusterPath, clusterPath + "/objects", "/loggedout"} {
		for _, inline := range []string{"<style", " style=", " onclick=", "javascript:", "http://", "//cdn"} {
			if text := sre.get(path).text; strings.Contains(text, inline) {
				t.Errorf("%s has %s in it", path, inline)
			}
		}
	}
}

func TestWhoDidWhatIsRecorded(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	sre := w.login("sre@example.com", entra.GroupSRE)
	_, token := sre.kubeconfig(false)
	w.kubectl(token, "GET", "/api/v1/namespaces/openshift-etcd/pods/etcd-0/log?tailLines=1")
	w.browser().stay().get(clusterPath)
	for _, want := range []string{
		`"operation":"Portal_Callback","certificate":"","fingerprint":"","principal":"sre@example.com"`,
		`"operation":"Portal_CreateKubeconfig","certificate":"","fingerprint":"","principal":"sre@example.com","method":"POST"`,
		`"principal":"sre@example.com","method":"GET","path":"` + clusterPath + `/kubeconfig/proxy","subject":"get pods/log openshift-etcd/etcd-0","status":200`,
		`"operation":"Portal_ShowCluster","certificate":"","fingerprint":"","principal":""`,
	} {
		if !strings.Contains(w.log.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	for _, secret := range []string{token, sre.csrf(), sre.Jar.Cookies(w.address())[0].Value} {
		if strings.Contains(w.log.String(), secret) {
			t.Error("the log has a secret in it")
		}
	}
}

func TestSSHNeedsElevatedAccess(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	sre := w.login("sre@example.com", entra.GroupSRE)
	if page := sre.get(w.cluster).text; strings.Contains(page, "/ssh/new") {
		t.Error("the page offers SSH without elevated access")
	}
	form := url.Values{"csrf": {sre.csrf()}, "master": {"1"}}
	if r := sre.post(w.cluster+"/ssh/new", form); r.StatusCode != http.StatusForbidden || !strings.Contains(r.text, "Elevated access is required") {
		t.Errorf("without elevated access: %s %s", r.Status, r.text)
	}
	high := w.login("high@example.com", entra.GroupHigh)
	if page := high.get(w.cluster).text; !strings.Contains(page, `action="`+w.cluster+`/ssh/new"`) {
		t.Error("the page offers no SSH")
	}
	for master, status := range map[string]int{"": 400, "-1": 400, "3": 400, "0x1": 400} {
		if r := high.post(w.cluster+"/ssh/new", url.Values{"csrf": {high.csrf()}, "master": {master}}); r.StatusCode != status {
			t.Errorf("master %q: %s", master, r.Status)
		}
	}
	form.Set("csrf", high.csrf())
	r := high.post(w.cluster+"/ssh/new", form)
	for _, id := range []string{"sshCommand", "sshPassword"} {
		if !strings.Contains(r.text, `id="`+id+`"`) {
			t.Errorf("the page has no %s: %s %s", id, r.Status, r.text)
		}
	}
	var login struct{ Command, Password string }
	if r := high.post(w.cluster+"/ssh/new", form, "Accept", "application/json"); json.Unmarshal([]byte(r.text), &login) != nil ||
		!strings.Contains(login.Command, "[portal.example.com]:2222 ssh-rsa ") || !strings.Contains(login.Command, "-p 2222 high@portal.example.com") {
		t.Errorf("as JSON: %s %s", r.Status, r.text)
	}
	if log := w.log.String(); !strings.Contains(log, `"subject":"ssh master-1"`) || strings.Contains(log, login.Password) {
		t.Error("the audit does not name the machine, or has the password")
	}
}
