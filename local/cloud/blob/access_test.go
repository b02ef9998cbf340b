package blob_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"

	"github.com/aro-rp/aro/local/cloud/blob"
)

// filled has the containers ignition and aro, each with a blob "b".
func filled(t *testing.T, w *fixture, account string) {
	t.Helper()
	for _, name := range []string{"ignition", "aro"} {
		_, err := w.blob.CreateContainer(t.Context(), account, name, "")
		check(t, err)
		check(t, w.blob.PutBlob(t.Context(), blob.Address{Account: account, Container: name, Name: "b"}, "text/plain", strings.NewReader(name)))
	}
}

func TestRolesDecideForTokens(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	filled(t, w, account)
	reader := w.byToken(t, account, grant{"containers/blobs/read", scope})
	mustRead(t, reader, "aro", "b", "aro")
	mustFail(t, write(ctx, reader, "aro", "b", "x"), http.StatusForbidden, "AuthorizationPermissionMismatch")
	_, err := reader.DeleteContainer(ctx, "aro", nil)
	mustFail(t, err, http.StatusForbidden, "AuthorizationPermissionMismatch")
	ofOne := w.byToken(t, account, grant{"containers/blobs/", scope + "/blobServices/default/containers/aro"})
	check(t, write(ctx, ofOne, "aro", "b", "x"))
	_, err = read(ctx, ofOne, "ignition", "b")
	mustFail(t, err, http.StatusForbidden, "AuthorizationPermissionMismatch")
	anonymous := w.byToken(t, account)
	_, err = read(ctx, anonymous, "aro", "b")
	mustFail(t, err, http.StatusForbidden, "AuthorizationPermissionMismatch")
	_, err = read(ctx, w.byToken(t, "absent", grant{"", ""}), "aro", "b")
	mustFail(t, err, http.StatusNotFound, "ResourceNotFound")
}

func TestKeysOpenTheirAccountUntilTheyChange(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	filled(t, w, account)
	client := w.byKey(t, account)
	mustRead(t, client, "aro", "b", "aro")
	elsewhere, err := azblob.NewClientWithSharedKeyCredential(w.address("aroidc")+"/", w.sharedKey(t, account), &azblob.ClientOptions{ClientOptions: w.options()})
	check(t, err)
	_, err = read(ctx, elsewhere, "aro", "b")
	mustFail(t, err, http.StatusForbidden, "AuthenticationFailed")
	_, err = w.blob.RegenerateKey(ctx, account, "key1")
	check(t, err)
	_, err = read(ctx, client, "aro", "b")
	mustFail(t, err, http.StatusForbidden, "AuthenticationFailed")
	filled(t, w, "nokeys")
	_, err = read(ctx, w.byKey(t, "nokeys"), "aro", "b")
	mustFail(t, err, http.StatusForbidden, "KeyBasedAuthenticationNotPermitted")
}

// signed is the query of a signature by the account's key.
func (w *fixture) signed(t *testing.T, account string, v sas.BlobSignatureValues) string {
	t.Helper()
	if v.ExpiryTime.IsZero() {
		v.ExpiryTime = time.Now().UTC().Add(time.Hour)
	}
	v.Protocol = sas.ProtocolHTTPS
	query, err := v.SignWithSharedKey(w.sharedKey(t, account))
	check(t, err)
	return query.Encode()
}

func TestSignatureOfAContainerReachesThatContainer(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	filled(t, w, account)
	reader := w.bySAS(t, account, w.signed(t, account, sas.BlobSignatureValues{ContainerName: "aro", Permissions: "rl"}))
	mustRead(t, reader, "aro", "b", "aro")
	_, err := reader.NewListBlobsFlatPager("aro", nil).NextPage(ctx)
	check(t, err)
	mustFail(t, write(ctx, reader, "aro", "b", "x"), http.StatusForbidden, "AuthorizationPermissionMismatch")
	_, err = read(ctx, reader, "ignition", "b")
	mustFail(t, err, http.StatusForbidden, "AuthenticationFailed")
	_, err = reader.DeleteContainer(ctx, "aro", nil)
	mustFail(t, err, http.StatusForbidden, "AuthorizationResourceTypeMismatch")

	old := w.bySAS(t, account, w.signed(t, account, sas.BlobSignatureValues{ContainerName: "aro", Permissions: "r", ExpiryTime: time.Now().UTC().Add(-time.Minute)}))
	_, err = read(ctx, old, "aro", "b")
	mustFail(t, err, http.StatusForbidden, "AuthenticationFailed")
	early := w.bySAS(t, account, w.signed(t, account, sas.BlobSignatureValues{ContainerName: "aro", Permissions: "r", StartTime: time.Now().UTC().Add(time.Minute)}))
	_, err = read(ctx, early, "aro", "b")
	mustFail(t, err, http.StatusForbidden, "AuthenticationFailed")
	changed := w.bySAS(t, account, strings.Replace(w.signed(t, account, sas.BlobSignatureValues{ContainerName: "aro", Permissions: "r"}), "sp=r", "sp=rw", 1))
	mustFail(t, write(ctx, changed, "aro", "b", "x"), http.StatusForbidden, "AuthenticationFailed")
	away := sas.BlobSignatureValues{ContainerName: "aro", Permissions: "r", IPRange: sas.IPRange{Start: []byte{10, 0, 0, 1}, End: []byte{10, 0, 0, 9}}}
	_, err = read(ctx, w.bySAS(t, account, w.signed(t, account, away)), "aro", "b")
	mustFail(t, err, http.StatusForbidden, "AuthorizationSourceIPMismatch")
	here := sas.BlobSignatureValues{ContainerName: "aro", Permissions: "r", IPRange: sas.IPRange{Start: []byte{127, 0, 0, 1}}}
	mustRead(t, w.bySAS(t, account, w.signed(t, account, here)), "aro", "b", "aro")
}

