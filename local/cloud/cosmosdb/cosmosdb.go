// Package cosmosdb is Microsoft.DocumentDB of the local Azure: Cosmos DB accounts with their
// databases, containers and data-plane roles, and their data plane, a server of the protocol behind
// the account's own access rules.
//
// It does not interpret documents.
package cosmosdb

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/entra"
	"github.com/aro-rp/aro/local/cloud/resources"
	"github.com/aro-rp/aro/local/cloud/state"
)

// Prefix is the path below which accounts are.
const Prefix = "/cosmos/"

const (
	accountType    = "Microsoft.DocumentDB/databaseAccounts"
	databaseType   = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases"
	containerType  = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers"
	assignmentType = "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments"
	definitionType = "Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions"
	// dataReader and dataContributor are the built-in roles.
	dataReader, dataContributor = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
	// keyBytes is the length of account keys.
	keyBytes = 64
)

type object = map[string]any

// Options of a Service.
type Options struct {
	Engine *resources.Engine
	Origin string
	// Tokens returns the sender of a request.
	Tokens interface {
		Verify(token string) (entra.Caller, error)
	}
	// Open starts the server of an account, which is empty.
	Open func(ctx context.Context, account string) (http.Handler, error)
	// Keep has the documents when no server does; nil keeps none.
	Keep *state.DB
	Log  *slog.Logger
}

// Service keeps the rules of accounts and answers their data plane.
type Service struct {
	Options

	mu      sync.Mutex
	servers map[string]http.Handler // by name of the account
	allowed map[string]time.Time    // until when a principal need not be looked up again

	turns turns
}

// New registers the types with the engine.
func New(o Options) *Service {
	s := &Service{Options: o, servers: map[string]http.Handler{}, allowed: map[string]time.Time{}}
	o.Engine.Register(accountType, resources.Behaviour{
		Put: s.putAccount, Settle: func(ctx context.Context, r *resources.Resource) error {
			_, err := s.server(ctx, r.Name)
			return err
		},
		Show: s.showAccount, Created: http.StatusOK,
		Actions: map[string]resources.Action{"listKeys": {Run: s.listKeys}, "readonlykeys": {Run: s.listKeys}, "listConnectionStrings": {Run: s.connections}},
	})
	o.Engine.Register(databaseType, resources.Behaviour{Put: s.putPart("/dbs"), Deleted: s.drop, Stateless: true, Created: http.StatusOK, Show: hideEtag})
	o.Engine.Register(containerType, resources.Behaviour{Put: s.putPart("/colls"), Deleted: s.drop, Stateless: true, Created: http.StatusOK, Show: hideEtag})
	o.Engine.Register(assignmentType, resources.Behaviour{Put: s.putAssignment, Stateless: true, Created: http.StatusOK, Show: hideEtag})
	o.Engine.Name(definitionType)
	return s
}

func hideEtag(_ context.Context, r *resources.Resource, _ url.Values) error {
	r.Etag = ""
	return nil
}

func badRequest(message string, args ...any) error {
	return resources.Refuse(http.StatusBadRequest, "BadRequest", message, args...)
}

