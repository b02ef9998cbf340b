package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/state"
)

// Kinds of documents. Applications and principals are stored by application id, which the token
// endpoint uses; the second kind finds it for an object id.
const (
	kindApplication = "entra/application"
	kindPrincipal   = "entra/principal"
	kindObject      = "entra/object"
	kindIdentity    = "entra/identity"
)

// Errors that callers distinguish.
var (
	ErrNotFound = errors.New("not found in the directory")
	ErrExists   = errors.New("exists in the directory")
)

// Kinds of principals, as role assignments and Graph name them.
const (
	KindApplication     = "Application"
	KindManagedIdentity = "ManagedIdentity"
)

// Application is an app registration.
type Application struct {
	ObjectID       string   `json:"objectId"`
	AppID          string   `json:"appId"`
	DisplayName    string   `json:"displayName"`
	SignInAudience string   `json:"signInAudience,omitempty"`
	IdentifierURIs []string `json:"identifierUris,omitempty"`
	Tags           []string `json:"tags,omitempty"`
	// ReplyURLs are where users may be sent back to after they signed in.
	ReplyURLs    []string      `json:"replyUrls,omitempty"`
	Created      time.Time     `json:"created"`
	Passwords    []Password    `json:"passwords,omitempty"`
	Certificates []Certificate `json:"certificates,omitempty"`
	// Owners are object ids.
	Owners []string `json:"owners,omitempty"`
	// More are members that mean nothing here and come back as they were sent.
	More map[string]any `json:"more,omitempty"`
}

// Password is a client secret: its hash, and what Graph shows of it.
type Password struct {
	KeyID       string    `json:"keyId"`
	DisplayName string    `json:"displayName,omitempty"`
	Hint        string    `json:"hint"`
	Hash        []byte    `json:"hash"`
	Start       time.Time `json:"start"`
	End         time.Time `json:"end"`
	// Principal means that it was added to the service principal, which shows it instead of the
	// application.
	Principal bool `json:"principal,omitempty"`
}

// Certificate lets an application prove itself: with one certificate, or with any
// of the trusted authorities that bears the subject name.
type Certificate struct {
	KeyID   string `json:"keyId"`
	DER     []byte `json:"der,omitempty"`
	Subject string `json:"subject,omitempty"` // common name
}

// ServicePrincipal is an application or a managed identity in the tenant.
type ServicePrincipal struct {
	ObjectID    string    `json:"objectId"`
	AppID       string    `json:"appId"`
	DisplayName string    `json:"displayName"`
	Kind        string    `json:"kind"`
	ResourceID  string    `json:"resourceId,omitempty"` // of a managed identity
	Created     time.Time `json:"created"`
	// Owners and More are as those of an Application.
	Owners []string       `json:"owners,omitempty"`
	More   map[string]any `json:"more,omitempty"`
}

// object locates the document of an object id.
type object struct {
	Kind  string `json:"kind"`
	AppID string `json:"appId"`
}

// CreateApplication registers an application. Without an appID it gets a new one;
// if the appID is registered, the application is returned as it is.
func (e *Entra) CreateApplication(ctx context.Context, appID, displayName string) (Application, error) {
	app := Application{ObjectID: uuid.NewString(), AppID: strings.ToLower(appID), DisplayName: displayName, SignInAudience: "AzureADMyOrg", Created: e.Now().UTC()}
	if app.AppID == "" {
		app.AppID = uuid.NewString()
	}
	err := e.State.Update(ctx, func(tx *state.Tx) error {
		if found, err := tx.Get(ctx, kindApplication, app.AppID, &app); err != nil || found {
			return err
		}
		if err := tx.Put(ctx, kindObject, app.ObjectID, object{kindApplication, app.AppID}); err != nil {
			return err
		}
		return tx.Put(ctx, kindApplication, app.AppID, app)
	})
	return app, err
}

// Application finds a registration by application id or object id.
func (e *Entra) Application(ctx context.Context, id string) (Application, error) {
	return find[Application](ctx, e.State, kindApplication, id)
}

