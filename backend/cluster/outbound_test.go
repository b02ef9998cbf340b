package cluster

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/aro-rp/aro/model"
)

const (
	balancerID = groupID + "/providers/Microsoft.Network/loadBalancers/" + infraID
	ipsID      = groupID + "/providers/Microsoft.Network/publicIPAddresses/"
	apiIP      = infraID + "-pip-v4"
	firstIP    = "a" + outboundIPSuffix
	secondIP   = "b" + outboundIPSuffix
	strayIP    = "stray" + outboundIPSuffix
)

// balancer makes a public load balancer with the API's frontend, if it is public,
// a router's, and those of outbound traffic.
func (s *fixture) balancer(public bool, outbound ...string) {
	frontends := []any{frontend("router", "router-ip")}
	rules := []any{rule("router")}
	var used []any
	if public {
		frontends, rules = append(frontends, frontend("public-lb-ip-v4", apiIP)), append(rules, rule("public-lb-ip-v4"))
		used = append(used, map[string]any{"id": balancerID + "/frontendIPConfigurations/public-lb-ip-v4"})
		s.put(ipsID+apiIP, map[string]any{})
	}
	for _, ip := range outbound {
		frontends = append(frontends, frontend(ip, ip))
		used = append(used, map[string]any{"id": balancerID + "/frontendIPConfigurations/" + ip})
		s.put(ipsID+ip, map[string]any{})
	}
	s.put(balancerID, map[string]any{"location": "eastus", "etag": `W/"1"`, "sku": map[string]any{"name": "Standard"}, "properties": map[string]any{
		"frontendIPConfigurations": frontends, "loadBalancingRules": rules,
		"outboundRules": []any{map[string]any{"name": "outbound-rule-v4", "properties": map[string]any{"protocol": "All", "frontendIPConfigurations": used}}},
	}})
	s.put(ipsID+"router-ip", map[string]any{})
}

func frontend(name, ip string) map[string]any {
	return map[string]any{"name": name, "id": balancerID + "/frontendIPConfigurations/" + name, "properties": map[string]any{"publicIPAddress": map[string]any{"id": ipsID + ip}}}
}

func rule(name string) map[string]any {
	return map[string]any{"name": name, "properties": map[string]any{"frontendIPConfiguration": map[string]any{"id": balancerID + "/frontendIPConfigurations/" + name}}}
}

func TestOutboundAddressesBecomeWhatIsWanted(t *testing.T) {
	tests := map[string]struct {
		why     string
		public  bool
		known   []string // names in the document
		there   []string // in the balancer
		stray   bool
		count   int
		want    int      // addresses of outbound traffic
		kept    []string // of those for outbound traffic alone
		removed []string
		rebuilt bool
	}{
		"as they are":     {why: "nothing is written", public: true, known: []string{firstIP}, there: []string{firstIP}, count: 2, want: 2, kept: []string{firstIP}},
		"one more":        {why: "the API's serves as the first", public: true, count: 2, want: 2, rebuilt: true},
		"one less":        {why: "an unused address is removed", public: true, known: []string{firstIP, secondIP}, there: []string{firstIP, secondIP}, count: 2, want: 2, kept: []string{firstIP}, removed: []string{secondIP}, rebuilt: true},
		"only the API's":  {why: "the API's is never removed", public: true, known: []string{firstIP}, there: []string{firstIP}, count: 1, want: 1, removed: []string{firstIP}, rebuilt: true},
		"private":         {why: "all are for outbound traffic alone", known: []string{firstIP}, there: []string{firstIP}, count: 3, want: 3, kept: []string{firstIP}, rebuilt: true},
		"older cluster":   {why: "addresses without a record are taken over", public: true, there: []string{firstIP}, count: 2, want: 2, kept: []string{firstIP}},
		"crashed between": {why: "addresses of a run that died are removed", public: true, known: []string{firstIP}, there: []string{firstIP}, stray: true, count: 2, want: 2, kept: []string{firstIP}, removed: []string{strayIP}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := setUp(t)
			s.balancer(test.public, test.there...)
			if test.stray {
				s.put(ipsID+strayIP, map[string]any{})
			}
			w := s.work(model.Update, func(c *model.Cluster) {
				c.Internal.OutboundIPs = test.known
				c.Properties.NetworkProfile.LoadBalancerProfile = &model.LoadBalancerProfile{ManagedOutboundIPs: &model.ManagedOutboundIPs{Count: test.count}}
				if !test.public {
					c.Properties.APIServerProfile.Visibility = model.Private
				}
			})
			for range 2 { // a repetition changes nothing more
				s.must(s.do(s.renameOutboundIPs, w))
				s.must(s.do(s.reconcileOutbound, w))
			}
			lb, err := s.publicBalancer(t.Context(), w.Resource())
			s.must(err)
			now := outboundOf(lb)
			effective := w.Resource().Properties.NetworkProfile.LoadBalancerProfile.EffectiveOutboundIPs
			if len(now) != test.want || len(effective) != test.want {
				t.Fatalf("%s: outbound traffic comes from %v and is told to come from %v", test.why, now, effective)
			}
			for i, ip := range effective {
				if !holds(now, ip.ID) || s.get(ip.ID) == nil || test.public && i == 0 && lastSegment(ip.ID) != apiIP {
					t.Errorf("%s: told %v, is %v", test.why, effective, now)
				}
			}
			for _, ip := range test.kept {
				if !holds(now, ipsID+ip) {
					t.Errorf("%s: %s was given up for another", test.why, ip)
				}
			}
			var removed []string
			writes := 0
			for _, call := range s.writes(groupID) {
				if strings.HasPrefix(call, "DELETE") {
					removed = append(removed, lastSegment(call))
				}
				if call == "PUT "+lowered(balancerID) {
					writes++
				}
			}
			if !slices.Equal(removed, test.removed) || writes > 1 || (writes == 1) != test.rebuilt {
				t.Errorf("%s: removed %v, want %v; wrote the balancer %d times", test.why, removed, test.removed, writes)
			}
			router := slices.ContainsFunc(lb.Properties.FrontendIPConfigurations, func(f *armnetwork.FrontendIPConfiguration) bool { return deref(f.Name) == "router" })
			if !router || len(lb.Properties.FrontendIPConfigurations) != len(test.kept)+boolean(test.public)+1+max(0, test.want-boolean(test.public)-len(test.kept)) {
				t.Errorf("%s: the frontends are %d, with the router's: %v", test.why, len(lb.Properties.FrontendIPConfigurations), router)
			}
		})
	}
}

