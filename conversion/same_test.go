package conversion_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/conversion"
	"github.com/aro-rp/aro/model"
)

const (
	clientID   = "aaaaaaaa-0000-4000-8000-00000000000a"
	identityID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/cluster"
)

// installed is a cluster with a service principal and everything else that a
// client can send back.
func installed() *model.Cluster {
	c := cluster()
	c.Properties.PlatformWorkloadIdentityProfile = nil
	c.Properties.ServicePrincipalProfile.ClientID = clientID
	c.Properties.ClusterProfile.PullSecret = `{"auths":{"a":{"auth":"eDp5"},"b":{}}}`
	c.Properties.MasterProfile = model.MasterProfile{VMSize: "Standard_D8s_v5", SubnetID: "/x/Masters", EncryptionAtHost: model.Disabled}
	return c
}

// workloads is a cluster with workload identities.
func workloads() *model.Cluster {
	c := installed()
	c.Properties.ServicePrincipalProfile = nil
	c.Properties.PlatformWorkloadIdentityProfile = cluster().Properties.PlatformWorkloadIdentityProfile
	c.Identity = &model.Identity{Type: "UserAssigned", PrincipalID: clientID, TenantID: clientID,
		UserAssignedIdentities: map[string]*model.UserAssignedIdentity{identityID: {ClientID: clientID, PrincipalID: clientID}}}
	return c
}

// TestAValueInOtherWordsIsTheSame: an id, UUID, region or size of the model in
// another casing is not a change, so that no update begins. Through PUT and PATCH.
func TestAValueInOtherWordsIsTheSame(t *testing.T) {
	for _, test := range []struct {
		what     string
		stored   *model.Cluster
		from, to string
	}{
		{"a client id", installed(), clientID, strings.ToUpper(clientID)},
		{"a region", installed(), "West Europe", "westeurope"},
		{"a managed resource group", installed(), "/resourceGroups/Managed", "/resourcegroups/MANAGED"},
		{"a domain", installed(), `"domain":"d"`, `"domain":"D"`},
		{"a subnet", installed(), "/x/Masters", "/X/masters"},
		{"a size of masters", installed(), "Standard_D8s_v5", "standard_d8S_v5"},
		{"a size of workers", installed(), "Standard_D4s_v5", "STANDARD_D4S_V5"},
		{"an outbound address", installed(), `"/ip/1"`, `"/IP/1"`},
		{"the cluster's id", installed(), "/resourceGroups/rg/", "/resourcegroups/RG/"},
		{"the cluster's identity", workloads(), identityID, strings.ToUpper(identityID)},
		{"the ids that the identity was found to have", workloads(), clientID, strings.ToUpper(clientID)},
		{"an operator's identity", workloads(), "/id/One", "/ID/ONE"},
	} {
		body := string(encode(t, newest, test.stored))
		said := strings.ReplaceAll(body, test.from, test.to)
		if said == body {
			t.Errorf("%s: %q is not in %s", test.what, test.from, body)
			continue
		}
		got, f := put(t, newest, test.stored, []byte(said))
		if f.Len() > 0 || !reflect.DeepEqual(got, test.stored) {
			t.Errorf("%s: a PUT with %q is a change or refused: %q", test.what, test.to, verdict(f))
		}
		if got, f = patched(t, test.stored, said); f.Len() > 0 || !reflect.DeepEqual(got, test.stored) {
			t.Errorf("%s: a PATCH with %q is a change or refused: %q", test.what, test.to, verdict(f))
		}
	}
}

func TestTwoSpellingsOfOneIdentityAreRefused(t *testing.T) {
	body := `{"identity":{"type":"UserAssigned","userAssignedIdentities":{"` + identityID + `":{},"` + strings.ToUpper(identityID) + `":{}}}}`
	if _, f := patched(t, workloads(), body); f.Len() != 1 || !strings.Contains(f.List()[0].Message, "more than once") {
		t.Errorf("got %v", f.List())
	}
}

func TestAnIdentityOfTypeNoneIsNoIdentity(t *testing.T) {
	const none = `{"identity":{"type":"None"}}`
	c, f := fromURL(), &arm.Faults{}
	if err := newest.WriteCluster([]byte(`{"location":"x","identity":{"type":"None","userAssignedIdentities":{}},"properties":{}}`), nil, c, f); err != nil || f.Len() > 0 || c.Identity != nil {
		t.Errorf("on create: %v %v, identity %+v", err, f.List(), c.Identity)
	}
	older := installed() // by a release that stored it
	older.Identity = &model.Identity{Type: "None"}
	for _, stored := range []*model.Cluster{installed(), older} {
		for _, body := range []string{none, `{}`} {
			if got, f := patched(t, stored, body); f.Len() > 0 || !reflect.DeepEqual(got, stored) {
				t.Errorf("a PATCH with %s is a change or refused: %q", body, verdict(f))
			}
		}
	}
	if _, f := patched(t, workloads(), none); !slices.Equal(verdict(f), []string{"PropertyChangeNotAllowed identity.type"}) {
		t.Errorf("a cluster loses its identity: %q", verdict(f))
	}
}

