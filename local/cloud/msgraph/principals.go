package msgraph

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	"github.com/aro-rp/aro/local/cloud/entra"
)

// principal is what Graph shows of a service principal. Members without a value are null.
func (s *Service) principal(sp entra.ServicePrincipal, app entra.Application) map[string]any {
	name, registered := sp.DisplayName, s.application(app)
	if app.DisplayName != "" {
		name = app.DisplayName // it follows the application's
	}
	part := func(of string) map[string]any { m, _ := registered[of].(map[string]any); return m }
	replies := []any{}
	for _, platform := range []string{"web", "spa", "publicClient"} {
		uris, _ := part(platform)["redirectUris"].([]any)
		replies = append(replies, uris...)
	}
	shown := map[string]any{}
	for _, member := range []string{
		"applicationTemplateId", "deletedDateTime", "description", "disabledByMicrosoftStatus", "loginUrl", "notes", "preferredSingleSignOnMode",
		"preferredTokenSigningKeyThumbprint", "samlMetadataUrl", "samlSingleSignOnSettings", "tokenEncryptionKeyId", "applicationDescription",
	} {
		shown[member] = nil
	}
	maps.Copy(shown, map[string]any{
		"accountEnabled": true, "appRoleAssignmentRequired": false, "alternativeNames": []string{}, "notificationEmailAddresses": []any{}, "tags": []any{}, "addIns": []any{},
		"resourceSpecificApplicationPermissions": []any{}, "verifiedPublisher": registered["verifiedPublisher"], "info": registered["info"],
	})
	shown = overlay(shown, sp.More)
	if sp.Kind == entra.KindManagedIdentity {
		shown["alternativeNames"] = []string{"isExplicit=True", sp.ResourceID}
	}
	maps.Copy(shown, map[string]any{
		"@odata.type": principalKind, "id": sp.ObjectID, "appId": sp.AppID, "displayName": name, "appDisplayName": name,
		"servicePrincipalType": sp.Kind, "servicePrincipalNames": append([]string{sp.AppID}, app.IdentifierURIs...),
		"appOwnerOrganizationId": s.Tenant, "createdDateTime": sp.Created.Format(time.RFC3339), "signInAudience": app.SignInAudience,
		"appRoles": registered["appRoles"], "oauth2PermissionScopes": part("api")["oauth2PermissionScopes"], "replyUrls": replies,
		"homepage": part("web")["homePageUrl"], "logoutUrl": part("web")["logoutUrl"],
		"keyCredentials": []any{}, "passwordCredentials": passwordsOf(app, true),
	})
	return shown
}

// The types of objects in lists of several types.
const (
	principalKind   = "#microsoft.graph.servicePrincipal"
	applicationKind = "#microsoft.graph.application"
)

// principals are all that are shown, by object.
func (s *Service) principals(c *call) ([]map[string]any, error) {
	all, err := s.Entra.ServicePrincipals(c.Context())
	if err != nil {
		return nil, err
	}
	apps, err := s.Entra.Applications(c.Context())
	if err != nil {
		return nil, err
	}
	byID := map[string]entra.Application{}
	for _, app := range apps {
		byID[app.AppID] = app
	}
	shown := make([]map[string]any, len(all))
	for i, sp := range all {
		shown[i] = s.principal(sp, byID[sp.AppID])
	}
	return shown, nil
}

func (s *Service) listPrincipals(c *call) error {
	all, err := s.principals(c)
	if err != nil {
		return err
	}
	shown := []any{}
	for _, object := range all {
		ok, err := filter(c.URL.Query().Get("$filter"), object)
		if err != nil {
			return err
		}
		if ok {
			shown = append(shown, object)
		}
	}
	return c.list("servicePrincipals", shown)
}

func (s *Service) createPrincipal(c *call) error {
	body := document{}
	if err := c.read(&body); err != nil {
		return err
	}
	owners, err := s.checkOwners(c, body.owners())
	if err != nil {
		return err
	}
	sp, err := s.Entra.CreateServicePrincipal(c.Context(), body.text("appId"))
	switch {
	case errors.Is(err, entra.ErrNotFound):
		return badRequest("The appId '%s' of the service principal does not reference a valid application object.", body.text("appId"))
	case errors.Is(err, entra.ErrExists):
		return &refusal{http.StatusConflict, "Request_MultipleObjectsWithSameKeyValue", fmt.Sprintf("The service principal cannot be created, updated, or restored because the service principal name %s is already in use.", body.text("appId"))}
	case err != nil:
		return err
	}
	if err := s.changePrincipal(c, sp.ObjectID, func(sp *entra.ServicePrincipal) {
		sp.Owners, sp.More = owners, body.more()
	}); err != nil {
		return err
	}
	if sp, err = s.Entra.ServicePrincipal(c.Context(), sp.ObjectID); err != nil {
		return err
	}
	return s.show(c, sp, http.StatusCreated)
}

func (s *Service) changePrincipal(c *call, id string, change func(*entra.ServicePrincipal)) error {
	return s.Entra.ChangeServicePrincipal(c.Context(), id, func(sp *entra.ServicePrincipal) error {
		change(sp)
		return nil
	})
}

func (s *Service) updatePrincipal(c *call) error {
	body := document{}
	if err := c.read(&body); err != nil {
		return err
	}
	if err := s.changePrincipal(c, c.PathValue("id"), func(sp *entra.ServicePrincipal) { sp.More = overlay(sp.More, body.more()) }); err != nil {
		return err
	}
	return c.answer(http.StatusNoContent, nil)
}

func (s *Service) show(c *call, sp entra.ServicePrincipal, status int) error {
	app, err := s.Entra.Application(c.Context(), sp.AppID)
	if err != nil && !errors.Is(err, entra.ErrNotFound) { // a managed identity has none
		return err
	}
	return c.answer(status, s.principal(sp, app))
}

func (s *Service) getPrincipal(c *call) error {
	sp, err := s.Entra.ServicePrincipal(c.Context(), c.PathValue("id"))
	if err != nil {
		return err
	}
	return s.show(c, sp, http.StatusOK)
}

func (s *Service) deletePrincipal(c *call) error {
	sp, err := s.Entra.ServicePrincipal(c.Context(), c.PathValue("id"))
	if err != nil {
		return err
	}
	if sp.Kind == entra.KindManagedIdentity {
		return badRequest("Managed identities are deleted with their resource, %s.", sp.ResourceID)
	}
	if err := s.Entra.DeleteServicePrincipal(c.Context(), sp.ObjectID); err != nil {
		return err
	}
	return c.answer(http.StatusNoContent, nil)
}

// objects finds objects by their ids; those that do not exist are left out.
func (s *Service) objects(c *call) error {
	var body struct {
		IDs []string `json:"ids"`
	}
	if err := c.read(&body); err != nil {
		return err
	}
	const most = 1000
	if len(body.IDs) > most {
		return badRequest("Too many ids: %d, the most is %d.", len(body.IDs), most)
	}
	all, err := s.principals(c)
	if err != nil {
		return err
	}
	wanted := map[any]bool{}
	for _, id := range body.IDs {
		wanted[id] = true
	}
	shown := []any{}
	for _, object := range all {
		if wanted[object["id"]] {
			shown = append(shown, object)
		}
	}
	return c.list("directoryObjects", shown)
}

func (s *Service) organization(c *call) error {
	return c.list("organization", []any{map[string]any{
		"id": s.Tenant, "displayName": "Local Azure", "tenantType": "AAD",
		"verifiedDomains": []any{map[string]any{"name": "aro.test", "isDefault": true, "isInitial": true, "type": "Managed"}},
	}})
}
