package validation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/generated/v20240812preview"
)

func TestNamesInOtherCase(t *testing.T) {
	old, exact := v20240812preview.Version{}, newest
	for _, test := range []struct {
		body, revised string
		faults        []string // of the version that matches names whatever their case
	}{
		{body: `{"location":"x"}`, revised: `{"location":"x"}`},
		{body: `{ "LOCATION" : "x", "Properties": {"servicePrincipalProfile":{"ClientId":"","clientSecret":"y"}}}`,
			revised: `{ "location" : "x", "properties": {"servicePrincipalProfile":{"clientId":"","clientSecret":"y"}}}`},
		{body: `{"\u004cocation":"x"}`, revised: `{"location":"x"}`},
		{body: `{"location":"x","properties":{"workerProfiles":[{"Count":3},{"COUNT":4}]}}`,
			revised: `{"location":"x","properties":{"workerProfiles":[{"count":3},{"count":4}]}}`},
		{body: `{"location":"x","tags":{"Location":"a","location":"b"}}`, revised: `{"location":"x","tags":{"Location":"a","location":"b"}}`},
		{body: `{"location":"x","Location":"x"}`, faults: []string{"InvalidRequestContent location"}},
		{body: `{"location":"x","Properties":{"masterProfile":{"VmSize":null,"vmSize":"y"}}}`, faults: []string{"InvalidRequestContent properties.masterProfile.vmSize"}},
		{body: `{"Location":"x","properties":{"workerProfiles":[{"Counts":3}]}}`, faults: []string{"InvalidParameter properties.workerProfiles[0].Counts"}},
		{body: `{"Location":5}`, faults: []string{"InvalidRequestContent location"}},
		{body: `{"location":"x","propertieſ":{}}`, faults: []string{"InvalidParameter propertieſ"}},
		{body: `{"location":"x","\u212aind":"y"}`, faults: []string{"InvalidParameter \u212aind"}},
	} {
		var f arm.Faults
		revised := old.ValidateCluster([]byte(test.body), &f)
		if got := verdict(&f); !slices.Equal(got, test.faults) {
			t.Errorf("%s\n got %q\nwant %q", test.body, got, test.faults)
		}
		if test.faults == nil && string(revised) != test.revised {
			t.Errorf("%s\n is read as %s\n      want %s", test.body, revised, test.revised)
		}
		f = arm.Faults{}
		exact.ValidateCluster([]byte(test.body), &f)
		if accepted := f.Len() == 0; accepted != (test.body == test.revised) {
			t.Errorf("%s: a version with exact names says %q", test.body, verdict(&f))
		}
	}
	var f arm.Faults
	old.ValidateCluster([]byte(`{"location":"x","properties":{"servicePrincipalProfile":{"ClientId":"","CLIENTID":""}}}`), &f)
	if f.Len() != 1 || !strings.Contains(f.List()[0].Message, `as "ClientId" and as "CLIENTID"`) {
		t.Errorf("two spellings at once: %v", f.Err())
	}
}

func TestNullForAnUnknownMemberIsAbsent(t *testing.T) {
	for body, want := range map[string]string{
		`{"location":"x","unknown":null}`:                                                              `{"location":"x"}`,
		`{"unknown" : null , "location":"x"}`:                                                          `{ "location":"x"}`,
		`{"a":null,"location":"x", "b":null,"c": null }`:                                               `{"location":"x" }`,
		`{"location":"x","properties":{"a":null}}`:                                                     `{"location":"x","properties":{}}`,
		`{"location":"x","properties":{"workerProfiles":[{"Nothing":null,"count":3,"nothing":null}]}}`: `{"location":"x","properties":{"workerProfiles":[{"count":3}]}}`,
		`{"location":"x","tags":{"a":"b"}}`:                                                            `{"location":"x","tags":{"a":"b"}}`,
	} {
		for _, v := range versions() {
			var f arm.Faults
			if got := v.ValidateCluster([]byte(body), &f); string(got) != want || f.Len() > 0 {
				t.Errorf("%s: %s\nis read as %s, %q\n      want %s", v.APIVersion(), body, got, verdict(&f), want)
			}
			f = arm.Faults{}
			if got := v.ValidateClusterUpdate([]byte(body), &f); string(got) != want || f.Len() > 0 {
				t.Errorf("%s: PATCH %s\nis read as %s, %q\n      want %s", v.APIVersion(), body, got, verdict(&f), want)
			}
		}
	}
	// Else a decoder that folds letters would take it for the one that is sent.
	var f arm.Faults
	if got := newest.ValidateCluster([]byte(`{"location":"x","Location":null}`), &f); string(got) != `{"location":"x"}` || f.Len() > 0 {
		t.Errorf("got %s, %q", got, verdict(&f))
	}
}

func TestSystemDataMayBeAnything(t *testing.T) {
	for _, systemData := range []string{`{"createdAt":"2020-01-01T00:00:00Z","lastModifiedBy":"x"}`, `{"createdAt":"yesterday","new":1}`, `[]`, `"x"`} {
		for _, v := range versions() {
			var f arm.Faults
			body := `{"location":"x","systemData":` + systemData + `}`
			v.ValidateCluster([]byte(body), &f)
			v.ValidateClusterUpdate([]byte(body), &f)
			if accepted := f.Len() == 0; accepted != (v.APIVersion() >= "2022-09-04") {
				t.Errorf("%s: %s: %q", v.APIVersion(), body, verdict(&f))
			}
		}
	}
}
