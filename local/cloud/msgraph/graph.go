// Package msgraph is Microsoft Graph over the directory of the local Azure:
// applications and service principals, as far as the az command line, Terraform and
// the resource provider use them.
//
// What it shows is kept by package entra; there are no users and no groups.
package msgraph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/local/cloud/entra"
)

const maxBody = 1 << 20

// Options are what New needs.
type Options struct {
	Entra  *entra.Entra
	Origin string // https://host:port, Graph is below /graph/v1.0/ and /graph/beta/
	Tenant string
	// Administrators are the applications, by application id, that an administrator let
	// read and change the directory. Others may do neither, as in any tenant.
	Administrators []string
	Now            func() time.Time // nil is time.Now
}

// Service answers Graph's calls.
type Service struct {
	Options
	mux *http.ServeMux
}

// New makes the service.
func New(o Options) *Service {
	o.Origin = strings.TrimSuffix(o.Origin, "/")
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Service{Options: o, mux: http.NewServeMux()}
	for pattern, handle := range s.operations() {
		method, path, _ := strings.Cut(pattern, " ")
		for _, version := range []string{"v1.0", "beta"} {
			s.mux.HandleFunc(method+" /graph/"+version+"/"+path, func(w http.ResponseWriter, r *http.Request) {
				if err := handle(&call{r, w, s, version}); err != nil {
					s.fail(w, r, err)
				}
			})
		}
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, badRequest("Resource not found for the segment '%s'.", r.URL.Path))
	})
	return s
}

// operations by method and path below the version.
func (s *Service) operations() map[string]func(*call) error {
	all := map[string]func(*call) error{
		"GET applications":                           s.listApplications,
		"POST applications":                          s.createApplication,
		"GET applications/{id}":                      s.getApplication,
		"PATCH applications/{id}":                    s.updateApplication,
		"DELETE applications/{id}":                   s.deleteApplication,
		"POST applications/{id}/addPassword":         s.addPassword,
		"POST applications/{id}/removePassword":      s.removePassword,
		"GET servicePrincipals":                      s.listPrincipals,
		"POST servicePrincipals":                     s.createPrincipal,
		"GET servicePrincipals/{id}":                 s.getPrincipal,
		"PATCH servicePrincipals/{id}":               s.updatePrincipal,
		"DELETE servicePrincipals/{id}":              s.deletePrincipal,
		"POST servicePrincipals/{id}/addPassword":    s.addPassword,
		"POST servicePrincipals/{id}/removePassword": s.removePassword,
		"GET users":                         empty,
		"GET groups":                        empty,
		"GET organization":                  s.organization,
		"POST directoryObjects/getByIds":    s.objects,
		"GET directoryObjects/{id}":         s.getObject,
		"GET directory/deletedItems/{type}": s.deletedItems,
	}
	for _, kind := range []string{"applications", "servicePrincipals"} {
		all["GET "+kind+"/{id}/owners"] = s.listOwners
		all["POST "+kind+"/{id}/owners/$ref"] = s.addOwner
		all["DELETE "+kind+"/{id}/owners/{owner}/$ref"] = s.removeOwner
		for _, collection := range []string{
			"federatedIdentityCredentials", "memberOf", "transitiveMemberOf", "appRoleAssignments", "appRoleAssignedTo", "oauth2PermissionGrants",
			"claimsMappingPolicies", "tokenIssuancePolicies", "tokenLifetimePolicies", "homeRealmDiscoveryPolicies", "appManagementPolicies", "extensionProperties",
		} {
			all["GET "+kind+"/{id}/"+collection] = empty
		}
	}
	return all
}