func TestWhatTheClusterWritesIntoItsBalancerStays(t *testing.T) {
	s := setUp(t)
	s.balancer(true)
	w := s.work(model.Update, func(c *model.Cluster) {
		c.Properties.NetworkProfile.LoadBalancerProfile = &model.LoadBalancerProfile{ManagedOutboundIPs: &model.ManagedOutboundIPs{Count: 2}}
	})
	s.must(s.do(s.renameOutboundIPs, w))
	s.on("PUT "+balancerID, func(r *http.Request, _ []byte) (int, any) {
		if r.Header.Get("If-Match") != `W/"1"` {
			t.Error("the write is not guarded")
		}
		s.on("PUT "+balancerID, nil)
		properties := s.get(balancerID)["properties"].(map[string]any)
		properties["frontendIPConfigurations"] = append(properties["frontendIPConfigurations"].([]any), frontend("service", "service-ip"))
		properties["loadBalancingRules"] = append(properties["loadBalancingRules"].([]any), rule("service"))
		return http.StatusPreconditionFailed, refusal("PreconditionFailed", "m")
	})
	s.must(s.do(s.reconcileOutbound, w))
	lb, err := s.publicBalancer(t.Context(), w.Resource())
	s.must(err)
	if len(lb.Properties.FrontendIPConfigurations) != 4 || len(outboundOf(lb)) != 2 {
		t.Errorf("%d frontends, outbound %v", len(lb.Properties.FrontendIPConfigurations), outboundOf(lb))
	}
}

