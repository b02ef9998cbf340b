// Package blob is the Blob service of every storage account of the local Azure:
// containers, block blobs, and the ways a caller proves itself: a token, a shared
// access signature, an account key, or nothing at all for what is public.
//
// Accounts themselves are resources of ARM, kept elsewhere; which principal may do
// what is decided elsewhere too.
package blob

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/local/cloud/entra"
	"github.com/aro-rp/aro/local/cloud/state"
)

// Audience is the resource that tokens of callers are for.
const Audience = "https://storage.azure.com"

// version is the newest of the service that is served.
const version = "2026-06-06"

// Tokens returns the principal of a bearer token.
type Tokens interface {
	Verify(token string) (entra.Caller, error)
}

// Access decides whether a principal may do a data action at a scope.
type Access interface {
	Check(ctx context.Context, principalObjectID, action, scope string) (allowed bool, why string, err error)
}

// Accounts finds a storage account by its name.
type Accounts interface {
	StorageAccount(ctx context.Context, name string) (account Account, found bool, err error)
}

// Account is what the service has to know of a storage account.
type Account struct {
	ID           string // of the ARM resource
	NoSharedKeys bool   // allowSharedKeyAccess is false
	PublicAccess bool   // allowBlobPublicAccess is true
}

// Options are what New needs.
type Options struct {
	State    *state.DB
	Dir      string // of the content
	Origin   string // https://host:port, the accounts are below /blob/
	Tenant   string
	Tokens   Tokens
	Access   Access
	Accounts Accounts
	Now      func() time.Time // nil is time.Now
}

// Service serves all accounts. Its methods may be called from many goroutines.
type Service struct {
	Options
	delegation []byte // the secret that user delegation keys are derived from
}

// New makes the service over what is kept in the state and the directory.
func New(ctx context.Context, o Options) (*Service, error) {
	o.Origin = strings.TrimSuffix(o.Origin, "/")
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Service{Options: o}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	var err error
	if s.delegation, err = s.loadDelegation(ctx); err != nil {
		return nil, fmt.Errorf("blob: delegation secret: %w", err)
	}
	if err := s.sweep(ctx); err != nil {
		return nil, fmt.Errorf("blob: %s: %w", filepath.Base(o.Dir), err)
	}
	return s, nil
}

// request is one call: what it addresses, in whose account.
type request struct {
	*http.Request
	w                     http.ResponseWriter
	account               Account
	name, container, blob string
	query                 url.Values
	caller                string // object id, if a token was sent
	createOnly            bool   // the caller may create but not overwrite
}

// ServeHTTP answers below /blob/{account}/, and at the hosts of accounts.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("x-ms-request-id", uuid.NewString())
	w.Header().Set("x-ms-version", version)
	if id := r.Header.Get("x-ms-client-request-id"); id != "" && len(id) <= 1024 {
		w.Header().Set("x-ms-client-request-id", id)
	}
	err := s.serve(w, r)
	if err == nil {
		return
	}
	var refused *refusal
	if !errors.As(err, &refused) {
		refused = refuse(http.StatusInternalServerError, "InternalError", "The server encountered an internal error. Please retry the request.")
	}
	refused.write(w, r)
}

var containerName = regexp.MustCompile(`^(\$web|\$root|\$logs|[a-z0-9](-?[a-z0-9]){2,62})$`)

// hostPart is between an account's name and the host of the origin.
const hostPart = ".blob."

// Hosted reports whether a host is that of an account, for who mounts the service.
func Hosted(host string) bool {
	name, _, ok := strings.Cut(host, hostPart)
	return ok && name != "" && !strings.Contains(name, ".")
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) error {
	path, _ := strings.CutPrefix(r.URL.Path, "/blob/")
	if Hosted(r.Host) {
		name, _, _ := strings.Cut(r.Host, hostPart)
		path = name + r.URL.Path
	}
	name, rest, _ := strings.Cut(path, "/")
	container, blob, _ := strings.Cut(rest, "/")
	q := &request{Request: r, w: w, name: strings.ToLower(name), container: container, blob: blob, query: r.URL.Query()}
	var found bool
	var err error
	if q.account, found, err = s.Accounts.StorageAccount(r.Context(), q.name); err != nil {
		return err
	}
	if !found {
		return refuse(http.StatusNotFound, "ResourceNotFound", fmt.Sprintf("There is no storage account '%s'.", name))
	}
	if container != "" && !containerName.MatchString(container) || len(blob) > 1024 {
		return refuse(http.StatusBadRequest, "InvalidResourceName", "The specified resource name contains invalid characters.")
	}
	op, ok := q.operation()
	if !ok {
		return refuse(http.StatusBadRequest, "UnsupportedOperation", fmt.Sprintf("%s of comp=%s restype=%s is not offered.", r.Method, q.query.Get("comp"), q.query.Get("restype")))
	}
	if err := s.authorize(q, op); err != nil {
		return err
	}
	return op.run(s, q)
}

