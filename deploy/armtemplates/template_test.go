package armtemplates

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/dns/armdns"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/storage/armstorage"
)

// published are the types of Microsoft's SDK, which are generated from the published
// specifications.
func published() map[string]func() any {
	return map[string]func() any{
		identityKind:       func() any { return &armmsi.Identity{} },
		networkKind:        func() any { return &armnetwork.VirtualNetwork{} },
		peeringKind:        func() any { return &armnetwork.VirtualNetworkPeering{} },
		securityGroupKind:  func() any { return &armnetwork.SecurityGroup{} },
		balancerKind:       func() any { return &armnetwork.LoadBalancer{} },
		publicIPKind:       func() any { return &armnetwork.PublicIPAddress{} },
		scaleSetKind:       func() any { return &armcompute.VirtualMachineScaleSet{} },
		storageKind:        func() any { return &armstorage.Account{} },
		blobContainerKind:  func() any { return &armstorage.BlobContainer{} },
		zoneKind:           func() any { return &armdns.Zone{} },
		recordAKind:        func() any { return &armdns.RecordSet{} },
		recordNSKind:       func() any { return &armdns.RecordSet{} },
		roleAssignmentKind: func() any { return &armauthorization.RoleAssignmentCreateParameters{} },
	}
}

// TestMembersAreThoseOfMicrosoftsSDK reads each resource into the SDK's type, which drops
// what it does not know: what comes out must be what went in.
func TestMembersAreThoseOfMicrosoftsSDK(t *testing.T) {
	checked := 0
	for name, template := range All() {
		for _, r := range template.Resources {
			kind := published()[r.Type]
			if kind == nil {
				continue
			}
			checked++
			want := plain(t, r, template.Parameters)
			into := kind()
			content, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(content, into); err != nil {
				t.Errorf("%s: %s: %v", name, r.Type, err)
				continue
			}
			var got map[string]any
			content, err = json.Marshal(into)
			if err == nil {
				err = json.Unmarshal(content, &got)
			}
			if err != nil {
				t.Fatal(err)
			}
			compare(t, name+": "+r.Type, want, got)
		}
	}
	if checked < 20 {
		t.Errorf("only %d resources were compared", checked)
	}
}

// plain is a resource without what is of templates, and with numbers, truth values and
// lists in place of expressions for them.
func plain(t *testing.T, r Resource, parameters map[string]Parameter) map[string]any {
	t.Helper()
	content, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for name, p := range parameters {
		if p.Type == "int" || p.Type == "array" {
			value, _ := json.Marshal(p.DefaultValue)
			if p.DefaultValue == nil {
				value = []byte("[]")
			}
			text = strings.ReplaceAll(text, `"`+param(name)+`"`, string(value))
		}
	}
	text = strings.ReplaceAll(text, `"`+param("servicePort")+`"`, map[bool]string{true: `"8443"`, false: "8443"}[parameters["servicePort"].Type == "string"])
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{"apiVersion", "dependsOn", "condition", "scope", "type", "name"} {
		delete(object, member)
	}
	if r.Type == roleAssignmentKind || r.Type == recordAKind || r.Type == recordNSKind {
		delete(object, "location")
	}
	return object
}

func compare(t *testing.T, at string, want, got any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		object, _ := got.(map[string]any)
		for member, value := range want {
			if _, ok := object[member]; !ok {
				t.Errorf("%s has the member %s, which the SDK does not know", at, member)
				continue
			}
			compare(t, at+"."+member, value, object[member])
		}
	case []any:
		list, _ := got.([]any)
		if len(list) != len(want) {
			t.Errorf("%s has %d elements, the SDK keeps %d", at, len(want), len(list))
			return
		}
		for i := range want {
			compare(t, at, want[i], list[i])
		}
	default:
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%s is %v, the SDK reads %v", at, want, got)
		}
	}
}

func TestEveryParameterIsUsedAndDescribed(t *testing.T) {
	for name, template := range All() {
		content, err := template.JSON()
		if err != nil {
			t.Fatal(err)
		}
		for parameter, p := range template.Parameters {
			if p.Metadata.Description == "" {
				t.Errorf("%s: %s has no description", name, parameter)
			}
			if parameter != "location" && !strings.Contains(string(content), "parameters('"+parameter+"')") {
				t.Errorf("%s: %s is not used", name, parameter)
			}
		}
	}
}
