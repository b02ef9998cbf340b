// Package admin is the API for the engineers who run the service, and their tools: the state of
// clusters and their operations, maintenance, versions, and unreadable documents.
//
// It is separate from the API that ARM calls, and may use Azure and clusters.
package admin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/access"
	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/catalogue"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// The names of the allow-lists of who may call the API: those who may do everything, and
// those who may read.
const (
	Clients = "admin"
	Readers = "admin-readers"
)

// headerPrincipal names the engineer on whose behalf a tool calls, as reported by the tool.
const headerPrincipal = "X-Ms-Client-Principal-Name"

// Config is what an API needs. Store, Catalogue and Keys are required.
type Config struct {
	Store     *store.Store
	Catalogue *catalogue.Catalogue
	// Keys seal continuation tokens.
	Keys *store.Keyring
	// Installable returns why versions are not offered although they are enabled; nil if unknown.
	Installable model.Installable
	// Azure reaches the resources of clusters; nil in a process that does not.
	Azure Azure
	// Portal gives out ways to clusters; nil in a process that does not know the portal.
	Portal *access.Issuer
	// Maintenance is called with a cluster's id while an action works on the cluster, until its
	// context ends; may be nil.
	Maintenance func(ctx context.Context, resourceID string)
	// Wake is called when there is new work; may be nil.
	Wake func()
	// Logger defaults to silence, Now and NewID to the clock and random UUIDs.
	Logger *slog.Logger
	Now    func() time.Time
	NewID  func() string
}

// API answers engineers, in the words of openapi/admin.
type API struct {
	Config

	router     *armhttp.Router
	operations armhttp.Operations
	tokens     armhttp.Tokens
}

var _ api.ServerInterface = (*API)(nil)

// New checks the configuration and completes it.
func New(cfg Config) (*API, error) {
	a := &API{Config: cfg, router: armhttp.NewRouter(api.Operations()), tokens: armhttp.Tokens{Keys: cfg.Keys}}
	if a.Store == nil || a.Catalogue == nil || a.Keys == nil {
		return nil, errors.New("the admin API needs a store, a catalogue and keys")
	}
	if a.Wake == nil {
		a.Wake = func() {}
	}
	if a.Logger == nil {
		a.Logger = slog.New(slog.DiscardHandler)
	}
	if a.Now == nil {
		a.Now = time.Now
	}
	if a.NewID == nil {
		a.NewID = uuid.NewString
	}
	if err := checkActions(); err != nil {
		return nil, err
	}
	a.operations = armhttp.Operations{Documents: a.Store.Operations, Logger: a.Logger, Now: a.Now, NewID: a.NewID}
	api.RegisterHandlers(a.router, a)
	return a, nil
}

// HTTP is the API for a server.
func (a *API) HTTP() httpserver.API {
	return httpserver.API{
		Prefix: "/admin", Clients: []string{Clients, Readers}, Denied: "The client certificate is not allowed on the admin API.",
		Route: a.route, Endless: endless(), Failure: failure,
		Audited: func(x *httpserver.Exchange) bool { return x.Operation != "" },
	}
}

// call is a request whose body has been read.
type call struct {
	*httpserver.Exchange
	body []byte
}

func (a *API) route(x *httpserver.Exchange) func() error {
	route, methods := a.router.Find(x)
	return func() (err error) {
		x.Principal = x.Header(headerPrincipal)
		if err := authorize(x); err != nil {
			return err
		}
		if err := route.Check(x, methods, ""); err != nil {
			return err
		}
		if err := armhttp.ReadQuery(x); err != nil {
			return err
		}
		c := &call{Exchange: x}
		x.DryRun = actions[x.Operation].dryRun && arm.EqualFold(x.QueryParam(dryRunParameter), "true")
		if armhttp.HasBody(x.Request().Method) {
			if c.body, err = x.JSONBody(armhttp.MaxBody); err != nil {
				return err
			}
		}
		defer a.maintain(c)()
		return route.Answer(c)
	}
}

// maintain says that an action works on a cluster, until the returned function is called.
func (a *API) maintain(c *call) (end func()) {
	if a.Maintenance == nil || c.DryRun || !actions[c.Operation].maintenance {
		return func() {}
	}
	ctx, end := context.WithCancel(context.WithoutCancel(c.Ctx()))
	go a.Maintenance(ctx, armhttp.ClusterID(c).String())
	return end
}

// failure shows engineers why a record cannot be read.
func failure(x *httpserver.Exchange, err error) httpserver.Failure {
	if e, ok := errors.AsType[*store.UnreadableError](err); ok {
		err = arm.RecordUnreadable.Errorf("The document %s of container %s cannot be read: %s. Repair or remove it at /admin/documents.", e.ID, e.Container, e.Reason).Because(e)
	}
	return armhttp.Failure(x, err)
}

// view reads the document of the cluster of the path without its secrets, or returns a
// not-found error.
func (a *API) view(c *call) (*store.ClusterDocument, error) {
	id := armhttp.ClusterID(c)
	doc, err := a.Store.Clusters.View(c.Ctx(), id.Partition(), id.Key())
	if errors.Is(err, store.ErrNotFound) {
		return nil, armhttp.NotFound(id)
	}
	return doc, err
}

// cluster is view for those who need the cluster only.
func (a *API) cluster(c *call) (*model.Cluster, error) {
	doc, err := a.view(c)
	if err != nil {
		return nil, err
	}
	return &doc.Cluster, nil
}

// answered is the status of a PUT.
func answered(created bool) int {
	if created {
		return http.StatusCreated
	}
	return http.StatusOK
}
