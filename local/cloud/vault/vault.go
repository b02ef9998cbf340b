// Package vault is the data plane of Key Vault: the secrets, keys and certificates of
// every vault of the local Azure.
//
// Vaults themselves are resources of ARM, kept elsewhere; who may do what in them is
// decided elsewhere too.
package vault

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/local/cloud/entra"
	"github.com/aro-rp/aro/local/cloud/state"
)

// Audience is the resource that tokens of callers are for.
const Audience = "https://vault.azure.net"

const (
	maxBody = 1 << 20
	// recoverable is how long a deleted object can come back.
	recoverable = 90 * 24 * time.Hour
)

// Tokens returns the principal of a bearer token.
type Tokens interface {
	Verify(token string) (entra.Caller, error)
}

// Access decides whether a principal may do a data action at a scope.
type Access interface {
	Check(ctx context.Context, principalObjectID, action, scope string) (allowed bool, why string, err error)
}

// Vaults finds the resource id of a vault by its name.
type Vaults interface {
	VaultID(ctx context.Context, name string) (id string, found bool, err error)
}

// Authority signs certificates. It returns the new one and those above it, in DER.
type Authority interface {
	Sign(template *x509.Certificate, public crypto.PublicKey) (chain [][]byte, err error)
}

// Options are what New needs.
type Options struct {
	State     *state.DB
	Origin    string // https://host:port, the vaults are below /vaults/
	Tenant    string
	Tokens    Tokens
	Access    Access
	Vaults    Vaults
	Authority Authority
	Now       func() time.Time // nil is time.Now
}

// Service serves all vaults. Its methods may be called from many goroutines.
type Service struct{ Options }

// New makes the service over what is kept in the state.
func New(o Options) *Service {
	o.Origin = strings.TrimSuffix(o.Origin, "/")
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{o}
}

// call is one request after its caller is known.
type call struct {
	*http.Request
	w            http.ResponseWriter
	vault, scope string
	object       string // of the caller
	collection   string
	rest         []string // path below the collection
}

// ServeHTTP answers below /vaults/{vault}/, and at the hosts of ids.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("x-ms-request-id", uuid.NewString())
	w.Header().Set("x-ms-keyvault-service-version", "1.9.2000.1")
	if err := s.serve(w, r); err != nil {
		var refused *refusal
		if !errors.As(err, &refused) {
			refused = &refusal{http.StatusInternalServerError, "InternalServerError", "The vault's memory failed.", ""}
		}
		refused.write(w)
	}
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) error {
	parts := strings.FieldsFunc(r.URL.Path, func(c rune) bool { return c == '/' })
	if Hosted(r.Host) {
		name, _, _ := strings.Cut(r.Host, hostPart)
		parts = append([]string{"vaults", name}, parts...)
	}
	if len(parts) < 3 {
		return &refusal{http.StatusNotFound, "NotFound", "The address names no object of a vault.", ""}
	}
	c := &call{Request: r, w: w, vault: strings.ToLower(parts[1]), collection: strings.ToLower(parts[2]), rest: parts[3:]}
	id, found, err := s.Vaults.VaultID(r.Context(), c.vault)
	if err != nil {
		return err
	}
	if !found {
		return &refusal{http.StatusNotFound, "VaultNotFound", fmt.Sprintf("There is no vault '%s'.", parts[1]), ""}
	}
	c.scope = id
	if c.object, err = s.caller(w, r); err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if r.Method == http.MethodDelete || strings.HasPrefix(c.collection, "deleted") {
		if err := s.expire(r.Context(), c.vault); err != nil {
			return err
		}
	}
	switch c.collection {
	case "secrets", "deletedsecrets":
		return s.secrets(c)
	case "certificates", "deletedcertificates":
		return s.certificates(c)
	case "keys", "deletedkeys":
		return s.keys(c)
	}
	return c.unknown()
}