func TestSignatureOfABlobReachesThatBlob(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	filled(t, w, account)
	client := w.bySAS(t, account, w.signed(t, account, sas.BlobSignatureValues{ContainerName: "aro", BlobName: "b", Permissions: "r", ContentType: "text/other"}))
	mustRead(t, client, "aro", "b", "aro")
	properties, err := client.ServiceClient().NewContainerClient("aro").NewBlobClient("b").GetProperties(ctx, nil)
	check(t, err)
	if *properties.ContentType != "text/other" {
		t.Error(*properties.ContentType)
	}
	_, err = read(ctx, client, "aro", "c")
	mustFail(t, err, http.StatusForbidden, "AuthenticationFailed")
	address, err := w.byNamedKey(t, account).ServiceClient().NewContainerClient("aro").NewBlobClient("b").GetSASURL(sas.BlobPermissions{Read: true}, time.Now().Add(time.Hour), nil)
	check(t, err)
	mustRead(t, w.bySAS(t, account, address[strings.Index(address, "?")+1:]), "aro", "b", "aro")
	creator := w.bySAS(t, account, w.signed(t, account, sas.BlobSignatureValues{ContainerName: "aro", Permissions: "c"}))
	check(t, write(ctx, creator, "aro", "new", "x"))
	mustFail(t, write(ctx, creator, "aro", "b", "x"), http.StatusForbidden, "UnauthorizedBlobOverwrite")
}

func TestSignatureOfAnAccountReachesItsKindsOfResources(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	filled(t, w, account)
	ofSDK := func(permissions sas.AccountPermissions, types sas.AccountResourceTypes) *azblob.Client {
		address, err := w.byKey(t, account).ServiceClient().GetSASURL(types, permissions, time.Now().Add(time.Hour), nil)
		check(t, err)
		return w.bySAS(t, account, address[strings.Index(address, "?")+1:])
	}
	objects := ofSDK(sas.AccountPermissions{Read: true, Write: true}, sas.AccountResourceTypes{Object: true})
	mustRead(t, objects, "aro", "b", "aro")
	check(t, write(ctx, objects, "aro", "b", "x"))
	_, err := objects.DeleteContainer(ctx, "aro", nil)
	mustFail(t, err, http.StatusForbidden, "AuthorizationResourceTypeMismatch")
	containers := ofSDK(sas.AccountPermissions{Delete: true}, sas.AccountResourceTypes{Container: true})
	_, err = containers.DeleteContainer(ctx, "ignition", nil)
	check(t, err)

	expiry := time.Now().UTC().Add(24 * time.Hour).Format(time.RFC3339)
	query, err := w.blob.AccountSAS(ctx, account, blob.SAS{Services: "b", ResourceTypes: "o", Permissions: "rl", Protocol: "https", Start: time.Now().UTC().Add(-time.Minute).Format(time.RFC3339), Expiry: expiry, Key: "key2"})
	check(t, err)
	mustRead(t, w.bySAS(t, account, query), "aro", "b", "x")
	queues, err := w.blob.AccountSAS(ctx, account, blob.SAS{Services: "q", ResourceTypes: "o", Permissions: "r", Expiry: expiry})
	check(t, err)
	_, err = read(ctx, w.bySAS(t, account, queues), "aro", "b")
	mustFail(t, err, http.StatusForbidden, "AuthorizationServiceMismatch")
	keyless, err := w.blob.AccountSAS(ctx, "nokeys", blob.SAS{Services: "b", ResourceTypes: "o", Permissions: "r", Expiry: expiry})
	check(t, err)
	_, err = read(ctx, w.bySAS(t, "nokeys", keyless), "aro", "b")
	mustFail(t, err, http.StatusForbidden, "KeyBasedAuthenticationNotPermitted")
}

