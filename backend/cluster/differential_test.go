package cluster

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend/install"
	"github.com/aro-rp/aro/generated/v20231122"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/server"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/test/edge"
	bodies "github.com/aro-rp/aro/test/harness"
)

// What the API accepts the installer must accept too, or a customer waits for a
// refusal. Thousands of bodies, random and at the edges of what the API's schemas let
// through, are put over HTTP in the words of the API's versions, and the real program
// validates the install config that each leads to.

const generatedBodies = 4000

var generatedBy = flag.Uint64("bodies-seed", 1, "seed of the bodies that the API and the installer are asked about")

// pick is one of the values, or a random one.
func pick(r *rand.Rand, random func() string, edges ...string) string {
	if r.IntN(4) == 0 {
		return random()
	}
	return edges[r.IntN(len(edges))]
}

func randomCIDR(r *rand.Rand, shortest, longest int) string {
	bits := shortest + r.IntN(longest-shortest+1)
	address := r.Uint32() &^ (1<<(32-bits) - 1)
	if r.IntN(10) == 0 {
		address |= 1 << r.IntN(12)
	}
	return fmt.Sprintf("%d.%d.%d.%d/%d", address>>24, address>>16&255, address>>8&255, address&255, bits)
}

func randomDomain(r *rand.Rand) string {
	var labels []string
	for range 1 + r.IntN(3) {
		labels = append(labels, strings.Repeat(string("abz019-"[r.IntN(7)]), 1+r.IntN(64))+"a")
	}
	return strings.Join(labels, ".")
}

func randomPullSecret(r *rand.Rand) string {
	auths := map[string]any{}
	for range r.IntN(3) {
		login := base64.StdEncoding.EncodeToString([]byte(pick(r, func() string { return fmt.Sprint(r.Uint64()) }, "a:b", "a:", ":b", "")))
		entry := map[string]any{pick(r, func() string { return "email" }, "auth", "auth", "auth", "credsStore", "Auth"): login}
		auths[pick(r, func() string { return fmt.Sprintf("r%d.io", r.IntN(9)) }, "quay.io", "cloud.openshift.com", "", "a b")] = entry
	}
	text, _ := json.Marshal(map[string]any{pick(r, func() string { return "other" }, "auths", "auths", "auths", "AUTHS"): auths})
	return string(text)
}

// mutate changes one or two properties of a body, also to what has no sense at all.
func mutate(r *rand.Rand, body bodies.Object) {
	cidrs := []string{"10.128.0.0/14", "172.30.0.0/16", "10.0.0.0/18", "10.0.0.0/19", "0.0.0.0/0", "0.0.0.0/12", "100.64.0.0/16", "100.64.0.0/10", "100.88.128.0/18", "169.254.0.0/17",
		"169.254.128.0/18", "169.254.169.0/29", "127.0.0.0/8", "127.128.0.0/16", "126.0.0.0/7", "172.16.0.0/12", "172.0.0.0/11", "172.17.0.0/16", "192.168.0.0/22", "192.168.0.0/23",
		"224.0.0.0/14", "255.255.252.0/22", "10.128.0.1/14", "168.63.128.0/18"}
	set := func(path string, value any) { bodies.Set(body, "properties."+path, value) }
	for range 1 + r.IntN(2) {
		switch r.IntN(13) {
		case 0, 1:
			set("clusterProfile.domain", pick(r, func() string { return randomDomain(r) }, strings.Repeat("a", 54), strings.Repeat("a", 55), strings.Repeat("a", 63), "aa", "a", "1a", "a-", "a.b",
				strings.Repeat("a", 54)+".example.com", strings.Repeat("a", 55)+".example.com", "aa"+strings.Repeat(".aa", 83)+".a", "aa"+strings.Repeat(".aa", 84), "a1."+strings.Repeat("b", 63)+".com", "x.Y"))
		case 2, 3:
			set("networkProfile.podCidr", pick(r, func() string { return randomCIDR(r, 0, 20) }, cidrs...))
		case 4, 5:
			set("networkProfile.serviceCidr", pick(r, func() string { return randomCIDR(r, 8, 24) }, cidrs...))
		case 6, 7:
			set("clusterProfile.pullSecret", pick(r, func() string { return randomPullSecret(r) }, "", "{}", "null", `{"auths":{}}`, `{"auths":null}`, `{"auths":{"quay.io":{"auth":"YTpi"}}}`,
				`{"auths":{"cloud.openshift.com":{"auth":"YTpi"}}}`, `{"auths":{"quay.io":{"email":"a@b.c"}}}`, `{"auths":{"quay.io":{}}}`, `{"auths":{"quay.io":null}}`))
		case 8:
			set("networkProfile.softwareDefinedNetwork", pick(r, func() string { return "" }, model.OVNKubernetes, model.OpenShiftSDN, "Kuryr"))
		case 9:
			set("workerProfiles.0.count", []any{-1, 0, 1, 2, 3, 29, 30, 50, 51, "3", nil}[r.IntN(11)])
			set("workerProfiles.0.vmSize", pick(r, func() string { return "standard_d4s_v3" }, "Standard_D4s_v3", "Standard_D8s_v3", "Standard_E16s_v5", "Standard_Nope"))
		case 10:
			set("workerProfiles.0.diskSizeGB", []any{-1, 0, 127, 128, 1024, 4095, 32767, 1<<31 - 1, 128.5}[r.IntN(9)])
		case 11:
			des := "/subscriptions/" + lastSegment(customerID) + "/resourceGroups/keys/providers/Microsoft.Compute/diskEncryptionSets/"
			id := pick(r, func() string { return des + strings.Repeat("d", 1+r.IntN(90)) }, des+"one", strings.ToUpper(des)+"one", des, "none")
			set("masterProfile.diskEncryptionSetId", id)
			set("workerProfiles.0.diskEncryptionSetId", id)
			set("masterProfile.encryptionAtHost", []any{"Enabled", "Disabled", nil}[r.IntN(3)])
		default:
			set("clusterProfile.fipsValidatedModules", []any{"Enabled", "Disabled", nil}[r.IntN(3)])
			set("apiserverProfile.visibility", "Private")
			set("ingressProfiles.0.visibility", []any{"Public", "Private"}[r.IntN(2)])
			set("networkProfile.outboundType", pick(r, func() string { return "NatGateway" }, string(model.LoadBalancer), string(model.UserDefinedRouting)))
		}
	}
}