// Applications lists all registrations.
func (e *Entra) Applications(ctx context.Context) ([]Application, error) {
	return all[Application](ctx, e.State, kindApplication)
}

// ChangeApplication changes a registration atomically.
func (e *Entra) ChangeApplication(ctx context.Context, id string, change func(*Application) error) error {
	return e.State.Update(ctx, func(tx *state.Tx) error {
		app, err := find[Application](ctx, tx, kindApplication, id)
		if err != nil {
			return err
		}
		if err := change(&app); err != nil {
			return err
		}
		return tx.Put(ctx, kindApplication, app.AppID, app)
	})
}

// AddReplyURL lets users of an application be sent back to an address.
func (e *Entra) AddReplyURL(ctx context.Context, id, address string) error {
	return e.ChangeApplication(ctx, id, func(app *Application) error {
		if !slices.Contains(app.ReplyURLs, address) {
			app.ReplyURLs = append(app.ReplyURLs, address)
		}
		return nil
	})
}

// DeleteApplication removes a registration and its service principal.
func (e *Entra) DeleteApplication(ctx context.Context, id string) error {
	return e.State.Update(ctx, func(tx *state.Tx) error {
		app, err := find[Application](ctx, tx, kindApplication, id)
		if err != nil {
			return err
		}
		var sp ServicePrincipal
		found, err := tx.Get(ctx, kindPrincipal, app.AppID, &sp)
		if err != nil {
			return err
		}
		if found {
			if err := remove(ctx, tx, kindPrincipal, sp.AppID, sp.ObjectID); err != nil {
				return err
			}
		}
		return remove(ctx, tx, kindApplication, app.AppID, app.ObjectID)
	})
}

// CreateServicePrincipal makes the principal of a registered application; ErrExists
// comes with the principal that is there.
func (e *Entra) CreateServicePrincipal(ctx context.Context, appID string) (sp ServicePrincipal, err error) {
	err = e.State.Update(ctx, func(tx *state.Tx) error {
		app, err := find[Application](ctx, tx, kindApplication, appID)
		if err != nil {
			return err
		}
		found, err := tx.Get(ctx, kindPrincipal, app.AppID, &sp)
		if err != nil {
			return err
		}
		if found {
			return ErrExists
		}
		sp = ServicePrincipal{ObjectID: uuid.NewString(), AppID: app.AppID, DisplayName: app.DisplayName, Kind: KindApplication, Created: e.Now().UTC()}
		return putPrincipal(ctx, tx, sp)
	})
	return sp, err
}

// ServicePrincipal finds the principal of an application id or an object id.
func (e *Entra) ServicePrincipal(ctx context.Context, id string) (ServicePrincipal, error) {
	return find[ServicePrincipal](ctx, e.State, kindPrincipal, id)
}

// ServicePrincipals lists all principals, managed identities among them.
func (e *Entra) ServicePrincipals(ctx context.Context) ([]ServicePrincipal, error) {
	return all[ServicePrincipal](ctx, e.State, kindPrincipal)
}

// ChangeServicePrincipal changes a principal atomically.
func (e *Entra) ChangeServicePrincipal(ctx context.Context, id string, change func(*ServicePrincipal) error) error {
	return e.State.Update(ctx, func(tx *state.Tx) error {
		sp, err := find[ServicePrincipal](ctx, tx, kindPrincipal, id)
		if err != nil {
			return err
		}
		if err := change(&sp); err != nil {
			return err
		}
		return tx.Put(ctx, kindPrincipal, sp.AppID, sp)
	})
}

// DeleteServicePrincipal removes a principal and leaves its application.
func (e *Entra) DeleteServicePrincipal(ctx context.Context, id string) error {
	return e.State.Update(ctx, func(tx *state.Tx) error {
		sp, err := find[ServicePrincipal](ctx, tx, kindPrincipal, id)
		if err != nil {
			return err
		}
		return remove(ctx, tx, kindPrincipal, sp.AppID, sp.ObjectID)
	})
}

