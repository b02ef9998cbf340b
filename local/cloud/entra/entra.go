// Package entra is the Entra ID of the local Azure: one tenant's directory of applications, service
// principals and managed identities, its OpenID and token endpoints, and the data plane that issues
// credentials of managed identities.
//
// It authenticates callers. Authorization is in other packages.
package entra

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/state"
)

// Options are what New needs.
type Options struct {
	State  *state.DB
	Origin string // https://host:port of the local Azure, without a slash at its end
	Tenant string
	// Others are tenants that have the same directory: who is in one is in all, as
	// after a subscription moved and everything was set up again. Tokens are of one.
	Others []string
	// FirstParty is the application that may take credentials of managed identities.
	FirstParty string
	// Assigned reports whether a resource has a managed identity. Without it none has.
	Assigned func(ctx context.Context, resourceID, identityID string) (bool, error)
	// Roots are the authorities whose certificates prove an application by subject name.
	Roots *x509.CertPool
	// Federated finds the federated credentials of a managed identity. Without it there are none.
	Federated FederatedCredentials
	// Users may sign in to applications.
	Users []User
	// Client fetches the documents of other OpenID issuers; it has to trust the origin.
	Client *http.Client
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Entra answers for one tenant. Its methods may be called from many goroutines.
type Entra struct {
	Options
	signer  *signer
	machine *authority // issues the certificates of managed identities
	issuers *issuerCache
	codes   codes
	mux     *http.ServeMux
}

// New opens the directory and makes its keys at first start.
func New(ctx context.Context, o Options) (*Entra, error) {
	if o.State == nil || o.Origin == "" || o.Tenant == "" {
		return nil, errors.New("entra: state, origin and tenant are required")
	}
	o.Origin = strings.TrimSuffix(o.Origin, "/")
	o.Tenant = strings.ToLower(o.Tenant)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: fetchTimeout}
	}
	e := &Entra{Options: o, issuers: newIssuerCache(o.Client, o.Now)}
	var err error
	if e.signer, err = loadSigner(ctx, o.State); err != nil {
		return nil, fmt.Errorf("entra: signing key: %w", err)
	}
	if e.machine, err = loadAuthority(ctx, o.State, o.Now()); err != nil {
		return nil, fmt.Errorf("entra: authority of managed identities: %w", err)
	}
	e.mux = e.routes()
	return e, nil
}

func (e *Entra) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /common/discovery/instance", e.instanceDiscovery)
	mux.HandleFunc("GET /{tenant}/.well-known/openid-configuration", e.discovery(""))
	mux.HandleFunc("GET /{tenant}/v2.0/.well-known/openid-configuration", e.discovery("/v2.0"))
	mux.HandleFunc("GET /{tenant}/discovery/keys", e.keys)
	mux.HandleFunc("GET /{tenant}/discovery/v2.0/keys", e.keys)
	mux.HandleFunc("POST /{tenant}/oauth2/token", e.token(1))
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/token", e.token(2))
	mux.HandleFunc("GET /{tenant}/oauth2/v2.0/authorize", e.authorize)
	mux.HandleFunc("POST /{tenant}/oauth2/v2.0/authorize", e.authorize)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		e.fail(w, r, &oauthError{http.StatusNotFound, "invalid_request", 90015, "Requested query string is too long or the address is unknown."})
	})
	return mux
}

// ServeHTTP answers below /{tenant}, /common, /organizations and /msi.
func (e *Entra) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, MSIPrefix+"/") {
		e.managedIdentities(w, r)
		return
	}
	// An endpoint with a slash at its end gives two; the mux would redirect a POST.
	if clean := path.Clean(r.URL.Path); clean != r.URL.Path {
		r = r.Clone(r.Context())
		r.URL.Path, r.URL.RawPath = clean, ""
	}
	e.mux.ServeHTTP(w, r)
}

// Serves reports whether a path belongs to the tenant's endpoints, for the server that mounts them.
func (e *Entra) Serves(address string) bool {
	first, _, _ := strings.Cut(strings.TrimLeft(address, "/"), "/")
	if _, ours := e.known(first); ours || arm.EqualFold(first, "consumers") || arm.EqualFold(first, "msi") {
		return true
	}
	// An unknown tenant deserves its own error, not ARM's.
	return strings.Contains(address, "/oauth2/") || strings.HasSuffix(address, "/.well-known/openid-configuration")
}

// known reports whether the path names a tenant, or one of the aliases of the user's tenant.
func (e *Entra) known(tenant string) (exact, ours bool) {
	switch strings.ToLower(tenant) {
	case e.Tenant, "adfs":
		return true, true
	case "common", "organizations":
		return false, true
	}
	known := slices.ContainsFunc(e.Others, func(other string) bool { return arm.EqualFold(other, tenant) })
	return known, known
}

// tenantOf is the tenant of a known name.
func (e *Entra) tenantOf(name string) string {
	if arm.EqualFold(name, "adfs") {
		return e.Tenant
	}
	return arm.ToLower(name)
}
