package msgraph

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aro-rp/aro/local/cloud/entra"
)

// principal is what Graph shows of a service principal.
func (s *Service) principal(sp entra.ServicePrincipal, app entra.Application) map[string]any {
	alternative := []string{}
	if sp.Kind == entra.KindManagedIdentity {
		alternative = []string{"isExplicit=True", sp.ResourceID}
	}
	return map[string]any{
		"@odata.type": "#microsoft.graph.servicePrincipal", "id": sp.ObjectID, "appId": sp.AppID, "displayName": sp.DisplayName, "appDisplayName": sp.DisplayName,
		"servicePrincipalType": sp.Kind, "servicePrincipalNames": append([]string{sp.AppID}, app.IdentifierURIs...), "alternativeNames": alternative,
		"accountEnabled": true, "appOwnerOrganizationId": s.Tenant, "createdDateTime": sp.Created.Format(time.RFC3339), "signInAudience": app.SignInAudience,
		"tags": list(app.Tags), "appRoles": []any{}, "keyCredentials": []any{}, "passwordCredentials": []any{}, "oauth2PermissionScopes": []any{},
	}
}

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
	var body struct {
		AppID string `json:"appId"`
	}
	if err := c.read(&body); err != nil {
		return err
	}
	sp, err := s.Entra.CreateServicePrincipal(c.Context(), body.AppID)
	switch {
	case errors.Is(err, entra.ErrNotFound):
		return badRequest("The appId '%s' of the service principal does not reference a valid application object.", body.AppID)
	case errors.Is(err, entra.ErrExists):
		return &refusal{http.StatusConflict, "Request_MultipleObjectsWithSameKeyValue", fmt.Sprintf("The service principal cannot be created, updated, or restored because the service principal name %s is already in use.", body.AppID)}
	case err != nil:
		return err
	}
	return s.show(c, sp, http.StatusCreated)
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
