// Package server is the API that Azure Resource Manager calls: it validates and converts
// the body with the requested api-version, and writes the desired state to the store,
// where a worker finds it.
//
// It never accesses a cluster or Azure, and runs no long work: checks that access Azure
// are passed in as Preflight.
package server

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/catalogue"
	"github.com/aro-rp/aro/generated/registry"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// Clients is the name of the allow-list for the API: ARM, whose headers identify its
// clients.
const Clients = "arm"

// Preflight checks what needs access to Azure and takes little time: quotas, sizes,
// features and providers. The backend's first step checks the rest.
type Preflight interface {
	// CheckCreate returns an *arm.Error with the reason why c cannot be created;
	// correlationID is that of the request.
	CheckCreate(ctx context.Context, correlationID string, c *model.Cluster) error
}

// Config is the configuration of a Server. Store, Catalogue, Keys, Location and Domain are
// required.
type Config struct {
	Store *store.Store
	// Catalogue has the OpenShift versions for new clusters.
	Catalogue *catalogue.Catalogue
	// Location is the region of the service, such as "eastus".
	Location string
	// Domain is the domain in which clusters get names, such as
	// "eastus.aroapp.io".
	Domain string
	// IdentityHosts are the hosts from which credentials of clusters' identities
	// may be fetched.
	IdentityHosts model.IdentityHosts
	// RequireD2sWorkers allows small workers; see model.Rules.
	RequireD2sWorkers bool
	// Build is stored in new clusters as the build that created them.
	Build string
	// Keys encrypt continuation tokens. Processes that share a store share them.
	Keys *store.Keyring
	// Preflight may be nil: then nothing is checked.
	Preflight Preflight
	// Wake is called when there is new work, so that a worker in this process
	// starts at once; may be nil.
	Wake func()
	// Replaced is called when a delete has replaced the running operation of a cluster, with
	// the partition and id of its document, so that a worker in this process notices; may be
	// nil.
	Replaced func(partition, id string)
	// Logger is optional. Now and NewID default to the clock and random UUIDs.
	Logger *slog.Logger
	Now    func() time.Time
	NewID  func() string
}

// Server serves every api-version. It is safe for concurrent use.
type Server struct {
	Config

	rules      model.Rules
	versions   []*version // oldest first
	own        *armhttp.Router
	operations armhttp.Operations
	tokens     armhttp.Tokens
}

var _ registry.API = (*Server)(nil)

// New validates the configuration and sets its defaults. It fails if an api-version
// cannot encode the response of one of its operations.
func New(cfg Config) (*Server, error) {
	s := &Server{Config: cfg}
	switch {
	case s.Store == nil || s.Catalogue == nil || s.Keys == nil:
		return nil, errors.New("a server needs a store, a catalogue and keys")
	case s.Location == "" || s.Domain == "":
		return nil, errors.New("a server needs a location and a domain")
	}
	if s.Wake == nil {
		s.Wake = func() {}
	}
	if s.Replaced == nil {
		s.Replaced = func(string, string) {}
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.NewID == nil {
		s.NewID = uuid.NewString
	}
	s.rules = model.Rules{Location: s.Location, Domain: s.Domain, RequireD2sWorkers: s.RequireD2sWorkers}
	s.operations = armhttp.Operations{Documents: s.Store.Operations, Logger: s.Logger, Now: s.Now, NewID: s.NewID}
	s.tokens = armhttp.Tokens{Keys: s.Keys}
	return s, s.addRoutes()
}
