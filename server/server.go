// Package server is the API that Azure Resource Manager calls: it finds the api-version,
// lets the version judge and translate the body, and writes what is wanted into the
// store, where a worker finds it.
//
// It never touches a cluster or Azure, and runs no long work: checks that must
// ask Azure come in through Preflight.
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

// Clients is the name of the allow-list of who may call the API: ARM, whose headers say
// who its clients are.
const Clients = "arm"

// Preflight is what can only be checked by asking Azure, and soon: quotas, sizes,
// features and providers. The rest is the backend's first step.
type Preflight interface {
	// CheckCreate returns an *arm.Error that says what stands in the way of creating
	// c; correlationID is that of the request.
	CheckCreate(ctx context.Context, correlationID string, c *model.Cluster) error
}

// Config is what a Server needs. Store, Catalogue, Keys, Location and Domain are required.
type Config struct {
	Store *store.Store
	// Catalogue has the versions of OpenShift that can be chosen.
	Catalogue *catalogue.Catalogue
	// Location is the one region that is served, such as "eastus".
	Location string
	// Domain is where clusters get their names, such as "eastus.aroapp.io".
	Domain string
	// IdentityHosts are where credentials of clusters' identities may be fetched.
	IdentityHosts model.IdentityHosts
	// RequireD2sWorkers allows small workers; see model.Rules.
	RequireD2sWorkers bool
	// Build is written into new clusters as the build that created them.
	Build string
	// Keys seal continuation tokens. Processes that share a store share them.
	Keys *store.Keyring
	// Preflight may be nil: then nothing is asked.
	Preflight Preflight
	// Wake is called when there is new work, so that a worker in this process starts
	// at once; nil calls nobody.
	Wake func()
	// Replaced is called when a delete has taken the place of what ran on a cluster, given by
	// its document's partition and id, so that a worker in this process notices; nil calls
	// nobody.
	Replaced func(partition, id string)
	// Logger defaults to silence, Now and NewID to the clock and random UUIDs.
	Logger *slog.Logger
	Now    func() time.Time
	NewID  func() string
}

// Server answers ARM, in the words of every api-version. It is safe for concurrent use.
type Server struct {
	Config

	rules      model.Rules
	versions   []*version // oldest first
	own        *armhttp.Router
	operations armhttp.Operations
	tokens     armhttp.Tokens
}

var _ registry.API = (*Server)(nil)

// New checks the configuration and completes it. It fails if an api-version cannot say
// what one of its operations answers.
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
