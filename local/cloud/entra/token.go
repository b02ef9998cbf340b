package entra

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	bearerAssertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	maxForm         = 1 << 20
)

// How a client authenticated, in the values of the claim appidacr.
const (
	bySecret      = "1"
	byCertificate = "2"
)

// token answers the token endpoint of a version.
func (e *Entra) token(version int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			e.fail(w, r, &oauthError{http.StatusBadRequest, "invalid_request", 900144, "The request body is no form."})
			return
		}
		answer, failure := e.grant(r, version)
		if failure != nil {
			e.fail(w, r, failure)
			return
		}
		e.answer(w, http.StatusOK, answer)
	}
}

func (e *Entra) grant(r *http.Request, version int) (map[string]any, *oauthError) {
	tenant := r.PathValue("tenant")
	if exact, ours := e.known(tenant); !ours {
		return nil, unknownTenant(tenant)
	} else if !exact {
		return nil, &oauthError{http.StatusBadRequest, "invalid_request", 50194, fmt.Sprintf("Application is not configured as a multi-tenant application. Usage of the /%s endpoint is not supported. Use a tenant-specific endpoint.", tenant)}
	}
	form := r.PostForm
	switch grant := form.Get("grant_type"); grant {
	case "client_credentials":
	case "authorization_code":
		if version == 2 {
			return e.redeem(r)
		}
		return nil, &oauthError{http.StatusBadRequest, "unsupported_grant_type", 70003, "The endpoint of version 1.0 redeems no codes here."}
	case "":
		return nil, missing("grant_type")
	default:
		return nil, &oauthError{http.StatusBadRequest, "unsupported_grant_type", 70003, fmt.Sprintf("The app requested an unsupported grant type '%s'.", grant)}
	}
	audience, failure := e.audience(r.Context(), form, version)
	if failure != nil {
		return nil, failure
	}
	principal, how, failure := e.authenticate(r)
	if failure != nil {
		return nil, failure
	}
	token, expires, err := e.issue(r.Context(), e.tenantOf(tenant), principal, audience, how)
	if err != nil {
		return nil, unavailable()
	}
	remaining := int(lifetime.Seconds()) - 1 // as Entra ID: never longer than the token
	if version == 2 {
		return map[string]any{"token_type": "Bearer", "expires_in": remaining, "ext_expires_in": remaining, "access_token": token}, nil
	}
	return map[string]any{
		"token_type": "Bearer", "expires_in": strconv.Itoa(remaining), "ext_expires_in": strconv.Itoa(remaining),
		"expires_on": strconv.FormatInt(expires.Unix(), 10), "not_before": strconv.FormatInt(expires.Add(-lifetime).Unix(), 10),
		"resource": audience, "access_token": token,
	}, nil
}

func missing(parameter string) *oauthError {
	return &oauthError{http.StatusBadRequest, "invalid_request", 900144, fmt.Sprintf("The request body must contain the following parameter: '%s'.", parameter)}
}

// authenticate returns the client, and how it authenticated.
func (e *Entra) authenticate(r *http.Request) (ServicePrincipal, string, *oauthError) {
	form, none := r.PostForm, ServicePrincipal{}
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok && secret == "" {
		id, secret = unescape(user), unescape(password)
	}
	if id == "" {
		return none, "", missing("client_id")
	}
	app, principal, failure := e.client(r.Context(), id)
	if failure != nil {
		return none, "", failure
	}
	switch assertion := form.Get("client_assertion"); {
	case assertion != "":
		if form.Get("client_assertion_type") != bearerAssertion {
			return none, "", &oauthError{http.StatusBadRequest, "invalid_request", 50027, "The value of 'client_assertion_type' is not '" + bearerAssertion + "'."}
		}
		return principal, byCertificate, e.checkAssertion(r.Context(), app, principal, assertion)
	case secret != "":
		return principal, bySecret, e.checkSecret(app, secret)
	}
	return none, "", &oauthError{http.StatusUnauthorized, "invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."}
}