// validated is a body that both checked, and the API's error.
type validated struct {
	body   []byte
	refuse *bodies.Reply
}

// door is the API over the store, without the workers.
func (s *fixture) door() *bodies.Client {
	doc := store.NewSubscription(lastSegment(customerID))
	doc.Subscription.State, doc.Subscription.Properties.TenantID = model.Registered, tenant
	s.must(s.store.Subscriptions.Create(s.t.Context(), doc))
	_, err := s.store.Versions.Update(s.t.Context(), store.VersionsPartition, "4.19.24", func(d *store.VersionDocument) error {
		d.Version.Properties.Default = true
		return nil
	})
	s.must(err)
	api := edge.Must(s.t, edge.Options{Config: server.Config{Store: s.store, Domain: s.Env.Domain, Build: "build-1", Logger: slog.New(slog.DiscardHandler)}})
	return bodies.NewClient("http://"+edge.Serve(s.t, api), nil)
}

// leadsTo is the cluster that a body stands for: the stored one, or, if the API refused
// it, the one that its words make. Nil if they make none.
func (s *fixture) leadsTo(id arm.ClusterID, body []byte, accepted bool) *model.Cluster {
	s.t.Helper()
	if accepted {
		doc, err := s.store.Clusters.Get(s.t.Context(), id.Partition(), id.Key())
		s.must(err)
		return &doc.Cluster
	}
	c := &model.Cluster{ID: id.String(), Name: id.Name}
	var f arm.Faults
	words := v20231122.Version{}.ValidateCluster(body, &f)
	if (v20231122.Version{}).WriteCluster(words, nil, c, &f) != nil {
		return nil
	}
	c.Default()
	c.Properties.ClusterProfile.Version = cmp.Or(c.Properties.ClusterProfile.Version, "4.19.24")
	return c
}

