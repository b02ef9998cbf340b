package conversion_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/conversion"
	"github.com/aro-rp/aro/model"
)

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func encode(t failer, v version, c *model.Cluster) []byte {
	t.Helper()
	body, err := v.EncodeCluster(c)
	if err != nil {
		t.Fatalf("%s: %v", v.APIVersion(), err)
	}
	return body
}

// put writes body onto a copy of old.
func put(t failer, v version, old *model.Cluster, body []byte) (*model.Cluster, *arm.Faults) {
	t.Helper()
	c, f := clone(old), &arm.Faults{}
	if err := v.WriteCluster(body, old, c, f); err != nil {
		t.Fatalf("%s: %v", v.APIVersion(), err)
	}
	return c, f
}

// merge writes a merged PATCH onto a copy of old.
func merge(t failer, v version, old *model.Cluster, body []byte) (*model.Cluster, *arm.Faults) {
	t.Helper()
	c, f := clone(old), &arm.Faults{}
	if err := v.MergeCluster(body, c, f); err != nil {
		t.Fatalf("%s: %v", v.APIVersion(), err)
	}
	return c, f
}

func TestPutOfWhatGetSaidChangesNothing(t *testing.T) {
	for _, v := range versions() {
		t.Run(v.APIVersion(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				c := drawCluster(t)
				body := encode(t, v, c)
				var valid arm.Faults
				if v.ValidateCluster(body, &valid); valid.Len() > 0 {
					t.Fatalf("GET says what the spec forbids: %v\n%s", valid.List(), body)
				}
				got, f := put(t, v, c, body)
				if f.Len() > 0 {
					t.Fatalf("PUT(GET(x)) is refused: %v\n%s", f.List(), body)
				}
				if !reflect.DeepEqual(c, got) {
					t.Fatalf("PUT(GET(x)) changes the cluster from\n%+v\nto\n%+v\nby %s", c, got, body)
				}
			})
		})
	}
}

func TestAnEmptyPatchChangesNothing(t *testing.T) {
	for _, v := range versions() {
		t.Run(v.APIVersion(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				c := drawCluster(t)
				merged, err := conversion.MergePatch(encode(t, v, c), []byte(`{}`))
				if err != nil {
					t.Fatal(err)
				}
				if got, f := merge(t, v, c, merged); f.Len() > 0 || !reflect.DeepEqual(c, got) {
					t.Fatalf("an empty PATCH changes or is refused: %v", f.List())
				}
			})
		})
	}
}

// TestAWriteThroughOneVersionKeepsWhatAnotherSet creates a cluster through one
// version, writes through another what both can change, and compares all members of
// the first.
func TestAWriteThroughOneVersionKeepsWhatAnotherSet(t *testing.T) {
	for _, creator := range versions() {
		for _, writer := range versions() {
			if creator == writer {
				continue
			}
			t.Run(creator.APIVersion()+" then "+writer.APIVersion(), func(t *testing.T) {
				rapid.Check(t, func(t *rapid.T) {
					stored := created(t, creator)
					want := clone(stored)
					want.Tags = map[string]string{"changed": "yes"}
					if p := want.Properties.ServicePrincipalProfile; p != nil {
						p.ClientID, p.ClientSecret = "22222222-2222-4333-8444-555555555555", "a new secret"
					}
					got, f := put(t, writer, stored, changed(t, encode(t, writer, stored)))
					if f.Len() > 0 {
						t.Fatalf("the write is refused: %v", f.List())
					}
					if !reflect.DeepEqual(want, got) {
						t.Fatalf("the write makes of\n%+v\nnot\n%+v\nbut\n%+v", stored, want, got)
					}
					if before, after := encode(t, creator, want), encode(t, creator, got); !bytes.Equal(before, after) {
						t.Fatalf("%s said %s and now says %s", creator.APIVersion(), before, after)
					}
				})
			})
		}
	}
}