// Principal returns the kind of the principal with an object id, for role assignments.
func (e *Entra) Principal(ctx context.Context, objectID string) (kind string, found bool, err error) {
	sp, err := e.ServicePrincipal(ctx, objectID)
	if errors.Is(err, ErrNotFound) || err == nil && !arm.EqualFold(sp.ObjectID, objectID) {
		return "", false, nil
	}
	return sp.Kind, err == nil, err
}

// CreateIdentity makes the principal of a managed identity, or finds the one there is.
func (e *Entra) CreateIdentity(ctx context.Context, resourceID string) (clientID, principalID string, err error) {
	sp := ServicePrincipal{ObjectID: uuid.NewString(), AppID: uuid.NewString(), DisplayName: resourceID[strings.LastIndex(resourceID, "/")+1:], Kind: KindManagedIdentity, ResourceID: resourceID, Created: e.Now().UTC()}
	err = e.State.Update(ctx, func(tx *state.Tx) error {
		key := arm.ToLower(resourceID)
		if found, err := tx.Get(ctx, kindIdentity, key, &sp); err != nil || found {
			return err
		}
		if err := tx.Put(ctx, kindIdentity, key, sp); err != nil {
			return err
		}
		return putPrincipal(ctx, tx, sp)
	})
	return sp.AppID, sp.ObjectID, err
}

// Identity finds the principal of a managed identity by its resource id.
func (e *Entra) Identity(ctx context.Context, resourceID string) (ServicePrincipal, error) {
	var sp ServicePrincipal
	found, err := e.State.Get(ctx, kindIdentity, arm.ToLower(resourceID), &sp)
	if err == nil && !found {
		err = fmt.Errorf("managed identity %s: %w", resourceID, ErrNotFound)
	}
	return sp, err
}

// DeleteIdentity removes the principal of a managed identity, if there is one.
func (e *Entra) DeleteIdentity(ctx context.Context, resourceID string) error {
	return e.State.Update(ctx, func(tx *state.Tx) error {
		var sp ServicePrincipal
		found, err := tx.Get(ctx, kindIdentity, arm.ToLower(resourceID), &sp)
		if err != nil || !found {
			return err
		}
		if _, err := tx.Delete(ctx, kindIdentity, arm.ToLower(resourceID)); err != nil {
			return err
		}
		return remove(ctx, tx, kindPrincipal, sp.AppID, sp.ObjectID)
	})
}

func putPrincipal(ctx context.Context, tx *state.Tx, sp ServicePrincipal) error {
	if err := tx.Put(ctx, kindObject, sp.ObjectID, object{kindPrincipal, sp.AppID}); err != nil {
		return err
	}
	return tx.Put(ctx, kindPrincipal, sp.AppID, sp)
}

func remove(ctx context.Context, tx *state.Tx, kind, appID, objectID string) error {
	if _, err := tx.Delete(ctx, kindObject, objectID); err != nil {
		return err
	}
	_, err := tx.Delete(ctx, kind, appID)
	return err
}

// getter is what a state file and a change of it have in common.
type getter interface {
	Get(ctx context.Context, kind, key string, v any) (bool, error)
}

func find[T any](ctx context.Context, from getter, kind, id string) (v T, err error) {
	key := strings.ToLower(id)
	var o object
	if found, err := from.Get(ctx, kindObject, key, &o); err != nil {
		return v, err
	} else if found && o.Kind == kind {
		key = o.AppID
	}
	found, err := from.Get(ctx, kind, key, &v)
	if err == nil && !found {
		err = fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	return v, err
}

func all[T any](ctx context.Context, db *state.DB, kind string) ([]T, error) {
	entries, err := db.List(ctx, kind, "")
	if err != nil {
		return nil, err
	}
	values := make([]T, len(entries))
	for i, entry := range entries {
		if err := json.Unmarshal(entry.Value, &values[i]); err != nil {
			return nil, fmt.Errorf("%s %s: %w", kind, entry.Key, err)
		}
	}
	return values, nil
}
