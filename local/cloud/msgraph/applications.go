package msgraph

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/entra"
)

// application is what Graph shows of a registration.
func (s *Service) application(app entra.Application) map[string]any {
	passwords, keys := []any{}, []any{}
	for _, p := range app.Passwords {
		passwords = append(passwords, password(p, ""))
	}
	for _, c := range app.Certificates {
		keys = append(keys, map[string]any{"keyId": c.KeyID, "type": "AsymmetricX509Cert", "usage": "Verify", "displayName": c.Subject, "key": nil})
	}
	return map[string]any{
		"id": app.ObjectID, "appId": app.AppID, "displayName": app.DisplayName, "createdDateTime": app.Created.Format(time.RFC3339),
		"signInAudience": app.SignInAudience, "identifierUris": list(app.IdentifierURIs), "tags": list(app.Tags), "publisherDomain": "aro.test",
		"passwordCredentials": passwords, "keyCredentials": keys, "appRoles": []any{}, "requiredResourceAccess": []any{},
		"api": map[string]any{}, "web": map[string]any{"redirectUris": []any{}}, "publicClient": map[string]any{"redirectUris": []any{}},
	}
}

func list(values []string) []string { return append([]string{}, values...) }

// password is a client secret; its text is told once.
func password(p entra.Password, secret string) map[string]any {
	shown := map[string]any{
		"keyId": p.KeyID, "displayName": p.DisplayName, "hint": p.Hint, "startDateTime": p.Start.Format(time.RFC3339), "endDateTime": p.End.Format(time.RFC3339),
		"customKeyIdentifier": nil, "secretText": nil,
	}
	if secret != "" {
		shown["secretText"] = secret
	}
	return shown
}

func (s *Service) listApplications(c *call) error {
	apps, err := s.Entra.Applications(c.Context())
	if err != nil {
		return err
	}
	shown := []any{}
	for _, app := range apps {
		object := s.application(app)
		ok, err := filter(c.URL.Query().Get("$filter"), object)
		if err != nil {
			return err
		}
		if ok {
			shown = append(shown, object)
		}
	}
	return c.list("applications", shown)
}

// wanted is the body that creates or updates an application.
type wanted struct {
	DisplayName    *string   `json:"displayName"`
	SignInAudience *string   `json:"signInAudience"`
	IdentifierURIs *[]string `json:"identifierUris"`
	Tags           *[]string `json:"tags"`
	Keys           *[]struct {
		Key string `json:"key"`
	} `json:"keyCredentials"`
}

func (b wanted) apply(app *entra.Application) {
	if b.DisplayName != nil {
		app.DisplayName = *b.DisplayName
	}
	if b.SignInAudience != nil {
		app.SignInAudience = *b.SignInAudience
	}
	if b.IdentifierURIs != nil {
		app.IdentifierURIs = *b.IdentifierURIs
	}
	if b.Tags != nil {
		app.Tags = *b.Tags
	}
}

func (s *Service) createApplication(c *call) error {
	var body wanted
	if err := c.read(&body); err != nil {
		return err
	}
	if body.DisplayName == nil || *body.DisplayName == "" {
		return badRequest("Property displayName is required.")
	}
	app, err := s.Entra.CreateApplication(c.Context(), "", *body.DisplayName)
	if err != nil {
		return err
	}
	if app, err = s.change(c, app.ObjectID, body); err != nil {
		return err
	}
	return c.answer(http.StatusCreated, s.application(app))
}

// change applies a body to an application.
func (s *Service) change(c *call, id string, body wanted) (entra.Application, error) {
	if err := s.Entra.ChangeApplication(c.Context(), id, func(app *entra.Application) error {
		body.apply(app)
		return nil
	}); err != nil {
		return entra.Application{}, err
	}
	if body.Keys != nil {
		for _, k := range *body.Keys {
			der, err := base64.StdEncoding.DecodeString(k.Key)
			if err != nil || len(der) == 0 {
				continue // one that is registered comes back without its key
			}
			if err := s.Entra.AddKey(c.Context(), id, der); err != nil {
				return entra.Application{}, err
			}
		}
	}
	return s.Entra.Application(c.Context(), id)
}

func (s *Service) getApplication(c *call) error {
	app, err := s.Entra.Application(c.Context(), c.PathValue("id"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, s.application(app))
}

func (s *Service) updateApplication(c *call) error {
	var body wanted
	if err := c.read(&body); err != nil {
		return err
	}
	if _, err := s.change(c, c.PathValue("id"), body); err != nil {
		return err
	}
	return c.answer(http.StatusNoContent, nil)
}

func (s *Service) deleteApplication(c *call) error {
	if err := s.Entra.DeleteApplication(c.Context(), c.PathValue("id")); err != nil {
		return err
	}
	return c.answer(http.StatusNoContent, nil)
}

// addPassword serves applications and their principals alike; the body may be missing.
func (s *Service) addPassword(c *call) error {
	var body struct {
		Credential struct {
			DisplayName string    `json:"displayName"`
			End         time.Time `json:"endDateTime"`
		} `json:"passwordCredential"`
	}
	if err := c.read(&body); err != nil {
		return err
	}
	id := c.PathValue("id")
	if strings.Contains(c.URL.Path, "/servicePrincipals/") {
		sp, err := s.Entra.ServicePrincipal(c.Context(), id)
		if err != nil {
			return err
		}
		id = sp.AppID
	}
	secret, p, err := s.Entra.AddPassword(c.Context(), id, body.Credential.DisplayName, body.Credential.End)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, password(p, secret))
}

func (s *Service) removePassword(c *call) error {
	var body struct {
		KeyID string `json:"keyId"`
	}
	if err := c.read(&body); err != nil {
		return err
	}
	err := s.Entra.ChangeApplication(c.Context(), c.PathValue("id"), func(app *entra.Application) error {
		i := slices.IndexFunc(app.Passwords, func(p entra.Password) bool { return arm.EqualFold(p.KeyID, body.KeyID) })
		if i < 0 {
			return badRequest("No password credential found with keyId.")
		}
		app.Passwords = slices.Delete(app.Passwords, i, i+1)
		return nil
	})
	if err != nil {
		return err
	}
	return c.answer(http.StatusNoContent, nil)
}