// delegated is the query of a signature by a user delegation key.
func delegated(ctx context.Context, t *testing.T, user *azblob.Client, v sas.BlobSignatureValues) string {
	t.Helper()
	from, until := time.Now().UTC().Add(-10*time.Second), time.Now().UTC().Add(time.Hour)
	key, err := user.ServiceClient().GetUserDelegationCredential(ctx, service.KeyInfo{Start: to.Ptr(from.Format(sas.TimeFormat)), Expiry: to.Ptr(until.Format(sas.TimeFormat))}, nil)
	check(t, err)
	v.StartTime, v.ExpiryTime, v.Protocol = from, until, sas.ProtocolHTTPS
	query, err := v.SignWithUserDelegation(key)
	check(t, err)
	return query.Encode()
}

func TestDelegatedSignatureGivesNoMoreThanItsUserHas(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	filled(t, w, "nokeys") // a delegation needs no keys
	id := scope + "nokeys"
	user := w.byToken(t, "nokeys", grant{"generateUserDelegationKey", id}, grant{"containers/blobs/read", id})
	query := delegated(ctx, t, user, sas.BlobSignatureValues{ContainerName: "ignition", BlobName: "b", Permissions: "rw"})
	client := w.bySAS(t, "nokeys", query)
	mustRead(t, client, "ignition", "b", "ignition")
	w.open(t)
	mustRead(t, client, "ignition", "b", "ignition")
	mustFail(t, write(ctx, client, "ignition", "b", "x"), http.StatusForbidden, "AuthorizationPermissionMismatch")
	_, err := read(ctx, client, "aro", "b")
	mustFail(t, err, http.StatusForbidden, "AuthenticationFailed")
	filled(t, w, account)
	_, err = read(ctx, w.bySAS(t, account, query), "ignition", "b")
	mustFail(t, err, http.StatusForbidden, "AuthenticationFailed")
	later := strings.Replace(query, "ske=", "ske=2027-01-01T00%3A00%3A00Z&x=", 1)
	_, err = read(ctx, w.bySAS(t, "nokeys", later), "ignition", "b")
	mustFail(t, err, http.StatusForbidden, "AuthenticationFailed")
	_, err = w.byToken(t, "nokeys", grant{"containers/", id}).ServiceClient().GetUserDelegationCredential(ctx, service.KeyInfo{Expiry: to.Ptr(time.Now().UTC().Add(time.Hour).Format(sas.TimeFormat))}, nil)
	mustFail(t, err, http.StatusForbidden, "AuthorizationPermissionMismatch")
}

func TestNobodyReadsButWhatIsPublic(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	_, err := w.blob.CreateContainer(ctx, "aroidc", "$web", "")
	check(t, err)
	const name = tenant + "/1/.well-known/openid-configuration"
	check(t, write(ctx, w.byKey(t, "aroidc"), "$web", name, "{}"))
	anonymous := func(account string) *azblob.Client {
		client, err := azblob.NewClientWithNoCredential(w.address(account)+"/", &azblob.ClientOptions{ClientOptions: w.options()})
		check(t, err)
		return client
	}
	mustRead(t, anonymous("aroidc"), "$web", name, "{}")
	mustFail(t, write(ctx, anonymous("aroidc"), "$web", name, "x"), http.StatusUnauthorized, "NoAuthenticationInformation")
	_, err = anonymous("aroidc").NewListBlobsFlatPager("$web", nil).NextPage(ctx)
	mustFail(t, err, http.StatusUnauthorized, "NoAuthenticationInformation")

	filled(t, w, account)
	_, err = read(ctx, anonymous(account), "aro", "b")
	mustFail(t, err, http.StatusUnauthorized, "NoAuthenticationInformation")
	_, err = w.byKey(t, account).CreateContainer(ctx, "open", &container.CreateOptions{Access: to.Ptr(container.PublicAccessTypeBlob)})
	mustFail(t, err, http.StatusConflict, "PublicAccessNotPermitted")
	_, err = w.byKey(t, "public").CreateContainer(ctx, "open", &container.CreateOptions{Access: to.Ptr(container.PublicAccessTypeBlob)})
	check(t, err)
	check(t, write(ctx, w.byKey(t, "public"), "open", "b", "x"))
	mustRead(t, anonymous("public"), "open", "b", "x")
	_, err = anonymous("public").NewListBlobsFlatPager("open", nil).NextPage(ctx)
	mustFail(t, err, http.StatusUnauthorized, "NoAuthenticationInformation")
	_, err = w.byKey(t, "public").ServiceClient().NewContainerClient("open").SetAccessPolicy(ctx, &container.SetAccessPolicyOptions{Access: to.Ptr(container.PublicAccessTypeContainer)})
	check(t, err)
	_, err = anonymous("public").NewListBlobsFlatPager("open", nil).NextPage(ctx)
	check(t, err)
}
