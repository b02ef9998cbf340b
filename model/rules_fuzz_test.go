package model_test

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
)

// words are strings that come near the rules from both sides.
var words = []string{
	"", "x", "Enabled", "Disabled", "Public", "Private", "Loadbalancer", "UserDefinedRouting", "UserAssigned", "None",
	"OpenShiftSDN", "default", "worker", "cluster", "a.b.eastus.aroapp.io", "aroapp.io", "eastus", "4.17.12", "4.19.0-rc.1", "4.19", "v1",
	"10.128.0.0/14", "10.128.0.1/33", "100.64.0.0/10", "0.0.0.0/0", "::/0", "Standard_D8s_v5", "Standard_D8s_v6", "{}", `{"auths":{"r":null}}`, "null",
	subscription, subscription + "/resourceGroups/group", vnet + "/subnets/master", vnet + "/subnets/worker", des, registryID,
	"/subscriptions/", "////////////", "11111111-2222-3333-4444-555555555555", "\xff\u017f\u212a", strings.Repeat("a", 600), ":", "https://[", "%s%d%n",
}

// arbitrary fills v with anything, nil pointers and entries included.
func arbitrary(r *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Type().Field(i).Name != "Unknown" && v.Field(i).Type().PkgPath() != "time" {
				arbitrary(r, v.Field(i))
			}
		}
	case reflect.Pointer:
		if r.IntN(4) > 0 && v.Type().Elem().PkgPath() != "time" {
			v.Set(reflect.New(v.Type().Elem()))
			arbitrary(r, v.Elem())
		}
	case reflect.Slice:
		most := 4
		if v.Type() == reflect.TypeFor[[]model.OperationError]() {
			most = 2 // errors hold errors: more would have no end
		}
		v.Set(reflect.MakeSlice(v.Type(), r.IntN(most), 4))
		for i := range v.Len() {
			arbitrary(r, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range r.IntN(4) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			arbitrary(r, key)
			arbitrary(r, value)
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		v.SetString(words[r.IntN(len(words))])
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(r.IntN(300) - 20))
	}
}

func clone(c *model.Cluster) *model.Cluster {
	out := reflect.New(reflect.TypeFor[model.Cluster]())
	deepCopy(out.Elem(), reflect.ValueOf(c).Elem())
	return out.Interface().(*model.Cluster)
}

// deepCopy copies all but what lies behind unexported fields, which no rule changes.
func deepCopy(to, from reflect.Value) {
	to.Set(from)
	switch from.Kind() {
	case reflect.Struct:
		for i := range from.NumField() {
			if from.Type().Field(i).IsExported() && from.Field(i).Type().PkgPath() != "time" {
				deepCopy(to.Field(i), from.Field(i))
			}
		}
	case reflect.Pointer:
		if !from.IsNil() {
			to.Set(reflect.New(from.Type().Elem()))
			deepCopy(to.Elem(), from.Elem())
		}
	case reflect.Slice:
		if !from.IsNil() {
			to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
			for i := range from.Len() {
				deepCopy(to.Index(i), from.Index(i))
			}
		}
	case reflect.Map:
		if !from.IsNil() {
			to.Set(reflect.MakeMap(from.Type()))
			for _, k := range from.MapKeys() {
				value := reflect.New(from.Type().Elem()).Elem()
				deepCopy(value, from.MapIndex(k))
				to.SetMapIndex(k, value)
			}
		}
	}
}

// FuzzRules: for any cluster, validation ends, changes nothing, is deterministic,
// and never rejects an unchanged cluster.
func FuzzRules(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed, seed+1)
	}
	f.Fuzz(func(t *testing.T, a, b uint64) {
		var c, old model.Cluster
		arbitrary(rand.New(rand.NewPCG(a, 1)), reflect.ValueOf(&c).Elem())
		arbitrary(rand.New(rand.NewPCG(b, 2)), reflect.ValueOf(&old).Elem())

		c.Default()
		defaulted := clone(&c)
		c.Default()
		if !reflect.DeepEqual(&c, defaulted) {
			t.Fatalf("a second Default changed %+v to %+v", defaulted.Properties, c.Properties)
		}
		first := reportOf(&c, &old)
		if again := reportOf(&c, &old); !reflect.DeepEqual(first, again) {
			t.Fatalf("one cluster, two verdicts:\n%v\n%v", first, again)
		}
		reportOf(&c, nil)
		if !reflect.DeepEqual(&c, defaulted) {
			t.Fatal("judging changed the cluster")
		}
		if blocked := reportOf(&c, defaulted); len(blocked) != 0 {
			t.Fatalf("an unchanged cluster is blocked: %v", blocked)
		}
		_, _ = c.ClientIdentityKey(), c.ManagedResourceGroupKey()
	})
}

func reportOf(c, old *model.Cluster) []string {
	var f arm.Faults
	c.Validate(old, rules, &f)
	if old == nil {
		c.ValidateRoles([]*model.PlatformWorkloadIdentityRoleSet{nil, roleSet("4.17", "x")}, &f)
	}
	var lines []string
	for _, fault := range f.List() {
		lines = append(lines, fault.Error())
	}
	return lines
}

func BenchmarkValidate(b *testing.B) {
	c := workloadCluster()
	b.ReportAllocs()
	for b.Loop() {
		var f arm.Faults
		c.Validate(nil, rules, &f)
	}
}