// ServeHTTP answers below /graph/.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	caller, err := s.admit(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), callerKey{}, caller))
	// applications(appId='…') is another name of applications/{id}, whose id may be either.
	clean := strings.ReplaceAll(r.URL.Path, "//", "/")
	for _, kind := range []string{"applications", "servicePrincipals"} {
		before, rest, ok := strings.Cut(clean, "/"+kind+"(")
		if name, after, closed := strings.Cut(rest, "')"); ok && closed {
			_, id, _ := strings.Cut(name, "='")
			clean = before + "/" + kind + "/" + id + after
		}
	}
	if clean != r.URL.Path {
		r = r.Clone(r.Context())
		r.URL.Path, r.URL.RawPath = clean, ""
	}
	s.mux.ServeHTTP(w, r)
}

// admit refuses callers without a token for Graph, and those without rights on the
// directory.
func (s *Service) admit(w http.ResponseWriter, r *http.Request) (objectID string, err error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer authorization_uri="%s/common/oauth2/authorize"`, s.Origin))
		return "", &refusal{http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token is empty."}
	}
	caller, err := s.Entra.Verify(token)
	if err != nil {
		return "", &refusal{http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token is invalid or expired."}
	}
	switch strings.TrimSuffix(caller.Audience, "/") {
	case s.Origin, s.Origin + "/graph", "https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000":
	default:
		return "", &refusal{http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience."}
	}
	_, found, err := s.Entra.Principal(r.Context(), caller.ObjectID)
	if err != nil {
		return "", err
	}
	if !found || !slices.Contains(s.Administrators, caller.AppID) {
		return "", &refusal{http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."}
	}
	return caller.ObjectID, nil
}

// call is one request and its answer.
type call struct {
	*http.Request
	w       http.ResponseWriter
	s       *Service
	version string // of Graph
}

type callerKey struct{}

// caller is the object id of who calls.
func (c *call) caller() string {
	id, _ := c.Context().Value(callerKey{}).(string)
	return id
}

func (c *call) answer(status int, body any) error {
	c.w.Header().Set("Content-Type", "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
	c.w.Header().Set("request-id", uuid.NewString())
	c.w.Header().Set("Cache-Control", "no-cache")
	c.w.WriteHeader(status)
	if body != nil {
		_ = json.NewEncoder(c.w).Encode(body) // the caller is gone
	}
	return nil
}

// list answers a collection.
func (c *call) list(kind string, values any) error {
	return c.answer(http.StatusOK, map[string]any{"@odata.context": c.s.Origin + "/graph/" + c.version + "/$metadata#" + kind, "value": values})
}

func empty(c *call) error {
	parts := strings.Split(c.URL.Path, "/")
	return c.list(parts[len(parts)-1], []any{})
}

// read reads the body; none is an empty document.
func (c *call) read(into any) error {
	err := json.NewDecoder(http.MaxBytesReader(c.w, c.Body, maxBody)).Decode(into)
	if err != nil && !errors.Is(err, io.EOF) {
		return badRequest("Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.")
	}
	return nil
}

// refusal is an error as Graph words it.
type refusal struct {
	status        int
	code, message string
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

func badRequest(format string, args ...any) error {
	return &refusal{http.StatusBadRequest, "Request_BadRequest", fmt.Sprintf(format, args...)}
}

func notFound(id string) *refusal {
	return &refusal{http.StatusNotFound, "Request_ResourceNotFound", fmt.Sprintf("Resource '%s' does not exist or one of its queried reference-property objects are not present.", id)}
}

func (s *Service) fail(w http.ResponseWriter, r *http.Request, err error) {
	var refused *refusal
	if !errors.As(err, &refused) {
		refused = &refusal{http.StatusInternalServerError, "InternalServerError", "The directory's memory failed."}
		if errors.Is(err, entra.ErrNotFound) {
			refused = notFound(r.PathValue("id"))
		}
	}
	id := uuid.NewString()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("request-id", id)
	w.WriteHeader(refused.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{
		"code": refused.code, "message": refused.message,
		"innerError": map[string]string{"date": s.Now().UTC().Format("2006-01-02T15:04:05"), "request-id": id, "client-request-id": r.Header.Get("client-request-id")},
	}})
}