// operation is what a call does and the permission that it needs.
type operation struct {
	action      string // of a role, below Microsoft.Storage/storageAccounts/blobServices/
	permissions string // of a shared access signature: any of them will do, none if empty
	level       byte   // of an account's signature: s(ervice), c(ontainer) or o(bject)
	public      string // the public access that suffices: blob, container, or none
	run         func(*Service, *request) error
}

const (
	readBlob       = "containers/blobs/read"
	writeBlob      = "containers/blobs/write"
	deleteBlob     = "containers/blobs/delete"
	readContainer  = "containers/read"
	writeContainer = "containers/write"
)

// operations by level, method, restype and comp.
var operations = map[string]operation{
	"s GET  list":                      {readContainer, "l", 's', "", (*Service).listContainers},
	"s GET service properties":         {"read", "r", 's', "", (*Service).serviceProperties},
	"s POST service userdelegationkey": {"generateUserDelegationKey/action", "", 's', "", (*Service).userDelegationKey},
	"s GET account properties":         {readContainer, "r", 's', "", (*Service).accountProperties},
	"s HEAD account properties":        {readContainer, "r", 's', "", (*Service).accountProperties},
	"c PUT container ":                 {writeContainer, "cw", 'c', "", (*Service).createContainer},
	"c GET container ":                 {readContainer, "r", 'c', "container", (*Service).containerProperties},
	"c HEAD container ":                {readContainer, "r", 'c', "container", (*Service).containerProperties},
	"c DELETE container ":              {"containers/delete", "d", 'c', "", (*Service).deleteContainer},
	"c GET container acl":              {readContainer, "", 'c', "", (*Service).containerACL},
	"c PUT container acl":              {writeContainer, "", 'c', "", (*Service).setContainerACL},
	"c PUT container metadata":         {writeContainer, "w", 'c', "", (*Service).setContainerMetadata},
	"c PUT container lease":            {writeContainer, "dw", 'c', "", (*Service).leaseContainer},
	"c GET container list":             {readBlob, "l", 'c', "container", (*Service).listBlobs},
	"o GET  ":                          {readBlob, "r", 'o', "blob", (*Service).getBlob},
	"o HEAD  ":                         {readBlob, "r", 'o', "blob", (*Service).headBlob},
	"o PUT  ":                          {writeBlob, "cw", 'o', "", (*Service).putBlob},
	"o DELETE  ":                       {deleteBlob, "d", 'o', "", (*Service).deleteBlob},
	"o PUT  block":                     {writeBlob, "cw", 'o', "", (*Service).putBlock},
	"o PUT  blocklist":                 {writeBlob, "cw", 'o', "", (*Service).putBlockList},
	"o GET  blocklist":                 {readBlob, "r", 'o', "", (*Service).getBlockList},
	"o PUT  metadata":                  {writeBlob, "w", 'o', "", (*Service).setMetadata},
	"o PUT  properties":                {writeBlob, "w", 'o', "", (*Service).setProperties},
	"o PUT  lease":                     {writeBlob, "dw", 'o', "", (*Service).leaseBlob},
}

func (q *request) operation() (operation, bool) {
	level := "s"
	switch {
	case q.blob != "":
		level = "o"
	case q.container != "":
		level = "c"
	}
	restype := strings.ToLower(q.query.Get("restype"))
	op, ok := operations[level+" "+q.Method+" "+restype+" "+strings.ToLower(q.query.Get("comp"))]
	return op, ok
}

// scope is the resource that roles are assigned at.
func (q *request) scope() string {
	if q.container == "" {
		return q.account.ID
	}
	return q.account.ID + "/blobServices/default/containers/" + q.container
}

// answer writes an XML document, or a bare status for nil.
func (q *request) answer(status int, document any) error {
	if document == nil {
		q.w.WriteHeader(status)
		return nil
	}
	body, err := xml.Marshal(document)
	if err != nil {
		return err
	}
	q.w.Header().Set("Content-Type", "application/xml")
	q.w.WriteHeader(status)
	_, _ = q.w.Write(append([]byte(xml.Header), body...)) // the caller is gone
	return nil
}

// refusal is an error as the service words it.
type refusal struct {
	status        int
	code, message string
}

func refuse(status int, code, message string) *refusal { return &refusal{status, code, message} }

func (r *refusal) Error() string { return r.code + ": " + r.message }

func (r *refusal) write(w http.ResponseWriter, request *http.Request) {
	w.Header().Set("x-ms-error-code", r.code)
	if r.status == http.StatusNotModified || request.Method == http.MethodHead {
		w.WriteHeader(r.status)
		return
	}
	body, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: r.code, Message: fmt.Sprintf("%s\nRequestId:%s\nTime:%s", r.message, w.Header().Get("x-ms-request-id"), time.Now().UTC().Format(time.RFC3339Nano))})
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(r.status)
	_, _ = w.Write(append([]byte(xml.Header), body...))
}