func TestAPullSecretIsDecidedAtCreation(t *testing.T) {
	const target = "PropertyChangeNotAllowed properties.clusterProfile.pullSecret"
	without := installed()
	without.Properties.ClusterProfile.PullSecret = ""
	for _, test := range []struct {
		what     string
		stored   *model.Cluster
		sent     string // JSON
		put, all bool   // refused by PUT, by PATCH
	}{
		{"the same", installed(), `"{\"auths\":{\"a\":{\"auth\":\"eDp5\"},\"b\":{}}}"`, false, false},
		{"another layout of the same", installed(), `"\n{ \"auths\" : {\"b\":{ }, \"a\":{\"auth\":\"\\u0065Dp5\"}} }\t"`, false, false},
		{"another", installed(), `"{\"auths\":{\"a\":{\"auth\":\"eDp6\"},\"b\":{}}}"`, true, true},
		{"one given later", without, `"{}"`, true, true},
		{"still none", without, `""`, false, false},
		{"none in a PUT keeps it, in a PATCH removes it", installed(), `""`, false, true},
		{"null", installed(), `null`, false, true},
		{"null of none", without, `null`, false, false},
	} {
		body := `{"properties":{"clusterProfile":{"pullSecret":` + test.sent + `}}}`
		merged, err := conversion.MergePatch(encode(t, newest, test.stored), []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		_, byPut := put(t, newest, test.stored, []byte(strings.Replace(string(merged), `"pullSecret":""`, `"pullSecret":`+test.sent, 1)))
		_, byPatch := patched(t, test.stored, body)
		for _, got := range []struct {
			method  string
			refused bool
			faults  *arm.Faults
		}{{"PUT", test.put, byPut}, {"PATCH", test.all, byPatch}} {
			if want := []string{target}; (got.refused && !slices.Equal(verdict(got.faults), want)) || (!got.refused && got.faults.Len() > 0) {
				t.Errorf("%s of %s: refused is wanted %t, got %q", got.method, test.what, got.refused, verdict(got.faults))
			}
			for _, fault := range got.faults.List() {
				if strings.Contains(fault.Message, "GET") || strings.Contains(fault.Message, "eDp") || !strings.Contains(fault.Message, "openshift-config") {
					t.Errorf("%s: %s", test.what, fault.Message)
				}
			}
		}
	}
}

// TestAPatchThatRemovesWhatCannotChangeIsRefused: empty text and null are values
// like any other.
func TestAPatchThatRemovesWhatCannotChangeIsRefused(t *testing.T) {
	const refused = "PropertyChangeNotAllowed "
	for _, test := range []struct {
		patch string
		want  []string
	}{
		{`{"location":""}`, []string{refused + "location"}},
		{`{"id":null}`, []string{"MismatchingResourceID id"}},
		{`{"name":""}`, []string{"MismatchingResourceName name"}},
		{`{"properties":{"provisioningState":null}}`, []string{refused + "properties.provisioningState"}},
		{`{"properties":{"clusterProfile":{"domain":""}}}`, []string{refused + "properties.clusterProfile.domain"}},
		{`{"properties":{"clusterProfile":{"domain":null,"version":null,"resourceGroupId":""}}}`, []string{
			refused + "properties.clusterProfile.domain", refused + "properties.clusterProfile.resourceGroupId", refused + "properties.clusterProfile.version"}},
		{`{"properties":{"networkProfile":{"podCidr":""}}}`, []string{refused + "properties.networkProfile.podCidr"}},
		{`{"properties":{"networkProfile":{"outboundType":null}}}`, []string{refused + "properties.networkProfile.outboundType"}},
		{`{"properties":{"masterProfile":{"vmSize":"","subnetId":null}}}`, []string{refused + "properties.masterProfile.subnetId", refused + "properties.masterProfile.vmSize"}},
		{`{"properties":{"masterProfile":null}}`, []string{refused + "properties.masterProfile.encryptionAtHost", refused + "properties.masterProfile.subnetId", refused + "properties.masterProfile.vmSize"}},
		{`{"properties":{"workerProfiles":null}}`, []string{refused + "properties.workerProfiles"}},
		{`{"properties":{"workerProfiles":[{"name":"worker","vmSize":""}]}}`, []string{refused + "properties.workerProfiles[0].vmSize"}},
		{`{"properties":{"workerProfiles":[{"name":"worker"}]}}`, nil},
		{`{"properties":{"apiserverProfile":{"visibility":"","url":null}}}`, []string{refused + "properties.apiserverProfile.url", refused + "properties.apiserverProfile.visibility"}},
		{`{"properties":{"masterProfile":{"diskEncryptionSetId":""}}}`, nil}, // there is none
		{`{"tags":null}`, nil},
	} {
		_, f := patched(t, installed(), test.patch)
		if got := verdict(f); !slices.Equal(got, test.want) {
			t.Errorf("%s\n got %q\nwant %q", test.patch, got, test.want)
		}
	}
}

// patched writes a PATCH in the newest version onto a copy of the stored cluster.
func patched(t *testing.T, stored *model.Cluster, patch string) (*model.Cluster, *arm.Faults) {
	t.Helper()
	merged, err := conversion.MergePatch(encode(t, newest, stored), []byte(patch))
	if err != nil {
		t.Fatal(err)
	}
	return merge(t, newest, stored, merged)
}
