// Package resources is the engine of the local Azure's resource manager: it keeps
// resources of every type, lists, changes and deletes them, and runs what takes
// time, as ARM does. What a type means comes as Behaviour from other packages.
//
// It knows neither tokens nor permissions, and no type but resource groups and
// subscriptions.
package resources

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/state"
)

// kind is under which resources are kept.
const kind = "resource"

// Options of an Engine.
type Options struct {
	State *state.DB
	// Origin is the base of the URLs in answers, such as https://localhost:8443.
	Origin string
	// Grace is how long an answer waits for what settles quickly; 300 ms if 0.
	Grace time.Duration
	Log   *slog.Logger
	Now   func() time.Time
}

// Engine keeps resources. Make it with New, give it Behaviours and Routes, then Start it.
type Engine struct {
	Options
	behaviours map[string]*Behaviour // by lower-case type
	canonical  map[string]string     // lower-case type to its usual casing
	routes     []route

	// change is held while a change is decided and kept.
	change sync.Mutex
	ended  int // operations since the start; needs change
	// keys of all resources by lower-case type, so that lists of one type in a whole
	// subscription read no others.
	keys index

	runs     sync.Mutex
	running  map[string]*run // by key of the resource
	ctx      context.Context
	stop     context.CancelFunc
	finished sync.WaitGroup
}

