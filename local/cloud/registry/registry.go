// Package registry is Microsoft.ContainerRegistry of the local Azure: registries with their
// replications and credentials, the exchange of tokens of Entra ID for tokens of a registry, and the
// data plane: a server of the distribution protocol, a program of its own, behind the registry's
// access rules.
//
// It does not interpret images.
package registry

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/entra"
	"github.com/aro-rp/aro/local/cloud/resources"
)

const (
	registryType    = "Microsoft.ContainerRegistry/registries"
	replicationType = "Microsoft.ContainerRegistry/registries/replications"
	// suffix of the hosts of registries.
	suffix = ".azurecr.io"
	// secretBytes is the length of passwords, and of the key that signs tokens.
	secretBytes = 32
	// audience of tokens for all registries; those for the resource manager are valid too,
	// as az sends them.
	audience = "https://containerregistry.azure.net"
)

// registryName is what DNS allows of the name of a registry.
var registryName = regexp.MustCompile(`^[a-zA-Z0-9]{5,50}$`)

type object = map[string]any

// Options of a Service.
type Options struct {
	Engine *resources.Engine
	// Dir has a directory for the images of each registry.
	Dir string
	// Program is aro-registry, which serves a registry's images; empty or missing for
	// registries that are resources only.
	Program string
	// Manager is the audience of tokens for the resource manager.
	Manager string
	// Tokens returns the sender of a request, Access what it may do.
	Tokens interface {
		Verify(token string) (entra.Caller, error)
	}
	Access interface {
		Check(ctx context.Context, principal, action, scope string) (allowed bool, why string, err error)
	}
	Now func() time.Time
	Log *slog.Logger
}

// Service keeps the rules of registries and answers their data plane.
type Service struct {
	Options

	mu      sync.Mutex
	servers map[string]*server // by lower-case name of the registry
}

// New registers the types with the engine.
func New(o Options) *Service {
	s := &Service{Options: o, servers: map[string]*server{}}
	o.Engine.Register(registryType, resources.Behaviour{
		Put: s.put, Deleted: s.drop,
		Show: func(_ context.Context, r *resources.Resource, _ url.Values) error {
			r.Set(hostOf(r), "loginServer")
			r.Set(r.Created.Format("2006-01-02T15:04:05.0000000Z"), "creationDate")
			return nil
		},
		Actions: map[string]resources.Action{"listCredentials": {Run: s.listCredentials}, "regenerateCredential": {Run: s.regenerateCredential}},
	})
	o.Engine.Register(replicationType, resources.Behaviour{Put: s.putReplication})
	o.Engine.Route(http.MethodPost, "/subscriptions/{subscription}/providers/Microsoft.ContainerRegistry/checkNameAvailability", s.checkName)
	return s
}

func refuse(code, message string, args ...any) error {
	return resources.Refuse(http.StatusBadRequest, code, message, args...)
}

func hostOf(r *resources.Resource) string { return strings.ToLower(r.Name) + suffix }

// Hosted reports whether a host is that of a registry, for who mounts the service.
func Hosted(host string) bool {
	name, _, _ := strings.Cut(host, ":")
	name, ok := strings.CutSuffix(strings.ToLower(name), suffix)
	return ok && registryName.MatchString(name)
}

// find is the registry of that name, nil if there is none.
func (s *Service) find(ctx context.Context, name string) (*resources.Resource, error) {
	all, err := s.Engine.Below(ctx, "/subscriptions", registryType)
	for _, r := range all {
		if arm.EqualFold(r.Name, name) {
			return r, nil
		}
	}
	return nil, err
}

func (s *Service) checkName(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	name, _ := call.Body["name"].(string)
	taken, err := s.find(ctx, name)
	body := object{"nameAvailable": taken == nil && registryName.MatchString(name)}
	switch {
	case taken != nil:
		body["reason"], body["message"] = "AlreadyExists", "The registry "+name+" is already in use."
	case !registryName.MatchString(name):
		body["reason"], body["message"] = "Invalid", "The registry name "+name+" is invalid: use 5 to 50 letters and digits."
	}
	return &resources.Answer{Status: http.StatusOK, Body: body}, err
}

func (s *Service) put(ctx context.Context, c *resources.Change) error {
	r := c.New
	if !registryName.MatchString(r.Name) {
		return refuse("InvalidResourceName", "The registry name '%s' is invalid: use 5 to 50 letters and digits.", r.Name)
	}
	other, err := s.find(ctx, r.Name)
	if err != nil {
		return err
	}
	if other != nil && resources.Key(other.ID) != resources.Key(r.ID) {
		return resources.Refuse(http.StatusConflict, "AlreadyInUse", "The registry DNS name %s is already in use.", hostOf(r))
	}
	if r.SKU["name"] == nil {
		return refuse("InvalidSku", "A registry needs a sku with the name Basic, Standard or Premium.")
	}
	r.SKU["tier"] = r.SKU["name"]
	for member, value := range map[string]any{"adminUserEnabled": false, "anonymousPullEnabled": false, "dataEndpointEnabled": false, "publicNetworkAccess": "Enabled"} {
		r.Default(value, member)
	}
	if secretOf(r, "key") == "" {
		r.Local = object{"key": newSecret(), "password": newSecret(), "password2": newSecret()}
	}
	return nil
}

func newSecret() string {
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // it never fails
	return base64.RawURLEncoding.EncodeToString(secret)
}

// secretOf is what callers of the resource manager do not see of a registry.
func secretOf(r *resources.Resource, name string) string {
	secret, _ := r.Local[name].(string)
	return secret
}

func (s *Service) putReplication(ctx context.Context, c *resources.Change) error {
	c.New.Default(true, "regionEndpointEnabled")
	id, err := resources.Parse(c.New.ID)
	if err != nil {
		return err
	}
	r, err := s.Engine.Get(ctx, id.Parent())
	if err != nil {
		return err
	}
	if r.SKU["name"] != "Premium" {
		return refuse("ReplicationNotSupported", "The registry '%s' needs the SKU Premium for replications.", r.Name)
	}
	return nil
}

// passwords are the names of the administrator's passwords.
func passwords() []string { return []string{"password", "password2"} }

func (s *Service) listCredentials(_ context.Context, r *resources.Resource, _ *resources.Call) (any, error) {
	if r.Get("adminUserEnabled") != true {
		return nil, refuse("UnAuthorizedForCredentialOperations", "Cannot perform credential operations for %s as admin user is disabled. Kindly enable admin user as per docs: https://docs.microsoft.com/en-us/azure/container-registry/container-registry-authentication#admin-account", r.ID)
	}
	var all []object
	for _, name := range passwords() {
		all = append(all, object{"name": name, "value": secretOf(r, name)})
	}
	return object{"username": r.Name, "passwords": all}, nil
}

func (s *Service) regenerateCredential(ctx context.Context, r *resources.Resource, call *resources.Call) (any, error) {
	name, _ := call.Body["name"].(string)
	if name != "password" && name != "password2" {
		return nil, refuse("InvalidRequestBody", "The name of the credential must be password or password2, which '%s' is not.", name)
	}
	if _, err := s.listCredentials(ctx, r, call); err != nil {
		return nil, err
	}
	var changed *resources.Resource
	err := s.Engine.Change(ctx, r.ID, func(r *resources.Resource) error {
		r.Local[name] = newSecret()
		changed = r.Clone()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.listCredentials(ctx, changed, call)
}
