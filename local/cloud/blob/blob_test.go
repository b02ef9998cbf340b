package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"

	"github.com/aro-rp/aro/local/cloud/blob"
	"github.com/aro-rp/aro/local/cloud/entra"
	"github.com/aro-rp/aro/local/cloud/state"
)

const (
	tenant  = "00000000-0000-0000-0000-0000000000f0"
	account = "cluster1"
	scope   = "/subscriptions/a1/resourceGroups/aro/providers/Microsoft.Storage/storageAccounts/cluster1"
	data    = "Microsoft.Storage/storageAccounts/blobServices/"
)

// fixture is an Entra ID and the blob service at one TLS server.
type fixture struct {
	*httptest.Server
	entra    *entra.Entra
	blob     *blob.Service
	db       *state.DB
	dir      string
	now      time.Time
	accounts map[string]blob.Account
	grants   map[string][]grant // by principal
	trusted  []entra.FederatedCredential
}

func (w *fixture) FederatedCredentials(context.Context, string) ([]entra.FederatedCredential, error) {
	return w.trusted, nil
}

type grant struct{ action, scope string }

func (w *fixture) Check(_ context.Context, principal, action, at string) (bool, string, error) {
	return slices.ContainsFunc(w.grants[principal], func(g grant) bool {
		return strings.HasPrefix(action, data+g.action) && strings.HasPrefix(at, g.scope)
	}), "no assignment", nil
}

func (w *fixture) StorageAccount(_ context.Context, name string) (blob.Account, bool, error) {
	a, found := w.accounts[name]
	return a, found, nil
}

func (w *fixture) clock() time.Time {
	if w.now.IsZero() {
		return time.Now()
	}
	return w.now
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	w := &fixture{dir: t.TempDir(), grants: map[string][]grant{}, accounts: map[string]blob.Account{
		account: {ID: scope}, "aroidc": {ID: scope + "oidc"}, "public": {ID: scope + "public", PublicAccess: true}, "nokeys": {ID: scope + "nokeys", NoSharedKeys: true},
	}}
	var err error
	w.db, err = state.Open(filepath.Join(t.TempDir(), "state.db"))
	check(t, err)
	t.Cleanup(func() { _ = w.db.Close() })
	w.Server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/blob/") {
			w.blob.ServeHTTP(rw, r)
			return
		}
		w.entra.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.Close)
	w.entra, err = entra.New(t.Context(), entra.Options{State: w.db, Origin: w.URL, Tenant: tenant, Federated: w, Client: w.Client()})
	check(t, err)
	w.open(t)
	return w
}

// open makes the service over what is kept, as a restart does.
func (w *fixture) open(t *testing.T) {
	t.Helper()
	var err error
	w.blob, err = blob.New(t.Context(), blob.Options{State: w.db, Dir: w.dir, Origin: w.URL, Tenant: tenant, Tokens: w.entra, Access: w, Accounts: w, Now: w.clock})
	check(t, err)
}

func (w *fixture) options() policy.ClientOptions {
	return policy.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: w.URL}, Transport: w.Client(), Retry: policy.RetryOptions{MaxRetries: -1}}
}

func (w *fixture) address(parts ...string) string {
	return w.URL + "/blob/" + strings.Join(parts, "/")
}

// credential is of a new application that may do the actions.
func (w *fixture) credential(t *testing.T, grants ...grant) azcore.TokenCredential {
	t.Helper()
	app, err := w.entra.CreateApplication(t.Context(), "", "caller")
	check(t, err)
	sp, err := w.entra.CreateServicePrincipal(t.Context(), app.AppID)
	check(t, err)
	secret, _, err := w.entra.AddPassword(t.Context(), app.AppID, "", time.Time{})
	check(t, err)
	w.grants[sp.ObjectID] = grants
	credential, err := azidentity.NewClientSecretCredential(tenant, app.AppID, secret, &azidentity.ClientSecretCredentialOptions{ClientOptions: w.options(), DisableInstanceDiscovery: true})
	check(t, err)
	return credential
}

func (w *fixture) byToken(t *testing.T, account string, grants ...grant) *azblob.Client {
	t.Helper()
	client, err := azblob.NewClient(w.address(account)+"/", w.credential(t, grants...), &azblob.ClientOptions{ClientOptions: w.options()})
	check(t, err)
	return client
}

func (w *fixture) sharedKey(t *testing.T, account string) *azblob.SharedKeyCredential {
	t.Helper()
	keys, err := w.blob.AccountKeys(t.Context(), account)
	check(t, err)
	credential, err := azblob.NewSharedKeyCredential(account, keys[0].Value)
	check(t, err)
	return credential
}

func (w *fixture) byKey(t *testing.T, account string) *azblob.Client {
	t.Helper()
	client, err := azblob.NewClientWithSharedKeyCredential(w.address(account)+"/", w.sharedKey(t, account), &azblob.ClientOptions{ClientOptions: w.options()})
	check(t, err)
	return client
}

// byNamedKey addresses the server by a name as localhost is one, not by its number,
// which the SDK treats in another way.
func (w *fixture) byNamedKey(t *testing.T, account string) *azblob.Client {
	t.Helper()
	client, err := azblob.NewClientWithSharedKeyCredential("https://example.com/blob/"+account, w.sharedKey(t, account), &azblob.ClientOptions{ClientOptions: w.options()})
	check(t, err)
	return client
}

func (w *fixture) bySAS(t *testing.T, account, query string) *azblob.Client {
	t.Helper()
	client, err := azblob.NewClientWithNoCredential(w.address(account)+"/?"+query, &azblob.ClientOptions{ClientOptions: w.options()})
	check(t, err)
	return client
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustFail(t *testing.T, err error, status int, code string) {
	t.Helper()
	var response *azcore.ResponseError
	if !errors.As(err, &response) || response.StatusCode != status || response.ErrorCode != code {
		t.Errorf("got %v, want %d %s", err, status, code)
	}
}

func read(ctx context.Context, client *azblob.Client, container, name string) (string, error) {
	response, err := client.DownloadStream(ctx, container, name, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	return string(content), err
}

func mustRead(t *testing.T, client *azblob.Client, container, name, want string) {
	t.Helper()
	if got, err := read(t.Context(), client, container, name); err != nil || got != want {
		t.Errorf("%s/%s is %q, want %q: %v", container, name, got, want, err)
	}
}

func write(ctx context.Context, client *azblob.Client, container, name, content string) error {
	_, err := client.UploadBuffer(ctx, container, name, []byte(content), nil)
	return err
}

var large = bytes.Repeat([]byte("0123456789abcdef"), 3<<16) // 3 MiB
