package conversion_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/generated/registry"
	"github.com/aro-rp/aro/model"
)

type version interface {
	APIVersion() string
	ValidateCluster(body []byte, f *arm.Faults) []byte
	ValidateClusterUpdate(body []byte, f *arm.Faults) []byte
	WriteCluster(body []byte, old, c *model.Cluster, f *arm.Faults) error
	MergeCluster(body []byte, c *model.Cluster, f *arm.Faults) error
	EncodeCluster(c *model.Cluster) ([]byte, error)
}

func versions() (all []version) {
	for _, e := range registry.Versions() {
		all = append(all, e.Version)
	}
	return all
}

// canary is in every secret of a drawn cluster.
const canary = "canary-7f3a"

// drawCluster draws a cluster with members of every version, and in every struct a
// member that this release does not know.
func drawCluster(t *rapid.T) *model.Cluster {
	c := new(model.Cluster)
	fill(t, reflect.ValueOf(c).Elem(), "")
	c.ID = "/subscriptions/00000000-0000-0000-0000-0000000000a1/resourceGroups/rg/providers/Microsoft.RedHatOpenShift/openShiftClusters/c"
	c.Name, c.Type, c.Location = "c", "Microsoft.RedHatOpenShift/openShiftClusters", "West Europe"
	return c
}

var states = []string{"", "Creating", "Updating", "AdminUpdating", "Deleting", "Succeeded", "Failed", "Canceled"}

// words returns values for members with an enum or a format; others are free.
func words(typ, name string) []string {
	switch typ {
	case "ProvisioningState":
		return states
	case "Feature":
		return []string{"", "Enabled", "Disabled"}
	case "Visibility":
		return []string{"", "Public", "Private"}
	case "OutboundType":
		return []string{"", "Loadbalancer", "UserDefinedRouting"}
	}
	switch name {
	case "clientId", "principalId", "tenantId", "objectId":
		return []string{"", "11111111-2222-4333-8444-555555555555", "AAAAAAAA-2222-4333-8444-555555555555"}
	case "softwareDefinedNetwork":
		return []string{"", "OVNKubernetes", "OpenShiftSDN"}
	case "createdByType", "lastModifiedByType":
		return []string{"", "User", "Application"}
	case "type":
		return []string{"UserAssigned", "None"} // of an identity; the cluster's own is set apart
	}
	return nil
}

func fill(t *rapid.T, v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Struct:
		fillStruct(t, v)
	case reflect.Pointer:
		if v.Type() == reflect.TypeFor[*time.Time]() {
			at := time.Unix(rapid.Int64Range(0, 2e9).Draw(t, name), 0).UTC()
			v.Set(reflect.ValueOf(&at))
		} else if rapid.Bool().Draw(t, name+" is there") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem(), name)
		}
	case reflect.Slice:
		if name == "details" { // errors of errors, without end
			return
		}
		if n := rapid.IntRange(0, 3).Draw(t, name+" length"); n > 0 && v.Type().Elem().Kind() == reflect.Struct {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(t, v.Index(i), name)
				fillKey(v.Index(i), i)
			}
		}
	case reflect.Map:
		fillMap(t, v, name)
	case reflect.String:
		fillText(t, v, name)
	case reflect.Int, reflect.Int64:
		least, most := 2, 20
		if name == "diskSizeGB" {
			least, most = 128, 1024
		}
		v.SetInt(int64(rapid.IntRange(least, most).Draw(t, name)))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, name))
	}
}

func fillStruct(t *rapid.T, v reflect.Value) {
	if u, ok := v.Addr().Interface().(interface {
		CodecMissingField([]byte, any) bool
	}); ok {
		u.CodecMissingField([]byte("future"), rapid.IntRange(0, 9).Draw(t, "future"))
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.IsExported() && !f.Anonymous {
			name, _, _ := cut(f.Tag.Get("json"))
			fill(t, v.Field(i), name)
		}
	}
}

func cut(tag string) (name, rest string, ok bool) {
	for i := range tag {
		if tag[i] == ',' {
			return tag[:i], tag[i+1:], true
		}
	}
	return tag, "", false
}

// fillKey sets different names in the elements of an array.
func fillKey(v reflect.Value, i int) {
	for _, key := range []string{"Name", "ID"} {
		if f := v.FieldByName(key); f.IsValid() {
			f.SetString(fmt.Sprintf("key-%d", i))
		}
	}
}

func fillMap(t *rapid.T, v reflect.Value, name string) {
	n := rapid.IntRange(0, 2).Draw(t, name+" entries")
	if n == 0 {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := range n {
		value := reflect.New(v.Type().Elem()).Elem()
		if value.Kind() == reflect.Pointer {
			value.Set(reflect.New(value.Type().Elem()))
			fill(t, value.Elem(), name)
		} else {
			fill(t, value, name)
		}
		v.SetMapIndex(reflect.ValueOf(fmt.Sprintf("/Key/%d", i)), value)
	}
}

func fillText(t *rapid.T, v reflect.Value, name string) {
	if v.Type() == reflect.TypeFor[model.Secret]() {
		v.SetString(canary + rapid.StringMatching(`[a-z]{0,3}`).Draw(t, name))
		return
	}
	if list := words(v.Type().Name(), name); list != nil {
		v.SetString(rapid.SampledFrom(list).Draw(t, name))
		return
	}
	v.SetString(rapid.SampledFrom([]string{"", "x", "Y/Z", `ü"\<&>`}).Draw(t, name))
}

// clone is a deep copy, with members that this release does not know.
func clone(c *model.Cluster) *model.Cluster {
	return deep(reflect.ValueOf(c)).Interface().(*model.Cluster)
}

func deep(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(deep(v.Elem()))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type() != reflect.TypeFor[time.Time]() && v.Type().Field(i).IsExported() && !v.Type().Field(i).Anonymous {
				out.Field(i).Set(deep(v.Field(i)))
			}
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(deep(v.Index(i)))
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			out.Set(reflect.MakeMap(v.Type()))
			for _, key := range v.MapKeys() {
				out.SetMapIndex(key, deep(v.MapIndex(key)))
			}
		}
	}
	return out
}

func TestCloneSharesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCluster(t)
		same, other := clone(c), clone(c)
		if !reflect.DeepEqual(c, same) {
			t.Fatal("a clone differs")
		}
		if p := other.Properties.ServicePrincipalProfile; p != nil {
			p.ClientID = "changed"
		}
		for i := range other.Properties.WorkerProfiles {
			other.Properties.WorkerProfiles[i].Count = -1
		}
		if !reflect.DeepEqual(c, same) {
			t.Fatal("changing a clone changes the original")
		}
	})
}