// caller reads the bearer token. Without one the answer names the authority that issues tokens.
func (s *Service) caller(w http.ResponseWriter, r *http.Request) (string, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		w.Header().Set("WWW-Authenticate", s.challenge())
		return "", &refusal{http.StatusUnauthorized, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.", ""}
	}
	who, err := s.Tokens.Verify(token)
	if err != nil || who.Audience != Audience {
		w.Header().Set("WWW-Authenticate", s.challenge())
		return "", &refusal{http.StatusUnauthorized, "Unauthorized", "AKV10022: Invalid audience, or the token is invalid or expired. Expected " + Audience + ".", ""}
	}
	return who.ObjectID, nil
}

func (s *Service) challenge() string {
	return fmt.Sprintf(`Bearer authorization="%s/%s", resource="%s"`, s.Origin, s.Tenant, Audience)
}

// ByPolicy is the error of a caller without permission by the vault's access policies.
const ByPolicy = "No access policy of the vault grants it"

// allow refuses a caller that may not do an action, such as secrets/getSecret/action.
func (s *Service) allow(c *call, action string) error {
	scope := c.scope
	if len(c.rest) > 0 {
		scope += "/" + strings.TrimPrefix(c.collection, "deleted") + "/" + c.rest[0]
	}
	action = "Microsoft.KeyVault/vaults/" + action
	allowed, why, err := s.Access.Check(c.Context(), c.object, action, scope)
	if err != nil || allowed {
		return err
	}
	if why == ByPolicy {
		return &refusal{http.StatusForbidden, "Forbidden", fmt.Sprintf("The user, group or application 'oid=%s' does not have the permission for '%s' on key vault '%s'. %s.", c.object, action, c.vault, why), "ForbiddenByPolicy"}
	}
	return &refusal{http.StatusForbidden, "Forbidden", fmt.Sprintf("Caller is not authorized to perform action on resource. "+
		"If role assignments, deny assignments or role definitions were changed recently, please observe propagation time. Caller: oid=%s Action: '%s' Resource: '%s' %s", c.object, action, scope, why), "ForbiddenByRbac"}
}

func (c *call) unknown() error {
	return &refusal{http.StatusMethodNotAllowed, "MethodNotAllowed", fmt.Sprintf("The vault has no operation %s %s.", c.Method, c.URL.Path), ""}
}

func (c *call) read(into any) error {
	if err := json.NewDecoder(c.Body).Decode(into); err != nil {
		return badParameter("The body is no JSON document of this operation.")
	}
	return nil
}

func (c *call) answer(status int, body any) error {
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	c.w.Header().Set("Cache-Control", "no-cache")
	c.w.WriteHeader(status)
	_ = json.NewEncoder(c.w).Encode(body) // the caller is gone
	return nil
}

// refusal is an error as Key Vault words it.
type refusal struct {
	status              int
	code, message, more string
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

func (r *refusal) write(w http.ResponseWriter) {
	body := map[string]any{"code": r.code, "message": r.message}
	if r.more != "" {
		body["innererror"] = map[string]any{"code": r.more}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(r.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": body})
}

func badParameter(format string, args ...any) error {
	return &refusal{http.StatusBadRequest, "BadParameter", fmt.Sprintf(format, args...), ""}
}

// id names an object or a version of it. Clients read the object's name from the
// second part of the path, so the vault goes into the host as in Azure, though they
// call it below the origin.
func (s *Service) id(vault string, parts ...string) string {
	scheme, host, _ := strings.Cut(s.Origin, "://")
	return scheme + "://" + vault + hostPart + host + "/" + strings.Join(parts, "/")
}

// hostPart is between a vault's name and the host of the origin.
const hostPart = ".vaults."

// Hosted reports whether a host is that of a vault's ids, for who mounts the service.
func Hosted(host string) bool {
	name, _, ok := strings.Cut(host, hostPart)
	return ok && validName.MatchString(name)
}

func newVersion() string { return strings.ReplaceAll(uuid.NewString(), "-", "") }
