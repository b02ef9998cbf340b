package msgraph

import (
	"crypto/x509"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/entra"
)

// application is what Graph shows of a registration. Members without a value are null.
func (s *Service) application(app entra.Application) map[string]any {
	passwords, keys := passwordsOf(app, false), []any{}
	for _, c := range app.Certificates {
		keys = append(keys, map[string]any{
			"keyId": c.KeyID, "type": "AsymmetricX509Cert", "usage": "Verify", "displayName": c.Subject, "key": nil, "customKeyIdentifier": nil,
			"startDateTime": validity(c).from, "endDateTime": validity(c).until,
		})
	}
	shown := overlay(applicationDefaults(), app.More)
	maps.Copy(shown, map[string]any{
		"id": app.ObjectID, "appId": app.AppID, "displayName": app.DisplayName, "createdDateTime": app.Created.Format(time.RFC3339),
		"signInAudience": app.SignInAudience, "identifierUris": list(app.IdentifierURIs), "tags": list(app.Tags), "publisherDomain": "aro.test",
		"passwordCredentials": passwords, "keyCredentials": keys,
	})
	return shown
}

// applicationDefaults are the default values of an application's members.
func applicationDefaults() map[string]any {
	none := map[string]any{}
	for _, name := range []string{
		"applicationTemplateId", "certification", "defaultRedirectUri", "deletedDateTime", "description", "disabledByMicrosoftStatus", "groupMembershipClaims",
		"isDeviceOnlyAuthSupported", "isFallbackPublicClient", "nativeAuthenticationApisEnabled", "notes", "optionalClaims", "samlMetadataUrl",
		"serviceManagementReference", "servicePrincipalLockConfiguration", "tokenEncryptionKeyId", "uniqueName", "requestSignatureVerification",
	} {
		none[name] = nil
	}
	maps.Copy(none, map[string]any{
		"addIns": []any{}, "appRoles": []any{}, "requiredResourceAccess": []any{}, "oauth2RequirePostResponse": false,
		"api": map[string]any{
			"acceptMappedClaims": nil, "knownClientApplications": []any{}, "oauth2PermissionScopes": []any{}, "preAuthorizedApplications": []any{}, "requestedAccessTokenVersion": nil,
		},
		"info":                    map[string]any{"logoUrl": nil, "marketingUrl": nil, "privacyStatementUrl": nil, "supportUrl": nil, "termsOfServiceUrl": nil},
		"parentalControlSettings": map[string]any{"countriesBlockedForMinors": []any{}, "legalAgeGroupRule": "Allow"},
		"publicClient":            map[string]any{"redirectUris": []any{}}, "spa": map[string]any{"redirectUris": []any{}},
		"verifiedPublisher": map[string]any{"addedDateTime": nil, "displayName": nil, "verifiedPublisherId": nil},
		"web": map[string]any{
			"homePageUrl": nil, "logoutUrl": nil, "redirectUris": []any{}, "redirectUriSettings": []any{},
			"implicitGrantSettings": map[string]any{"enableAccessTokenIssuance": false, "enableIdTokenIssuance": false},
		},
	})
	return none
}

// overlay is a document with the members of another one, objects member by member; null
// is a value.
func overlay(base, over map[string]any) map[string]any {
	result := maps.Clone(base)
	if result == nil {
		result = map[string]any{}
	}
	for name, v := range over {
		inner, isObject := v.(map[string]any)
		if before, was := result[name].(map[string]any); was && isObject {
			result[name] = overlay(before, inner)
			continue
		}
		result[name] = v
	}
	return result
}

// validity is the time of a certificate, null where it is not known.
func validity(c entra.Certificate) (times struct{ from, until any }) {
	if certificate, err := x509.ParseCertificate(c.DER); err == nil {
		times.from, times.until = certificate.NotBefore.UTC().Format(time.RFC3339), certificate.NotAfter.UTC().Format(time.RFC3339)
	}
	return times
}

// passwordsOf are the client secrets of an application, or those of its principal.
func passwordsOf(app entra.Application, principal bool) []any {
	passwords := []any{}
	for _, p := range app.Passwords {
		if p.Principal == principal {
			passwords = append(passwords, password(p, ""))
		}
	}
	return passwords
}

func list(values []string) []string { return append([]string{}, values...) }

// password is a client secret; its text appears in this one answer only.
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

// document is a body that creates or updates an application or a principal.
type document map[string]any

func (d document) text(name string) string { s, _ := d[name].(string); return s }

// strings is a list of strings, and whether the document has it.
func (d document) strings(name string) ([]string, bool) {
	values, ok := d[name].([]any)
	var all []string
	for _, v := range values {
		if s, isText := v.(string); isText {
			all = append(all, s)
		}
	}
	return all, ok
}