var accountName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,42}[a-z0-9]$`)

func (s *Service) putAccount(ctx context.Context, c *resources.Change) error {
	r := c.New
	if !accountName.MatchString(r.Name) {
		return badRequest("DatabaseAccount name '%s' is invalid. Name must be 3 to 44 lower-case letters, digits and hyphens.", r.Name)
	}
	if other, err := s.account(ctx, r.Name); err != nil || other != nil && resources.Key(other.ID) != resources.Key(r.ID) {
		if err == nil {
			err = resources.Refuse(http.StatusConflict, "Conflict", "DatabaseAccount with name '%s' already exists.", r.Name)
		}
		return err
	}
	if r.Text("databaseAccountOfferType") != "Standard" || len(resources.Objects(r.Get("locations"))) == 0 {
		return badRequest("A database account needs databaseAccountOfferType Standard and locations.")
	}
	if r.Kind == "" {
		r.Kind = "GlobalDocumentDB"
	}
	r.Default("Session", "consistencyPolicy", "defaultConsistencyLevel")
	r.Default(false, "disableLocalAuth")
	if c.Old == nil {
		key := make([]byte, 0, keyBytes)
		for range keyBytes / 32 {
			key = append(key, newKey()...)
		}
		r.Local = object{"key": base64.StdEncoding.EncodeToString(key)}
	}
	return nil
}

func (s *Service) endpoint(account string) string { return s.Origin + Prefix + account + "/" }

func (s *Service) showAccount(_ context.Context, r *resources.Resource, _ url.Values) error {
	r.Etag = ""
	r.Set(s.endpoint(r.Name), "documentEndpoint")
	var regions []any
	for _, location := range resources.Objects(r.Get("locations")) {
		name, _ := location["locationName"].(string)
		regions = append(regions, object{"id": r.Name + "-" + name, "locationName": name, "documentEndpoint": s.endpoint(r.Name), "provisioningState": resources.Succeeded, "failoverPriority": location["failoverPriority"]})
	}
	r.Set(regions, "writeLocations")
	r.Set(regions, "readLocations")
	return nil
}

// account finds an account by its name, nil if there is none.
func (s *Service) account(ctx context.Context, name string) (*resources.Resource, error) {
	all, err := s.Engine.Below(ctx, "/subscriptions", accountType)
	for _, r := range all {
		if arm.EqualFold(r.Name, name) {
			return r, nil
		}
	}
	return nil, err
}

func (s *Service) listKeys(_ context.Context, r *resources.Resource, _ *resources.Call) (any, error) {
	if r.Get("disableLocalAuth") == true {
		return nil, resources.Refuse(http.StatusPreconditionFailed, "PreconditionFailed", "Local authorization is disabled for the account '%s'. Use a token of Entra ID.", r.Name)
	}
	key := r.Local["key"]
	return object{"primaryMasterKey": key, "secondaryMasterKey": key, "primaryReadonlyMasterKey": key, "secondaryReadonlyMasterKey": key}, nil
}

func (s *Service) connections(ctx context.Context, r *resources.Resource, call *resources.Call) (any, error) {
	if _, err := s.listKeys(ctx, r, call); err != nil {
		return nil, err
	}
	key, _ := r.Local["key"].(string)
	return object{"connectionStrings": []object{{"description": "Primary SQL Connection String", "connectionString": "AccountEndpoint=" + s.endpoint(r.Name) + ";AccountKey=" + key + ";"}}}, nil
}

// putPart creates a database or a container where there is none yet.
func (s *Service) putPart(collection string) func(context.Context, *resources.Change) error {
	return func(ctx context.Context, c *resources.Change) error {
		body := resources.Object(c.New.Get("resource"))
		if id, _ := body["id"].(string); id != c.New.Name {
			return badRequest("The id of the resource '%s' must be its name.", c.New.Name)
		}
		if c.Old != nil {
			before, _ := json.Marshal([]any{resources.At(resources.Object(c.Old.Get("resource")), "partitionKey"), resources.At(resources.Object(c.Old.Get("resource")), "uniqueKeyPolicy")})
			after, _ := json.Marshal([]any{body["partitionKey"], body["uniqueKeyPolicy"]})
			if !bytes.Equal(before, after) {
				return badRequest("The partition key and the unique keys of the container '%s' cannot change.", c.New.Name)
			}
		}
		names := dataNames(c.New.ID)
		server, err := s.server(ctx, names[0])
		if err != nil {
			return err
		}
		return s.make(ctx, server, partPath(names[:len(names)-1])+collection, body)
	}
}

// dataNames are the names of an account, a database and a container in an id.
func dataNames(id string) []string {
	var names []string
	segments := resources.Segments(id)
	for i := 7; i < len(segments); i += 2 {
		names = append(names, segments[i])
	}
	return names
}

// partPath is the path of a database or container in the data plane.
func partPath(names []string) string {
	path := ""
	for i, name := range names[1:] {
		path += [...]string{"/dbs/", "/colls/"}[i] + name
	}
	return path
}

// make creates something on the server; that it exists is no failure.
func (s *Service) make(ctx context.Context, server http.Handler, path string, body any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	status, answer, err := send(ctx, server, call{http.MethodPost, path, "", content})
	if err == nil && status >= http.StatusBadRequest && status != http.StatusConflict {
		err = badRequest("The database server answered %d: %s", status, answer)
	}
	return err
}

// call is a request to the server itself.
type call struct {
	method, path, partition string
	content                 []byte
}

// send calls the server itself, which needs no authentication.
func send(ctx context.Context, server http.Handler, c call) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, c.method, "http://account"+c.path, bytes.NewReader(c.content))
	if err != nil {
		return 0, "", err
	}
	if c.partition != "" {
		r.Header.Set("x-ms-documentdb-partitionkey", c.partition)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("x-ms-version", "2018-12-31")
	r.Header.Set("x-ms-date", time.Now().UTC().Format(http.TimeFormat))
	r.Header.Set("Authorization", "local")
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	answer, err := io.ReadAll(io.LimitReader(w.Body, 1<<10))
	return w.Code, string(answer), err
}

// drop removes a database or container from the server.
func (s *Service) drop(ctx context.Context, r *resources.Resource) error {
	names := dataNames(r.ID)
	server, err := s.server(ctx, names[0])
	if err != nil {
		return err
	}
	status, answer, err := send(ctx, server, call{method: http.MethodDelete, path: partPath(names)})
	if err == nil && status >= http.StatusBadRequest && status != http.StatusNotFound {
		err = fmt.Errorf("the database server answered %d: %s", status, answer)
	}
	if err == nil {
		err = s.forget(ctx, names)
	}
	return err
}

// server of an account, which is started, with the databases and containers that the
// account has and the documents that were kept, when it is first asked for.
func (s *Service) server(ctx context.Context, account string) (http.Handler, error) {
	account = strings.ToLower(account)
	s.mu.Lock()
	defer s.mu.Unlock()
	if server := s.servers[account]; server != nil {
		return server, nil
	}
	r, err := s.account(ctx, account)
	if err != nil {
		return nil, err
	}
	server, err := s.Open(ctx, account)
	if err != nil {
		return nil, fmt.Errorf("database account %s: %w", account, err)
	}
	if r != nil {
		for _, kind := range []struct{ resourceType, collection string }{{databaseType, "/dbs"}, {containerType, "/colls"}} {
			parts, err := s.Engine.Below(ctx, r.ID, kind.resourceType)
			if err != nil {
				return nil, err
			}
			for _, part := range parts {
				names := dataNames(part.ID)
				if err := s.make(ctx, server, partPath(names[:len(names)-1])+kind.collection, part.Get("resource")); err != nil {
					return nil, err
				}
			}
		}
	}
	if err := s.restore(ctx, server, account); err != nil {
		return nil, fmt.Errorf("documents of account %s: %w", account, err)
	}
	s.servers[account] = server
	return server, nil
}

func (s *Service) putAssignment(_ context.Context, c *resources.Change) error {
	role := c.New.Text("roleDefinitionId")
	if name := role[strings.LastIndex(role, "/")+1:]; name != dataReader && name != dataContributor {
		return badRequest("The role definition '%s' does not exist; the local Azure has the built-in ones.", role)
	}
	account := strings.SplitN(resources.Key(c.New.ID), "/sqlroleassignments/", 2)[0]
	if scope := resources.Key(c.New.Text("scope")); scope != account && !strings.HasPrefix(scope, account+"/dbs/") {
		return badRequest("The scope '%s' is not of the account.", c.New.Text("scope"))
	}
	return nil
}
