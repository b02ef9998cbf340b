package entra

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

func (e *Entra) instanceDiscovery(w http.ResponseWriter, _ *http.Request) {
	host := strings.TrimPrefix(e.Origin, "https://")
	e.answer(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": e.Origin + "/" + e.Tenant + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata": []any{map[string]any{
			"preferred_network": host, "preferred_cache": host, "aliases": []string{host},
		}},
	})
}

// discovery answers the OpenID configuration of a version: "" (1.0) or "/v2.0".
func (e *Entra) discovery(version string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		tenant := r.PathValue("tenant")
		exact, ours := e.known(tenant)
		if !ours {
			e.fail(w, r, unknownTenant(tenant))
			return
		}
		base, issuer := e.Origin+"/"+tenant, e.tenantOf(tenant)
		if !exact {
			issuer = "{tenantid}" // clients fill in the tenant of the token
		}
		issuer = e.issuer(issuer)
		if version != "" {
			issuer = e.Origin + "/" + strings.Trim(strings.TrimPrefix(issuer, e.Origin), "/") + version
		}
		host := (&url.URL{Host: strings.TrimPrefix(e.Origin, "https://")}).Hostname()
		e.answer(w, http.StatusOK, map[string]any{
			"issuer":                                issuer,
			"authorization_endpoint":                base + "/oauth2" + version + "/authorize",
			"token_endpoint":                        base + "/oauth2" + version + "/token",
			"device_authorization_endpoint":         base + "/oauth2" + version + "/devicecode",
			"end_session_endpoint":                  base + "/oauth2" + version + "/logout",
			"jwks_uri":                              base + "/discovery" + version + "/keys",
			"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
			"response_types_supported":              []string{"code"},
			"response_modes_supported":              []string{"query"},
			"subject_types_supported":               []string{"pairwise"},
			"id_token_signing_alg_values_supported": []string{"RS256"},
			"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
			"grant_types_supported":                 []string{"authorization_code", "client_credentials"},
			"code_challenge_methods_supported":      []string{"S256"},
			"claims_supported":                      []string{"sub", "iss", "aud", "exp", "iat", "nbf", "appid", "oid", "tid", "idtyp", "ver", "groups", "name", "nonce", "preferred_username"},
			"tenant_region_scope":                   nil,
			"cloud_instance_name":                   host,
			"cloud_graph_host_name":                 host,
			"msgraph_host":                          host,
			"rbac_url":                              e.Origin,
		})
	}
}

func (e *Entra) keys(w http.ResponseWriter, r *http.Request) {
	if _, ours := e.known(r.PathValue("tenant")); !ours {
		e.fail(w, r, unknownTenant(r.PathValue("tenant")))
		return
	}
	e.answer(w, http.StatusOK, map[string]any{"keys": []any{e.signer.jwk(e.issuer(e.Tenant))}})
}

// issuer is the issuer in the access tokens of a tenant: those of ARM, Graph, Key Vault and Storage
// are of version 1.0 whichever endpoint issues them.
func (e *Entra) issuer(tenant string) string { return e.Origin + "/" + tenant + "/" }

func unknownTenant(tenant string) *oauthError {
	return &oauthError{http.StatusBadRequest, "invalid_request", 90002, fmt.Sprintf("Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. "+
		"This may happen if there are no active subscriptions for the tenant.", tenant)}
}