// client finds the application and principal of a client id. A managed identity
// has no application, and so no secrets.
func (e *Entra) client(ctx context.Context, id string) (Application, ServicePrincipal, *oauthError) {
	var sp ServicePrincipal
	hasPrincipal, err := e.State.Get(ctx, kindPrincipal, strings.ToLower(id), &sp)
	if err != nil {
		return Application{}, sp, unavailable()
	}
	if hasPrincipal && sp.Kind == KindManagedIdentity {
		return Application{AppID: sp.AppID}, sp, nil
	}
	var app Application
	hasApplication, err := e.State.Get(ctx, kindApplication, strings.ToLower(id), &app)
	if err != nil {
		return app, sp, unavailable()
	}
	switch {
	case !hasApplication:
		return app, sp, &oauthError{http.StatusBadRequest, "unauthorized_client", 700016, fmt.Sprintf("Application with identifier '%s' was not found in the directory '%s'. "+
			"This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.", id, e.Tenant)}
	case !hasPrincipal:
		return app, sp, &oauthError{http.StatusUnauthorized, "invalid_client", 7000229, fmt.Sprintf("The client application '%s' is missing service principal in the tenant '%s'.", id, e.Tenant)}
	}
	return app, sp, nil
}

// wellKnown are the resources of public Azure that have no registration here.
var wellKnown = map[string]bool{
	"https://management.azure.com":         true,
	"https://management.core.windows.net":  true,
	"https://graph.microsoft.com":          true,
	"https://vault.azure.net":              true,
	"https://storage.azure.com":            true,
	"https://containerregistry.azure.net":  true,
	"https://identity.azure.net":           true,
	"https://authorization.azure.net":      true,
	"00000003-0000-0000-c000-000000000000": true, // Graph
}

// audience reads the resource that the token is for: resource in version 1, the
// default scope of a resource in version 2.
func (e *Entra) audience(ctx context.Context, form url.Values, version int) (string, *oauthError) {
	resource := form.Get("resource")
	if version == 2 || resource == "" {
		scope := resourceScope(form.Get("scope"))
		if scope == "" {
			return "", missing(map[int]string{1: "resource", 2: "scope"}[version])
		}
		var ok bool
		if resource, ok = strings.CutSuffix(scope, "/.default"); !ok {
			return "", &oauthError{http.StatusBadRequest, "invalid_scope", 1002012, fmt.Sprintf("The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).", scope)}
		}
	}
	resource = strings.TrimSuffix(resource, "/")
	ok, err := e.isResource(ctx, resource)
	if err != nil {
		return "", unavailable()
	}
	if !ok {
		return "", &oauthError{http.StatusBadRequest, "invalid_resource", 500011, fmt.Sprintf("The resource principal named %s was not found in the tenant named %s. "+
			"This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.", resource, e.Tenant)}
	}
	return resource, nil
}

// resourceScope leaves out the scopes of OpenID, which clients send along.
func resourceScope(scopes string) string {
	return strings.Join(slices.DeleteFunc(strings.Fields(scopes), func(s string) bool {
		return s == "openid" || s == "profile" || s == "email" || s == "offline_access"
	}), " ")
}

func (e *Entra) isResource(ctx context.Context, resource string) (bool, error) {
	origin := resource == e.Origin || strings.HasPrefix(resource, e.Origin+"/")
	if origin || wellKnown[resource] || strings.HasSuffix(resource, ".authorization.azure.net") {
		return true, nil
	}
	_, err := e.Application(ctx, strings.TrimPrefix(resource, "api://"))
	if err == nil {
		return true, nil
	}
	if !errors.Is(err, ErrNotFound) {
		return false, err
	}
	apps, err := e.Applications(ctx)
	if err != nil {
		return false, err
	}
	for _, app := range apps {
		for _, uri := range app.IdentifierURIs {
			if strings.TrimSuffix(uri, "/") == resource {
				return true, nil
			}
		}
	}
	return false, nil
}

// unescape reverses the form encoding that RFC 6749 requires in basic credentials.
func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}