// New makes an engine that has nothing running.
func New(o Options) *Engine {
	if o.Grace == 0 {
		o.Grace = 300 * time.Millisecond
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	e := &Engine{Options: o, behaviours: map[string]*Behaviour{}, canonical: map[string]string{}, running: map[string]*run{}}
	e.ctx, e.stop = context.WithCancel(context.Background())
	e.Name(GroupType, "Microsoft.Resources/subscriptions")
	e.Register(GroupType, e.groups())
	e.operationRoutes()
	return e
}

// Register gives a type its behaviour; the type's casing becomes the canonical one.
func (e *Engine) Register(resourceType string, b Behaviour) {
	e.Name(resourceType)
	e.behaviours[arm.ToLower(resourceType)] = &b
	for _, member := range b.Embeds {
		e.Name(resourceType + "/" + member)
	}
}

// Behaviour returns the registered behaviour of a type, for extension.
func (e *Engine) Behaviour(resourceType string) Behaviour { return *e.behaviour(resourceType) }

// Name makes the casing of types canonical.
func (e *Engine) Name(types ...string) {
	for _, t := range types {
		segments := strings.Split(t, "/")
		for i := range segments {
			part := strings.Join(segments[:i+1], "/")
			if _, known := e.canonical[arm.ToLower(part)]; !known {
				e.canonical[arm.ToLower(part)] = part
			}
		}
	}
}

// Canonical is the type in its usual casing, or as it is if it is not known.
func (e *Engine) Canonical(resourceType string) string {
	segments := strings.Split(resourceType, "/")
	for n := len(segments); n > 0; n-- {
		if c, ok := e.canonical[arm.ToLower(strings.Join(segments[:n], "/"))]; ok {
			return strings.Join(append([]string{c}, segments[n:]...), "/")
		}
	}
	return resourceType
}

// Types are the canonical names of all types of a namespace, or of all.
func (e *Engine) Types(namespace string) []string {
	var types []string
	for lower, name := range e.canonical {
		if strings.Contains(lower, "/") && (namespace == "" || strings.HasPrefix(lower, arm.ToLower(namespace)+"/")) {
			types = append(types, name)
		}
	}
	return types
}

func (e *Engine) behaviour(resourceType string) *Behaviour {
	if b := e.behaviours[arm.ToLower(resourceType)]; b != nil {
		return b
	}
	return &Behaviour{}
}

// embedded is the parent's id and the member that keeps the resource, if its
// type is kept in its parent.
func (e *Engine) embedded(id ID) (parent, member string, ok bool) {
	n := len(id.Types) - 1
	if n < 1 {
		return "", "", false
	}
	b := e.behaviour(id.Namespace + "/" + strings.Join(id.Types[:n], "/"))
	for _, m := range b.Embeds {
		if arm.EqualFold(m, id.Types[n]) {
			return id.Parent(), m, true
		}
	}
	return "", "", false
}

// Find reads the resource at a path, an embedded one too.
func (e *Engine) Find(ctx context.Context, path string) (*Resource, bool, error) {
	id, err := Parse(path)
	if err != nil {
		return nil, false, err
	}
	if parentID, member, ok := e.embedded(id); ok {
		parent, found, err := e.Find(ctx, parentID)
		if err != nil || !found {
			return nil, false, err
		}
		r := e.element(parent, member, id.Name())
		return r, r != nil, nil
	}
	r := &Resource{}
	found, err := e.State.Get(ctx, kind, Key(path), r)
	return r, found, err
}

// Get is Find that refuses, as ARM does, what is not there.
func (e *Engine) Get(ctx context.Context, path string) (*Resource, error) {
	r, found, err := e.Find(ctx, path)
	if err != nil || found {
		return r, err
	}
	id, err := Parse(path)
	if err != nil {
		return nil, err
	}
	return nil, e.missing(ctx, path, id)
}

func (e *Engine) missing(ctx context.Context, path string, id ID) (err error) {
	group := Group(path)
	if says := e.behaviour(id.Type()).Missing; says != nil {
		defer func() {
			if AsError(err).Code == "ResourceNotFound" {
				err = says(id)
			}
		}()
	}
	switch {
	case arm.EqualFold(id.Type(), GroupType):
		return Refuse(http.StatusNotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", id.Name())
	case arm.EqualFold(id.Type(), "Microsoft.Resources/subscriptions"):
		return Refuse(http.StatusNotFound, "SubscriptionNotFound", "The subscription '%s' could not be found.", id.Name())
	case group != "":
		if _, found, err := e.Find(ctx, GroupID(path)); err != nil || !found {
			return orElse(err, Refuse(http.StatusNotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", group))
		}
	}
	if len(id.Types) > 1 {
		if _, _, embedded := e.embedded(id); embedded {
			return Refuse(http.StatusNotFound, "NotFound", "Resource %s not found.", path)
		}
	}
	return Refuse(http.StatusNotFound, "ResourceNotFound", "The Resource '%s/%s' under resource group '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
		e.Canonical(id.Type()), strings.Join(id.Names, "/"), group)
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// Below are the resources of a type below a path, by id; all types if it is empty.
// It does not look into parents for what they embed.
func (e *Engine) Below(ctx context.Context, path, resourceType string) ([]*Resource, error) {
	if resourceType != "" && len(Segments(path)) <= 2 {
		return e.ofType(ctx, Key(path)+"/", resourceType)
	}
	entries, err := e.State.List(ctx, kind, Key(path)+"/")
	if err != nil {
		return nil, err
	}
	var all []*Resource
	for _, entry := range entries {
		id, err := Parse(entry.Key)
		if err != nil {
			return nil, err
		}
		if resourceType != "" && !arm.EqualFold(id.Type(), resourceType) {
			continue
		}
		r := &Resource{}
		if err := r.UnmarshalJSON(entry.Value); err != nil {
			return nil, fmt.Errorf("resource %s: %w", entry.Key, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// Change edits a resource as it is kept, an embedded one too: no hook runs, its
// ETag is renewed. It is for what the local Azure itself knows to be so, such as
// states and references back. A missing resource is a refusal with status 404.
func (e *Engine) Change(ctx context.Context, path string, edit func(*Resource) error) error {
	ctx, unlock := e.lock(ctx)
	defer unlock()
	id, err := Parse(path)
	if err != nil {
		return err
	}
	if parentID, member, ok := e.embedded(id); ok {
		return e.Change(ctx, parentID, func(parent *Resource) error {
			r := e.element(parent, member, id.Name())
			if r == nil {
				return e.missing(ctx, path, id)
			}
			if err := edit(r); err != nil {
				return err
			}
			replaceElement(parent, member, r)
			return nil
		})
	}
	r, err := e.Get(ctx, path)
	if err != nil {
		return err
	}
	if err := edit(r); err != nil {
		return err
	}
	return e.keep(ctx, r)
}

// keep writes a resource.
func (e *Engine) keep(ctx context.Context, r *Resource) error {
	r.Etag = `W/"` + uuid.NewString() + `"`
	r.Changed = e.Now().UTC()
	if r.Created.IsZero() {
		r.Created = r.Changed
	}
	if err := e.State.Put(ctx, kind, Key(r.ID), r); err != nil {
		return err
	}
	return e.keys.add(ctx, e.State, r.Type, Key(r.ID))
}

// holding marks the context of who decides a change.
type holding struct{ e *Engine }

// lock lets one change be decided at a time. It may be nested through ctx.
func (e *Engine) lock(ctx context.Context) (context.Context, func()) {
	if ctx.Value(holding{e}) != nil {
		return ctx, func() {}
	}
	e.change.Lock()
	return context.WithValue(ctx, holding{e}, true), e.change.Unlock
}

// show is what callers see of r.
func (e *Engine) show(ctx context.Context, r *Resource, query url.Values) (map[string]any, error) {
	clone := r.Clone()
	if b := e.behaviour(r.Type); b.Show != nil {
		if err := b.Show(ctx, clone, query); err != nil {
			return nil, err
		}
	}
	return clone.Shown(), nil
}

// Shown is what callers see of the resource at a path.
func (e *Engine) Shown(ctx context.Context, path string) (map[string]any, error) {
	r, err := e.Get(ctx, path)
	if err != nil {
		return nil, err
	}
	return e.show(ctx, r, url.Values{})
}
