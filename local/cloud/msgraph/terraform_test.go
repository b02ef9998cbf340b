package msgraph_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// beta is call to the beta version.
func (w *fixture) beta(t *testing.T, method, path string, body any, status int) object {
	t.Helper()
	token, err := w.caller.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{w.URL + "/graph/.default"}})
	check(t, err)
	var content bytes.Buffer
	if body != nil {
		check(t, json.NewEncoder(&content).Encode(body))
	}
	request, err := http.NewRequestWithContext(t.Context(), method, w.URL+"/graph/beta/"+path, &content)
	check(t, err)
	return w.send(t, request, token.Token, status)
}

func ids(list object) (all []string) {
	for _, one := range list["value"].([]any) {
		all = append(all, one.(object)["id"].(string))
	}
	return all
}

// TestTheCallsOfTerraformsAzureAD makes an application and its principal in the order and
// with the bodies of the provider azuread: under another name at first, owned by the
// caller, who is then removed.
func TestTheCallsOfTerraformsAzureAD(t *testing.T) {
	w := newFixture(t)
	caller := w.find(t, "servicePrincipals", "displayName eq 'caller'")[0].(object)["id"].(string)
	reference := func(id string) string { return w.URL + "/graph/v1.0/" + tenant + "/directoryObjects/" + id }
	if got := w.call(t, http.MethodGet, "directoryObjects/"+caller, nil, http.StatusOK); got["@odata.type"] != "#microsoft.graph.servicePrincipal" {
		t.Error(got)
	}

	app := w.beta(t, http.MethodPost, "applications", object{
		"displayName": "TERRAFORM_UPDATE_1", "signInAudience": "AzureADMyOrg", "owners@odata.bind": []string{reference(caller)}, "tags": []string{},
		"api": object{"requestedAccessTokenVersion": 2}, "web": object{"redirectUris": []string{"https://one/"}, "homePageUrl": nil}, "description": nil, "isFallbackPublicClient": false,
	}, http.StatusCreated)
	path := "applications/" + app["id"].(string)
	w.call(t, http.MethodPatch, path, object{"displayName": "one"}, http.StatusNoContent)
	w.call(t, http.MethodPost, path+"/owners/$ref", object{"@odata.id": reference("00000000-0000-0000-0000-000000000001")}, http.StatusNotFound)
	w.call(t, http.MethodPost, path+"/owners/$ref", object{"@odata.id": reference(caller)}, http.StatusBadRequest)
	if got := ids(w.call(t, http.MethodGet, path+"/owners", nil, http.StatusOK)); len(got) != 1 || got[0] != caller {
		t.Errorf("owners are %v", got)
	}
	w.call(t, http.MethodDelete, path+"/owners/"+caller+"/$ref", nil, http.StatusNoContent)
	w.call(t, http.MethodDelete, path+"/owners/"+caller+"/$ref", nil, http.StatusNotFound)
	if got := ids(w.call(t, http.MethodGet, path+"/owners", nil, http.StatusOK)); len(got) != 0 {
		t.Errorf("owners are %v", got)
	}
	shown := w.beta(t, http.MethodGet, path, nil, http.StatusOK)
	web, api := shown["web"].(object), shown["api"].(object)
	if shown["displayName"] != "one" || api["requestedAccessTokenVersion"] != 2.0 || len(web["redirectUris"].([]any)) != 1 || shown["isFallbackPublicClient"] != false {
		t.Error(shown)
	}
	for _, member := range []string{"description", "notes", "groupMembershipClaims", "optionalClaims", "deletedDateTime"} {
		if v, there := shown[member]; !there || v != nil {
			t.Errorf("%s is %v, want null", member, v)
		}
	}
	if _, there := web["implicitGrantSettings"].(object); !there {
		t.Error(web)
	}

	sp := w.call(t, http.MethodPost, "servicePrincipals", object{
		"appId": app["appId"], "accountEnabled": true, "description": "TERRAFORM_UPDATE_1", "notes": nil, "owners@odata.bind": []string{reference(caller)}, "tags": []string{"a"},
	}, http.StatusCreated)
	principal := "servicePrincipals/" + sp["id"].(string)
	w.call(t, http.MethodPatch, principal, object{"description": nil, "notificationEmailAddresses": []string{}}, http.StatusNoContent)
	w.call(t, http.MethodDelete, principal+"/owners/"+caller+"/$ref", nil, http.StatusNoContent)
	w.call(t, http.MethodPatch, path, object{"displayName": "two", "web": object{"logoutUrl": "https://out/"}}, http.StatusNoContent)
	got := w.call(t, http.MethodGet, principal, nil, http.StatusOK)
	if v, there := got["description"]; !there || v != nil || got["displayName"] != "two" || got["logoutUrl"] != "https://out/" || len(got["replyUrls"].([]any)) != 1 || len(got["tags"].([]any)) != 1 {
		t.Error(got)
	}

	// A secret of the principal, and its rotation.
	first := w.call(t, http.MethodPost, principal+"/addPassword", object{"passwordCredential": object{"displayName": "p"}}, http.StatusOK)
	listed := func() []any {
		return w.call(t, http.MethodGet, principal, nil, http.StatusOK)["passwordCredentials"].([]any)
	}
	if all := listed(); len(all) != 1 || all[0].(object)["keyId"] != first["keyId"] || all[0].(object)["secretText"] != nil {
		t.Error(all)
	}
	if all := w.call(t, http.MethodGet, path, nil, http.StatusOK)["passwordCredentials"].([]any); len(all) != 0 {
		t.Error("the application shows the principal's secret")
	}
	login := func(secret any) error {
		_, err := w.login(t, app["appId"].(string), secret.(string)).GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{w.URL + "/.default"}})
		return err
	}
	check(t, login(first["secretText"]))
	w.call(t, http.MethodPost, principal+"/removePassword", object{"keyId": first["keyId"]}, http.StatusNoContent)
	second := w.call(t, http.MethodPost, principal+"/addPassword", nil, http.StatusOK)
	check(t, login(second["secretText"]))
	if login(first["secretText"]) == nil || len(listed()) != 1 {
		t.Error("a removed secret opens, or is listed")
	}

	w.call(t, http.MethodDelete, principal, nil, http.StatusNoContent)
	w.call(t, http.MethodGet, principal, nil, http.StatusNotFound)
	w.call(t, http.MethodDelete, path, nil, http.StatusNoContent)
	w.beta(t, http.MethodGet, path, nil, http.StatusNotFound)
}
