package validation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/generated/v20250725"
)

var newest = v20250725.Version{}

// verdict is each fault as "Code target".
func verdict(f *arm.Faults) []string {
	var v []string
	for _, e := range f.List() {
		v = append(v, e.Code.Name+" "+e.Target)
	}
	return v
}

func TestEveryViolationIsNotedWithItsPath(t *testing.T) {
	for _, test := range []struct {
		reason, body string
		want         []string
	}{
		{"an empty body is no JSON", ``, []string{"InvalidRequestContent "}},
		{"JSON ends too early", `{"location":`, []string{"InvalidRequestContent "}},
		{"something follows the value", `{"location":"x"} {}`, []string{"InvalidRequestContent "}},
		{"NaN is no JSON", `{"location":NaN}`, []string{"InvalidRequestContent "}},
		{"text must be UTF-8", "{\"location\":\"\xff\"}", []string{"InvalidRequestContent "}},
		{"half a surrogate pair is no text", `{"location":"\ud800"}`, []string{"InvalidRequestContent "}},
		{"nesting is bounded", `{"location":"x","tags":{"a":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}}`,
			[]string{`InvalidRequestContent tags["a"]`, `InvalidRequestContent tags["a"]`}},
		{"nesting at the bound is only of the wrong type", `{"location":"x","tags":{"a":` + strings.Repeat("[", 30) + strings.Repeat("]", 30) + `}}`,
			[]string{`InvalidRequestContent tags["a"]`}},
		{"nesting that no parser takes", strings.Repeat("[", 20000) + strings.Repeat("]", 20000), []string{"InvalidRequestContent "}},
		{"a cluster is an object", `[]`, []string{"InvalidRequestContent "}},
		{"null is no cluster", `null`, []string{"InvalidRequestContent "}},
		{"location is required", `{}`, []string{"InvalidParameter location"}},
		{"null is absent", `{"location":null}`, []string{"InvalidParameter location"}},
		{"names are known", `{"location":"x","colour":1}`, []string{"InvalidParameter colour"}},
		{"names are case-sensitive", `{"Location":"x"}`, []string{"InvalidParameter Location", "InvalidParameter location"}},
		{"a member occurs once", `{"location":"x","location":"y"}`, []string{"InvalidRequestContent location"}},
		{"also after null", `{"location":null,"location":"y"}`, []string{"InvalidRequestContent location"}},
		{"also when spelled with escapes", `{"location":"x","l\u006fcation":"y"}`, []string{"InvalidRequestContent location"}},
		{"an entry occurs once", `{"location":"x","tags":{"a":"1","b":"2","a":"3"}}`, []string{`InvalidRequestContent tags["a"]`}},
		{"entries have a type", `{"location":"x","tags":{"a":1,"b":null}}`, []string{`InvalidRequestContent tags["a"]`, `InvalidRequestContent tags["b"]`}},
		{"all at once, in the order of the body", `{"location":1,"properties":{"workerProfiles":[{},{"count":"3","diskSizeGB":1},7],"networkProfile":{"outboundType":"Pigeon"}}}`, []string{
			"InvalidRequestContent location",
			"InvalidRequestContent properties.workerProfiles[1].count",
			"InvalidParameter properties.workerProfiles[1].diskSizeGB",
			"InvalidRequestContent properties.workerProfiles[2]",
			"InvalidParameter properties.networkProfile.outboundType",
		}},
		{"ranges hold", `{"location":"x","properties":{"networkProfile":{"loadBalancerProfile":{"managedOutboundIps":{"count":21}}}}}`,
			[]string{"InvalidParameter properties.networkProfile.loadBalancerProfile.managedOutboundIps.count"}},
		{"numbers fit", `{"location":"x","properties":{"workerProfiles":[{"count":99999999999999999999}]}}`,
			[]string{"InvalidParameter properties.workerProfiles[0].count"}},
		{"counts are whole", `{"location":"x","properties":{"workerProfiles":[{"count":3.0}]}}`,
			[]string{"InvalidRequestContent properties.workerProfiles[0].count"}},
		{"formats hold", `{"location":"x","properties":{"servicePrincipalProfile":{"clientId":"me"}}}`,
			[]string{"InvalidParameter properties.servicePrincipalProfile.clientId"}},
		{"maps are named in the path", `{"location":"x","properties":{"platformWorkloadIdentityProfile":{"platformWorkloadIdentities":{"x.y":{"resourceId":1}}}}}`,
			[]string{`InvalidRequestContent properties.platformWorkloadIdentityProfile.platformWorkloadIdentities["x.y"].resourceId`}},
	} {
		t.Run(test.reason, func(t *testing.T) {
			var f arm.Faults
			newest.ValidateCluster([]byte(test.body), &f)
			if got := verdict(&f); !slices.Equal(got, test.want) {
				t.Errorf("%s\n got %q\nwant %q", test.body, got, test.want)
			}
		})
	}
}

