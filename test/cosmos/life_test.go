package cosmos

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

func TestOneProcessGivesAClusterItsWholeLife(t *testing.T) {
	d := newDeployment(t, harness.Behaviour{Boot: 300 * time.Millisecond, Removal: 200 * time.Millisecond})
	all := d.whole()
	all.register()
	live(clusterID("life", "alone"), []*site{all})
	d.doneOnce(1)
	d.exist()
	if err := all.process.Stop(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
}

func TestServersAndBackendsShareTheLivesOfClusters(t *testing.T) {
	// A call of two seconds for two clusters at a time: one backend cannot have them all.
	// Waiting takes no worker, but a call does.
	d := newDeployment(t, harness.Behaviour{Latency: 2 * time.Second, Boot: time.Second, Removal: 500 * time.Millisecond})
	sites := d.servers(2)
	sites[0].register()
	first, second := d.backend("--workers", "2"), d.backend("--workers", "2")
	var ids []arm.ClusterID
	var polls sync.WaitGroup
	for i := range 5 {
		ids = append(ids, clusterID("life", fmt.Sprintf("shared-%d", i)))
		created := sites[i%2].create(ids[i])
		for _, s := range sites {
			polls.Go(func() { s.runsThenSucceeds(created) })
		}
	}
	polls.Wait()
	for i, id := range ids {
		sites[i%2].settles(id)
	}
	live(clusterID("life", "whole"), sites)
	if one, other := d.steps(first), d.steps(second); one == 0 || other == 0 {
		t.Errorf("the backends finished %d and %d steps: the work was not shared", one, other)
	}
	d.doneOnce(len(ids) + 1)
	d.exist(ids...)
	for _, p := range []*harness.Process{first, second, sites[0].process, sites[1].process} {
		if err := p.Stop(); err != nil {
			t.Errorf("SIGTERM: %v", err)
		}
	}
}

// live takes a cluster from nothing to nothing. Each request goes to another site.
func live(id arm.ClusterID, sites []*site) {
	sites[0].Helper()
	turn := 0
	next := func() *site {
		turn++
		return sites[turn%len(sites)]
	}
	next().want(http.StatusNotFound, http.MethodGet, id.String(), nil)
	created := next().create(id)
	next().settles(id)
	next().ended(created)
	group := strings.TrimSuffix(id.String(), "/"+id.Name)
	if got := next().list(group, next); !slices.Contains(got, id.String()) {
		sites[0].Errorf("the group's list is %q, want %s in it", got, id)
	}

	patched := next().want(http.StatusOK, http.MethodPatch, id.String(), harness.Object{"tags": harness.Object{"team": "sre"}})
	if got := next().want(http.StatusOK, http.MethodGet, id.String(), nil); got.Text("tags.team") != "sre" || got.Header.Get("ETag") != patched.Header.Get("ETag") {
		sites[0].Errorf("after %s another site says %s", patched, got)
	}
	rotated := next().want(http.StatusOK, http.MethodPatch, id.String(),
		harness.Object{"properties": harness.Object{"servicePrincipalProfile": harness.Object{"clientSecret": "rotated"}}})
	next().settles(id)
	next().ended(rotated)
	credentials(next(), id)

	deleted := next().want(http.StatusAccepted, http.MethodDelete, id.String(), nil)
	next().gone(id)
	next().ended(deleted)
	next().want(http.StatusNoContent, http.MethodDelete, id.String(), nil)
}

// credentials reads what a worker encrypted: another process must decrypt it.
func credentials(s *site, id arm.ClusterID) {
	s.Helper()
	user := s.want(http.StatusOK, http.MethodPost, id.String()+"/listCredentials", nil)
	if user.Text("kubeadminUsername") != "kubeadmin" || !strings.HasPrefix(user.Text("kubeadminPassword"), "password-of-") {
		s.Errorf("credentials are %s", user)
	}
	admin := s.want(http.StatusOK, http.MethodPost, id.String()+"/listAdminCredentials", nil)
	config, err := base64.StdEncoding.DecodeString(admin.Text("kubeconfig"))
	if err != nil || !strings.Contains(string(config), "kind: Config") {
		s.Errorf("the kubeconfig is none: %v", err)
	}
}

// ended checks the operation that reply started; it has ended already.
func (s *site) ended(reply *harness.Reply) {
	s.Helper()
	address, err := url.Parse(reply.Header.Get("Azure-AsyncOperation"))
	if err != nil || address.Path == "" {
		s.Fatalf("%s; want a header Azure-AsyncOperation", reply)
	}
	status, err := s.client.Do(s.ctx, harness.Request{Method: http.MethodGet, Path: address.RequestURI()})
	if err != nil || status.Text("status") != "Succeeded" {
		s.Errorf("%s began %s, %v; want it Succeeded", reply, status, err)
	}
}

// runsThenSucceeds polls a create without pause, to be there whenever it ends: a
// poll may see it running or succeeded and nothing between.
func (s *site) runsThenSucceeds(created *harness.Reply) {
	address, err := url.Parse(created.Header.Get("Azure-AsyncOperation"))
	for err == nil {
		var status *harness.Reply
		if status, err = s.client.Do(s.ctx, harness.Request{Method: http.MethodGet, Path: address.RequestURI()}); err != nil {
			break
		}
		switch got := status.Text("status"); got {
		case "Creating":
		case "Succeeded":
			return
		default:
			s.Errorf("%s; want Creating or Succeeded", status)
			return
		}
	}
	s.Errorf("%s: %v", created, err)
}

// list walks the pages of a list and uses another site for each page.
func (s *site) list(path string, next func() *site) (ids []string) {
	s.Helper()
	page := s.want(http.StatusOK, http.MethodGet, path, nil)
	for {
		items, _ := page.JSON["value"].([]any)
		for _, item := range items {
			o, _ := item.(harness.Object)
			ids = append(ids, harness.Text(o, "id"))
		}
		link, err := url.Parse(page.Text("nextLink"))
		if err != nil {
			s.Fatal(err)
		}
		if link.Path == "" {
			return ids
		}
		if page, err = next().client.Do(s.ctx, harness.Request{Method: http.MethodGet, Path: link.RequestURI()}); err != nil || page.Status != http.StatusOK {
			s.Fatal(page, err)
		}
	}
}

func TestPagesGoOnAtAnotherServer(t *testing.T) {
	d := newDeployment(t, harness.Behaviour{})
	sites := d.servers(2)
	sites[0].register()
	var want, wantGroup []string
	for i := range 12 {
		id := clusterID(fmt.Sprintf("pages-%d", i%2), fmt.Sprintf("c%02d", i))
		sites[i%2].create(id)
		want = append(want, id.String())
		if i%2 == 1 {
			wantGroup = append(wantGroup, id.String())
		}
	}
	turn := 0
	next := func() *site {
		turn++
		return sites[turn%2]
	}
	const provider = "/providers/Microsoft.RedHatOpenShift/openShiftClusters?$top="
	for path, want := range map[string][]string{
		"/subscriptions/" + subscription + provider + "5":                             want,
		"/subscriptions/" + subscription + "/resourceGroups/pages-1" + provider + "4": wantGroup,
	} {
		turn = 0
		got := sites[0].list(path, next)
		slices.Sort(got)
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("%s holds %q, want %q", path, got, want)
		}
		if turn == 0 {
			t.Errorf("%s came in one page", path)
		}
	}
}