func TestWhatTheAPIAcceptsTheInstallerAccepts(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for the installer")
	}
	program, err := filepath.Abs(filepath.Join("..", "..", "bin", "aro-installer"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v; build it: make bin/aro-installer", err)
	}
	r := rand.New(rand.NewPCG(*generatedBy, 0))
	s := setUp(t)
	s.storage()
	api := s.door()
	chosen := s.work(model.Create, installable).Resource().Internal
	versions := bodies.Versions()[1:] // the oldest leaves the domain to the service

	var requests bytes.Buffer
	var all []validated
	shapeless := 0
	for i := range generatedBodies {
		version := versions[r.IntN(len(versions))]
		id := arm.ClusterID{SubscriptionID: lastSegment(customerID), ResourceGroup: "rg", Name: fmt.Sprintf("c%d", i)}
		object := bodies.Body(version, id, "eastus")
		mutate(r, object)
		body, err := json.Marshal(object)
		s.must(err)
		reply, err := api.Do(t.Context(), bodies.Request{Method: http.MethodPut, Path: id.String(), Version: version, Body: body})
		s.must(err)
		accepted := reply.Status == http.StatusCreated
		if !accepted && reply.Status != http.StatusBadRequest {
			t.Fatalf("%v to %s", reply, body)
		}
		request := s.requestFor(id, body, accepted, chosen)
		if request == nil {
			if shapeless++; accepted {
				t.Errorf("accepted, but there is no request to the installer for %s", body)
			}
			continue
		}
		line, err := json.Marshal(request)
		s.must(err)
		requests.Write(line)
		if accepted {
			reply = nil
		}
		all = append(all, validated{body, reply})
	}
	t.Logf("%d bodies, of which %d say nothing that an installer could be asked", generatedBodies, shapeless)
	compare(t, program, &requests, all)
}

// requestFor is the installer's request for a body; nil if there is none.
func (s *fixture) requestFor(id arm.ClusterID, body []byte, accepted bool, chosen model.Internal) *install.Request {
	c := s.leadsTo(id, body, accepted)
	if c == nil || len(c.Properties.IngressProfiles) == 0 {
		return nil
	}
	c.Internal = chosen
	c.Properties.APIServerProfile.InternalIP, c.Properties.IngressProfiles[0].IP = "10.0.0.4", "127.96.0.7"
	request, err := s.installRequest(s.t.Context(), c, "quay.io/release@sha256:1")
	if err != nil {
		return nil
	}
	if c.Properties.ClusterProfile.PullSecret == "" { // then the service has its own
		request.PullSecret = `{"auths":{"r.io":{"auth":"YTpi"}}}`
	}
	return request
}

// compare asks the program about all requests, and counts who differs.
func compare(t *testing.T, program string, requests *bytes.Buffer, all []validated) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, "check")
	cmd.Stdin = requests
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %.500s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(all) {
		t.Fatalf("%d answers to %d requests", len(lines), len(all))
	}
	both, neither, late, odd := 0, 0, 0, 0
	stricter := map[string]int{}
	for i, line := range lines {
		var answer struct{ Error *install.Error }
		if err := json.Unmarshal([]byte(line), &answer); err != nil {
			t.Fatal(err)
		}
		refused := all[i].refuse
		switch {
		case answer.Error == nil && refused == nil:
			both++
		case answer.Error != nil && refused != nil:
			neither++
		case answer.Error != nil:
			if late++; late <= 10 {
				t.Errorf("the API accepts %s, the installer refuses: %s", all[i].body, answer.Error.Message)
			}
		default:
			if known := reasonFor(refused); known != "" {
				stricter[known]++
			} else if odd++; odd <= 10 {
				t.Errorf("the installer accepts %s, the API refuses: %s", all[i].body, refused)
			}
		}
	}
	t.Logf("of %d: both accept %d, both refuse %d, they disagree on %d; the API is meant to be stricter on %v", len(all), both, neither, late+odd, stricter)
	if both < len(all)/20 || neither < len(all)/20 {
		t.Error("the clusters are too much alike to prove anything")
	}
}

// reasonFor is why the API may refuse what the installer accepts; empty if there is no reason.
func reasonFor(refused *bodies.Reply) string {
	for words, why := range map[string]string{
		"This api-version has no such property": "words of other versions",
		"is not supported for workers":          "sizes that only Azure judges",
		"is not the name of a VM size":          "sizes that only Azure judges",
		"must be at least 128":                  "disks that nodes outgrow",
		"must be from 2 to 50":                  "counts that the service supports",
		"The first label has 2 to 54":           "domains of one letter, as the published API has them",
		"The range is too small":                "ranges that hold too few machines or services",
		"is not a value of the property":        "network types that the published API has not",
		"has no OpenShiftSDN since":             "network types that OpenShift has no more",
		"has room for":                          "machines without a part of the pods' range, which the installer does not count",
		"UserDefinedRouting needs":              "clusters that could not be reached",
		"inside every cluster up to 4.17":       "ranges of releases that this installer is not of",
		"no name of a registry":                 "registries without credentials",
		"an entry without a name":               "registries without credentials",
		"The pull secret has an \"auth\" for":   "logins that only some registries refuse",
		"The pull secret has no \"auth\" for":   "members in another case, which only Go reads",
	} {
		quoted, _ := json.Marshal(words)
		if bytes.Contains(refused.Body, bytes.Trim(quoted, `"`)) {
			return why
		}
	}
	return ""
}