// known are the members of applications and principals that More does not keep: what has
// a meaning here, and what callers cannot write.
var known = []string{
	"id", "appId", "displayName", "createdDateTime", "signInAudience", "identifierUris", "passwordCredentials", "keyCredentials", "publisherDomain",
	"owners", "owners@odata.bind", "servicePrincipalType", "servicePrincipalNames", "appOwnerOrganizationId", "appDisplayName", "deletedDateTime",
}

// more are the members for More.
func (d document) more(except ...string) map[string]any {
	more := map[string]any{}
	for name, v := range d {
		if !slices.Contains(known, name) && !slices.Contains(except, name) && !strings.HasPrefix(name, "@") {
			more[name] = v
		}
	}
	return more
}

// owners are the objects that a body binds as owners, by id.
func (d document) owners() []string {
	bound, _ := d.strings("owners@odata.bind")
	var ids []string
	for _, reference := range bound {
		ids = append(ids, referred(reference))
	}
	return ids
}

// referred is the id at the end of a reference such as …/v1.0/directoryObjects/ID.
func referred(reference string) string { return reference[strings.LastIndex(reference, "/")+1:] }

func (d document) apply(app *entra.Application) {
	if name := d.text("displayName"); name != "" {
		app.DisplayName = name
	}
	if audience := d.text("signInAudience"); audience != "" {
		app.SignInAudience = audience
	}
	if uris, ok := d.strings("identifierUris"); ok {
		app.IdentifierURIs = uris
	}
	if tags, ok := d.strings("tags"); ok {
		app.Tags = tags
	}
	app.More = overlay(app.More, d.more("tags"))
}

func (s *Service) createApplication(c *call) error {
	body := document{}
	if err := c.read(&body); err != nil {
		return err
	}
	if body.text("displayName") == "" {
		return badRequest("Property displayName is required.")
	}
	owners, err := s.checkOwners(c, body.owners())
	if err != nil {
		return err
	}
	app, err := s.Entra.CreateApplication(c.Context(), "", body.text("displayName"))
	if err != nil {
		return err
	}
	if err := s.Entra.ChangeApplication(c.Context(), app.ObjectID, func(app *entra.Application) error {
		app.Owners = owners
		return nil
	}); err != nil {
		return err
	}
	if app, err = s.change(c, app.ObjectID, body); err != nil {
		return err
	}
	return c.answer(http.StatusCreated, s.application(app))
}

// change applies a body to an application.
func (s *Service) change(c *call, id string, body document) (entra.Application, error) {
	if err := s.Entra.ChangeApplication(c.Context(), id, func(app *entra.Application) error {
		body.apply(app)
		return nil
	}); err != nil {
		return entra.Application{}, err
	}
	keys, _ := body["keyCredentials"].([]any)
	for _, k := range keys {
		one, _ := k.(map[string]any)
		der, err := base64.StdEncoding.DecodeString(document(one).text("key"))
		if err != nil || len(der) == 0 {
			continue // one that is registered comes back without its key
		}
		if err := s.Entra.AddKey(c.Context(), id, der); err != nil {
			return entra.Application{}, err
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
	body := document{}
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
	id, principal, err := s.secretsOf(c)
	if err != nil {
		return err
	}
	secret, p, err := s.Entra.AddPassword(c.Context(), id, body.Credential.DisplayName, body.Credential.End)
	if err != nil {
		return err
	}
	if principal {
		if err := s.Entra.ChangeApplication(c.Context(), id, func(app *entra.Application) error {
			for i := range app.Passwords {
				if app.Passwords[i].KeyID == p.KeyID {
					app.Passwords[i].Principal = true
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return c.answer(http.StatusOK, password(p, secret))
}

// secretsOf is the application whose client secrets a call is about, and whether it names
// them by the principal.
func (s *Service) secretsOf(c *call) (id string, principal bool, err error) {
	id = c.PathValue("id")
	if !strings.Contains(c.URL.Path, "/servicePrincipals/") {
		return id, false, nil
	}
	sp, err := s.Entra.ServicePrincipal(c.Context(), id)
	return sp.AppID, true, err
}

func (s *Service) removePassword(c *call) error {
	var body struct {
		KeyID string `json:"keyId"`
	}
	if err := c.read(&body); err != nil {
		return err
	}
	id, principal, err := s.secretsOf(c)
	if err != nil {
		return err
	}
	err = s.Entra.ChangeApplication(c.Context(), id, func(app *entra.Application) error {
		i := slices.IndexFunc(app.Passwords, func(p entra.Password) bool { return arm.EqualFold(p.KeyID, body.KeyID) && p.Principal == principal })
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
