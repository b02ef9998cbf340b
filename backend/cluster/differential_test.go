package cluster

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/backend/install"
	"github.com/aro-rp/aro/model"
)

// What the API accepts the installer must accept too, or a customer waits for a
// refusal. The real program judges thousands of clusters, random and at the edges
// of what the API's schemas let through.

const generatedClusters = 5000

var generatedBy = flag.Uint64("clusters-seed", 1, "seed of the clusters that the API and the installer are asked about")

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

// mutate changes one to four properties.
func mutate(r *rand.Rand, c *model.Cluster) {
	p := &c.Properties
	cidrs := []string{"10.128.0.0/14", "172.30.0.0/16", "10.0.0.0/18", "10.0.0.0/19", "0.0.0.0/0", "0.0.0.0/12", "100.64.0.0/16", "100.64.0.0/10", "100.88.128.0/18", "169.254.0.0/17",
		"169.254.128.0/18", "169.254.169.0/29", "127.0.0.0/8", "127.128.0.0/16", "126.0.0.0/7", "172.16.0.0/12", "172.0.0.0/11", "172.17.0.0/16", "192.168.0.0/22", "192.168.0.0/23",
		"224.0.0.0/14", "255.255.252.0/22", "10.128.0.1/14", "168.63.128.0/18"}
	for range 1 + r.IntN(4) {
		switch r.IntN(11) {
		case 0:
			p.ClusterProfile.Domain = pick(r, func() string { return randomDomain(r) }, strings.Repeat("a", 54), strings.Repeat("a", 55), strings.Repeat("a", 63), "aa", "a", "1a", "a-", "a.b",
				strings.Repeat("a", 54)+".example.com", strings.Repeat("a", 55)+".example.com", "aa"+strings.Repeat(".aa", 83)+".a", "aa"+strings.Repeat(".aa", 84), "a1."+strings.Repeat("b", 63)+".com", "x.Y")
		case 1, 2:
			p.NetworkProfile.PodCIDR = pick(r, func() string { return randomCIDR(r, 0, 20) }, cidrs...)
		case 3, 4:
			p.NetworkProfile.ServiceCIDR = pick(r, func() string { return randomCIDR(r, 8, 24) }, cidrs...)
		case 5, 6:
			p.ClusterProfile.PullSecret = model.Secret(pick(r, func() string { return randomPullSecret(r) }, "", "{}", "null", `{"auths":{}}`, `{"auths":null}`, `{"auths":{"quay.io":{"auth":"YTpi"}}}`,
				`{"auths":{"cloud.openshift.com":{"auth":"YTpi"}}}`, `{"auths":{"quay.io":{"email":"a@b.c"}}}`, `{"auths":{"quay.io":{}}}`, `{"auths":{"quay.io":null}}`))
		case 7:
			p.NetworkProfile.SoftwareDefinedNetwork = pick(r, func() string { return "" }, model.OVNKubernetes, model.OpenShiftSDN, "Kuryr")
		case 8:
			p.WorkerProfiles[0].Count = []int{-1, 0, 1, 2, 3, 29, 30, 50, 51}[r.IntN(9)]
		case 9:
			p.WorkerProfiles[0].DiskSizeGB = []int{-1, 0, 127, 128, 1024, 4095, 32767, 1<<31 - 1}[r.IntN(8)]
		default:
			p.ClusterProfile.FIPSValidatedModules = []model.Feature{model.Enabled, model.Disabled}[r.IntN(2)]
			p.APIServerProfile.Visibility, p.IngressProfiles[0].Visibility = model.Private, []model.Visibility{model.Public, model.Private}[r.IntN(2)]
			p.NetworkProfile.OutboundType = model.OutboundType(pick(r, func() string { return "NatGateway" }, string(model.LoadBalancer), string(model.UserDefinedRouting)))
			p.NetworkProfile.LoadBalancerProfile = nil
		}
	}
}

// judged is a cluster that both were asked about.
type judged struct {
	what   string
	faults []*arm.Error
}

func TestWhatTheAPIAcceptsTheInstallerAccepts(t *testing.T) {
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
	base := s.work(model.Create, installable).Cluster()
	base.Properties.NetworkProfile.PodCIDR, base.Properties.NetworkProfile.ServiceCIDR = "10.128.0.0/14", "172.30.0.0/16"

	var requests bytes.Buffer
	var all []judged
	for range generatedClusters {
		c := copyOf(base)
		mutate(r, c)
		var f arm.Faults
		c.Default()
		c.Validate(nil, model.Rules{Location: "eastus", Domain: s.Env.Domain}, &f)
		c.Properties.APIServerProfile.InternalIP, c.Properties.IngressProfiles[0].IP = "10.0.0.4", "127.96.0.7"
		request, err := s.installRequest(t.Context(), c, "quay.io/release@sha256:1")
		if err != nil { // what the request cannot even say
			if len(f.List()) == 0 {
				t.Errorf("accepted, but there is no request: %v", err)
			}
			continue
		}
		if c.Properties.ClusterProfile.PullSecret == "" { // then the service has its own
			request.PullSecret = `{"auths":{"r.io":{"auth":"YTpi"}}}`
		}
		line, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		requests.Write(line)
		all = append(all, judged{describe(c), f.List()})
	}
	compare(t, program, &requests, all)
}

// compare asks the program about all requests, and counts who differs.
func compare(t *testing.T, program string, requests *bytes.Buffer, all []judged) {
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
	both, neither, late := 0, 0, 0
	stricter := map[string]int{}
	for i, line := range lines {
		var answer struct{ Error *install.Error }
		if err := json.Unmarshal([]byte(line), &answer); err != nil {
			t.Fatal(err)
		}
		refused := len(all[i].faults) > 0
		switch {
		case answer.Error == nil && !refused:
			both++
		case answer.Error != nil && refused:
			neither++
		case answer.Error != nil:
			if late++; late <= 10 {
				t.Errorf("the API accepts %s, the installer refuses: %s", all[i].what, answer.Error.Message)
			}
		default:
			stricter[all[i].faults[0].Target]++
		}
	}
	t.Logf("%d clusters: both accept %d, both refuse %d, only the installer refuses %d, only the API refuses: %v", len(all), both, neither, late, stricter)
	if both < len(all)/20 || neither < len(all)/20 {
		t.Error("the clusters are too much alike to prove anything")
	}
}

func describe(c *model.Cluster) string {
	p := c.Properties
	return fmt.Sprintf("domain %q, pods %s, services %s, pull secret %q, network %q, workers %d with %d GB", p.ClusterProfile.Domain, p.NetworkProfile.PodCIDR, p.NetworkProfile.ServiceCIDR,
		string(p.ClusterProfile.PullSecret), p.NetworkProfile.SoftwareDefinedNetwork, p.WorkerProfiles[0].Count, p.WorkerProfiles[0].DiskSizeGB)
}

// copyOf shares nothing that mutate changes.
func copyOf(c *model.Cluster) *model.Cluster {
	other := *c
	other.Properties.WorkerProfiles = append([]model.WorkerProfile(nil), c.Properties.WorkerProfiles...)
	other.Properties.IngressProfiles = []model.IngressProfile{{Name: "default"}}
	other.Properties.APIServerProfile = model.APIServerProfile{}
	return &other
}