// created is a cluster made through a version, and then filled by the service.
func created(t *rapid.T, v version) *model.Cluster {
	drawn := drawCluster(t)
	said := encode(t, v, writable(drawn))
	stored := clone(drawn)
	stored.Properties, stored.Identity, stored.Tags = model.Properties{}, nil, nil
	stored.SystemData = nil
	var f arm.Faults
	if err := v.WriteCluster(said, nil, stored, &f); err != nil || f.Len() > 0 {
		t.Fatalf("create through %s: %v %v\n%s", v.APIVersion(), err, f.List(), said)
	}
	stored.SystemData = drawn.SystemData
	stored.Properties.ProvisioningState = drawn.Properties.ProvisioningState
	stored.Properties.ConsoleProfile = drawn.Properties.ConsoleProfile
	stored.Properties.APIServerProfile.IP = drawn.Properties.APIServerProfile.IP
	stored.Properties.APIServerProfile.URL = drawn.Properties.APIServerProfile.URL
	stored.Properties.WorkerProfilesStatus = drawn.Properties.WorkerProfilesStatus
	return stored
}

// writable removes members that a caller cannot set at creation.
func writable(c *model.Cluster) *model.Cluster {
	c = clone(c)
	c.SystemData = nil
	p := &c.Properties
	p.ProvisioningState, p.ConsoleProfile, p.ClusterProfile.OIDCIssuer, p.WorkerProfilesStatus = "", model.ConsoleProfile{}, "", nil
	p.APIServerProfile.IP, p.APIServerProfile.URL = "", ""
	for i := range p.IngressProfiles {
		p.IngressProfiles[i].IP = ""
	}
	if lb := p.NetworkProfile.LoadBalancerProfile; lb != nil {
		lb.EffectiveOutboundIPs = nil
	}
	if c.Identity != nil {
		c.Identity.PrincipalID, c.Identity.TenantID = "", ""
		for _, id := range c.Identity.UserAssignedIdentities {
			id.ClientID, id.PrincipalID = "", ""
		}
	}
	if w := p.PlatformWorkloadIdentityProfile; w != nil {
		for _, id := range w.PlatformWorkloadIdentities {
			id.ClientID, id.ObjectID = "", ""
		}
	}
	return c
}

// changed is a body with other tags and another service principal.
func changed(t *rapid.T, body []byte) []byte {
	var doc map[string]any
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	doc["tags"] = map[string]any{"changed": "yes"}
	if properties, ok := doc["properties"].(map[string]any); ok {
		if p, ok := properties["servicePrincipalProfile"].(map[string]any); ok {
			p["clientId"], p["clientSecret"] = "22222222-2222-4333-8444-555555555555", "a new secret"
		}
	}
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestNoVersionSaysASecret(t *testing.T) {
	for _, v := range versions() {
		t.Run(v.APIVersion(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				if body := encode(t, v, drawCluster(t)); strings.Contains(string(body), canary) {
					t.Fatalf("a secret gets out: %s", body)
				}
			})
		})
	}
}

// FuzzWrite feeds any bytes to the validators, the merge and the write of every
// version: none panics, and what the validator accepts can be decoded.
func FuzzWrite(f *testing.F) {
	f.Add(uint8(8), []byte(`{"location":"x","properties":{"workerProfiles":[{},null,{"count":1}]}}`))
	f.Add(uint8(10), []byte(`{"identity":{"type":"None","userAssignedIdentities":{"x":null}},"tags":{"a":null}}`))
	f.Add(uint8(10), []byte(`{"properties":{"platformWorkloadIdentityProfile":{"platformWorkloadIdentities":{"":{}}}}}`))
	f.Add(uint8(0), []byte(`[null]`))
	f.Add(uint8(0), []byte(`null`))
	all := versions()
	stored := rapid.Custom(drawCluster).Example(1)
	for i, v := range all {
		f.Add(uint8(i), encode(f, v, stored))
	}
	f.Fuzz(func(t *testing.T, index uint8, body []byte) {
		v := all[int(index)%len(all)]
		var replace, merge, changes arm.Faults
		v.ValidateCluster(body, &replace)
		v.ValidateClusterUpdate(body, &merge)
		for _, old := range []*model.Cluster{nil, stored} {
			err := v.WriteCluster(body, old, clone(stored), &changes)
			if err != nil && replace.Len() == 0 {
				t.Errorf("the validator accepts what cannot be decoded: %v", err)
			}
		}
		merged, err := conversion.MergePatch(encode(t, v, stored), body)
		if err != nil {
			if merge.Len() == 0 {
				t.Errorf("the validator accepts what cannot be merged: %v", err)
			}
			return
		}
		if err := v.WriteCluster(merged, stored, clone(stored), &changes); err != nil && merge.Len() == 0 {
			t.Errorf("a valid PATCH gives what cannot be decoded: %v", err)
		}
	})
}