func TestWhatOtherRulesUseStaysWhenTheCountChanges(t *testing.T) {
	uses := func(names ...string) any {
		var all []any
		for _, name := range names {
			all = append(all, map[string]any{"id": strings.ToUpper(balancerID) + "/frontendIPConfigurations/" + name})
		}
		return all
	}
	s := setUp(t)
	s.balancer(true, firstIP, secondIP, strayIP)
	properties := s.get(balancerID)["properties"].(map[string]any)
	frontends := properties["frontendIPConfigurations"].([]any)
	for _, name := range []string{"egress", "nat", "natpool", "idle"} {
		frontends = append(frontends, frontend(name, name+"-ip"))
	}
	properties["frontendIPConfigurations"] = frontends
	properties["outboundRules"] = append(properties["outboundRules"].([]any), map[string]any{"name": "theirs", "properties": map[string]any{"frontendIPConfigurations": uses("egress", secondIP)}})
	properties["inboundNatRules"] = []any{map[string]any{"name": "ssh", "properties": map[string]any{"frontendIPConfiguration": uses("nat").([]any)[0]}}}
	properties["inboundNatPools"] = []any{map[string]any{"name": "pool", "properties": map[string]any{"frontendIPConfiguration": uses("natpool").([]any)[0]}}}
	w := s.work(model.Update, func(c *model.Cluster) {
		c.Internal.OutboundIPs = []string{firstIP, secondIP, strayIP}
		c.Properties.NetworkProfile.LoadBalancerProfile = &model.LoadBalancerProfile{ManagedOutboundIPs: &model.ManagedOutboundIPs{Count: 1}}
	})
	s.must(s.do(s.renameOutboundIPs, w))
	s.must(s.do(s.reconcileOutbound, w))
	lb, err := s.publicBalancer(t.Context(), w.Resource())
	s.must(err)
	var left []string
	for _, f := range lb.Properties.FrontendIPConfigurations {
		left = append(left, deref(f.Name))
	}
	if want := sorted([]string{"router", "public-lb-ip-v4", "egress", "nat", "natpool", "idle", secondIP}); !slices.Equal(sorted(left), want) {
		t.Errorf("the frontends are %v, want %v", left, want)
	}
	if now := outboundOf(lb); len(now) != 1 || lastSegment(now[0]) != apiIP {
		t.Errorf("the cluster's own traffic comes from %v", now)
	}
	if s.get(ipsID+firstIP) != nil || s.get(ipsID+strayIP) != nil || s.get(ipsID+secondIP) == nil {
		t.Error("an address in use was removed, or one that is not was kept")
	}
}

func TestAWriteThatOthersAlwaysPrecedeFails(t *testing.T) {
	s := setUp(t)
	s.balancer(true)
	w := s.work(model.Update, func(c *model.Cluster) {
		c.Properties.NetworkProfile.LoadBalancerProfile = &model.LoadBalancerProfile{ManagedOutboundIPs: &model.ManagedOutboundIPs{Count: 2}}
	})
	s.must(s.do(s.renameOutboundIPs, w))
	s.on("PUT "+balancerID, func(*http.Request, []byte) (int, any) {
		return http.StatusPreconditionFailed, refusal("PreconditionFailed", "m")
	})
	if err := s.do(s.reconcileOutbound, w); err == nil {
		t.Error("nothing was written, without an error")
	}
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestNamesOfAddressesAreStoredBeforeTheAddressesExist(t *testing.T) {
	s := setUp(t)
	s.balancer(true)
	w := s.work(model.Update, func(c *model.Cluster) {
		c.Properties.NetworkProfile.LoadBalancerProfile = &model.LoadBalancerProfile{ManagedOutboundIPs: &model.ManagedOutboundIPs{Count: 3}}
	})
	s.must(s.do(s.renameOutboundIPs, w))
	names := slices.Clone(w.Resource().Internal.OutboundIPs)
	s.on("PUT "+balancerID, func(*http.Request, []byte) (int, any) { return 409, refusal("AnotherOperationInProgress", "m") })
	if err := s.do(s.reconcileOutbound, w); err == nil {
		t.Fatal("the balancer's refusal was lost")
	}
	s.on("PUT "+balancerID, nil)
	s.must(s.do(s.renameOutboundIPs, w))
	s.must(s.do(s.reconcileOutbound, w))
	if len(names) != 2 || !slices.Equal(names, w.Resource().Internal.OutboundIPs) {
		t.Errorf("named %v, then %v", names, w.Resource().Internal.OutboundIPs)
	}
	made := map[string]bool{}
	for _, call := range s.writes(ipsID) {
		made[call] = true
	}
	if want := fmt.Sprint(map[string]bool{"PUT " + lowered(ipsID+names[0]): true, "PUT " + lowered(ipsID+names[1]): true}); fmt.Sprint(made) != want {
		t.Errorf("made %v, want %s", made, want)
	}
}

func TestACreateTellsOutboundAddressesFromTheBeginning(t *testing.T) {
	s := setUp(t)
	w := s.work(model.Create, func(c *model.Cluster) {
		c.Properties.NetworkProfile.LoadBalancerProfile = &model.LoadBalancerProfile{ManagedOutboundIPs: &model.ManagedOutboundIPs{Count: 2}}
	})
	s.must(s.do(s.chooseOutboundIPs, w))
	names := slices.Clone(w.Resource().Internal.OutboundIPs)
	s.must(s.do(s.chooseOutboundIPs, w))
	effective := w.Resource().Properties.NetworkProfile.LoadBalancerProfile.EffectiveOutboundIPs
	if len(names) != 1 || !slices.Equal(names, w.Resource().Internal.OutboundIPs) || len(effective) != 2 || effective[1].ID != ipsID+names[0] {
		t.Errorf("named %v, then %v; told %v", names, w.Resource().Internal.OutboundIPs, effective)
	}
}