func TestAPatchRequiresNothingAndTakesNullEverywhere(t *testing.T) {
	for _, body := range []string{
		`{}`,
		`{"tags":null}`,
		`{"tags":{"a":null,"b":"x"},"identity":{"userAssignedIdentities":{"x":null}}}`,
		`{"id":"x","name":"y","type":"z","location":"w","systemData":{"createdAt":"2024-01-02T03:04:05Z"}}`,
		`{"properties":{"clusterProfile":null,"workerProfiles":[{"count":null}],"provisioningState":"Succeeded"}}`,
	} {
		var f arm.Faults
		newest.ValidateClusterUpdate([]byte(body), &f)
		if f.Len() > 0 {
			t.Errorf("%s: %q", body, verdict(&f))
		}
	}
	var f arm.Faults
	newest.ValidateClusterUpdate([]byte(`{"tags":{"a":1},"workers":3}`), &f)
	if want := []string{`InvalidRequestContent tags["a"]`, "InvalidParameter workers"}; !slices.Equal(verdict(&f), want) {
		t.Errorf("a PATCH that breaks the spec: got %q, want %q", verdict(&f), want)
	}
}

func TestAFaultNeverRepeatsWhatMayBeASecret(t *testing.T) {
	const secret = "hunter2-hunter2"
	for _, body := range []string{
		`{"location":"x","properties":{"clusterProfile":{"pullSecret":{"auths":"hunter2-hunter2"}}}}`,
		`{"location":"x","properties":{"servicePrincipalProfile":{"clientId":"hunter2-hunter2","clientSecret":["hunter2-hunter2"]}}}`,
		`{"location":"x","properties":{"networkProfile":{"outboundType":["hunter2-hunter2"]}}}`,
		`{"location":"x","nothing":"hunter2-hunter2"}`,
		`{"location":"hunter2-hunter2`,
	} {
		var f arm.Faults
		newest.ValidateCluster([]byte(body), &f)
		if f.Len() == 0 {
			t.Errorf("%s is accepted", body)
		}
		for _, e := range f.List() {
			if text := fmt.Sprintf("%v %+v", e, e); strings.Contains(text, secret) {
				t.Errorf("the fault repeats the value: %s", text)
			}
		}
	}
}

func TestALongUnknownNameIsCutShort(t *testing.T) {
	var f arm.Faults
	newest.ValidateClusterUpdate([]byte(`{"`+strings.Repeat("é", 5000)+`":1}`), &f)
	if f.Len() != 1 || len(f.List()[0].Target) > 80 {
		t.Errorf("faults: %q", verdict(&f))
	}
}

func TestAMisspelledNameIsSuggested(t *testing.T) {
	var f arm.Faults
	newest.ValidateClusterUpdate([]byte(`{"properties":{"NetworkProfile":{}}}`), &f)
	if f.Len() != 1 || !strings.Contains(f.List()[0].Message, `Did you mean "networkProfile"?`) {
		t.Errorf("faults: %v", f.Err())
	}
}

func TestALargeMapIsCheckedInLinearTime(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"tags":{`)
	for i := range 100_000 {
		fmt.Fprintf(&b, `"k%d":"v",`, i)
	}
	b.WriteString(`"k7":"v"}}`)
	var f arm.Faults
	newest.ValidateClusterUpdate([]byte(b.String()), &f) // quadratic work would take minutes
	if want := []string{`InvalidRequestContent tags["k7"]`, "InvalidParameter tags"}; !slices.Equal(verdict(&f), want) {
		t.Errorf("got %q, want %q", verdict(&f), want)
	}
}

func TestTheExampleOfEveryVersionIsValidAndCostsNoAllocation(t *testing.T) {
	for _, v := range versions() {
		body := example(t, v.APIVersion())
		var f arm.Faults
		v.ValidateCluster(body, &f)
		if f.Len() > 0 {
			t.Errorf("%s: %q", v.APIVersion(), verdict(&f))
		}
		if raceEnabled {
			continue // the race detector makes sync.Pool forget
		}
		for name, validate := range map[string]func([]byte, *arm.Faults) []byte{"PUT": v.ValidateCluster, "PATCH": v.ValidateClusterUpdate} {
			if n := testing.AllocsPerRun(100, func() { validate(body, &f) }); n != 0 {
				t.Errorf("%s %s: %v allocations", v.APIVersion(), name, n)
			}
		}
	}
}
