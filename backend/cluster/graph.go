package cluster

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/storage/armstorage"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"

	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/backend/install"
	"github.com/aro-rp/aro/model"
)

// Where the installer's output is kept in a cluster's storage account.
const (
	ignitionContainer, ignitionBlob = "ignition", "bootstrap.ign"
	graphContainer, graphBlob       = "aro", "graph"
)

const (
	// graceForClocks backdates a signature for readers whose clocks are slow.
	graceForClocks = 10 * time.Second
	// keySignedFor is the validity of a signature made with an account's key.
	keySignedFor = 24 * time.Hour
	// delegatedFor is the validity of a signature that Entra ID delegated.
	delegatedFor = time.Hour
	// maxGraph bounds the size of a graph, in bytes: several times the usual size.
	maxGraph = 64 << 20
)

// rights are the permissions of a signature: their letters, and whether they apply to containers or
// to blobs.
type rights struct {
	permissions armstorage.Permissions
	resources   armstorage.SignedResourceTypes
}

var (
	toRead   = rights{"r", armstorage.SignedResourceTypesO}
	toWrite  = rights{"cw", armstorage.SignedResourceTypesO}
	toRemove = rights{"d", armstorage.SignedResourceTypesC}
)

// graphStore stores the installer's output in the cluster's storage account.
type graphStore struct {
	azure *azureAccess
	seal  Keys
	now   func() time.Time
}

// blobs opens the cluster's storage account: with a signature by its key that has the fewest
// permissions or, where accounts have no keys, as the first party application.
func (s *graphStore) blobs(ctx context.Context, c *model.Cluster, r rights) (*azblob.Client, error) {
	clients, err := s.azure.customer(c)
	if err != nil {
		return nil, err
	}
	url, err := blobService(ctx, clients, c)
	if err != nil {
		return nil, err
	}
	if c.UsesWorkloadIdentity() {
		return s.azure.Blobs(url, clients.Credential)
	}
	now := s.now().UTC()
	answer, err := clients.StorageAccounts.ListAccountSAS(ctx, managedGroup(c), storageAccount(c), armstorage.AccountSasParameters{
		Services: new(armstorage.ServicesB), ResourceTypes: &r.resources, Permissions: &r.permissions,
		Protocols: new(armstorage.HTTPProtocolHTTPS), SharedAccessStartTime: new(now.Add(-graceForClocks)), SharedAccessExpiryTime: new(now.Add(keySignedFor)),
	}, nil)
	if err != nil {
		return nil, err
	}
	return s.azure.BlobsWithSAS(url, deref(answer.AccountSasToken))
}

// blobService is the URL of the account's blob service, which ends in a slash.
func blobService(ctx context.Context, clients *azure.Clients, c *model.Cluster) (string, error) {
	account, err := clients.StorageAccounts.GetProperties(ctx, managedGroup(c), storageAccount(c), nil)
	if err != nil {
		return "", err
	}
	if p := account.Properties; p != nil && p.PrimaryEndpoints != nil && deref(p.PrimaryEndpoints.Blob) != "" {
		return strings.TrimSuffix(*p.PrimaryEndpoints.Blob, "/") + "/", nil
	}
	return "", errors.New("the cluster's storage account has no blob service yet")
}

// delegatedSignature lets the bootstrap machine of a cluster whose accounts have no keys read its
// ignition.
func (s *graphStore) delegatedSignature(ctx context.Context, c *model.Cluster) (model.Secret, error) {
	blobs, err := s.blobs(ctx, c, toRead)
	if err != nil {
		return "", err
	}
	from, until := s.now().UTC().Add(-graceForClocks), s.now().UTC().Add(delegatedFor)
	credential, err := blobs.ServiceClient().GetUserDelegationCredential(ctx, service.KeyInfo{
		Start: new(from.Format(sas.TimeFormat)), Expiry: new(until.Format(sas.TimeFormat)),
	}, nil)
	if err != nil {
		return "", err
	}
	signed, err := sas.BlobSignatureValues{
		Protocol: sas.ProtocolHTTPS, StartTime: from, ExpiryTime: until, Permissions: (&sas.BlobPermissions{Read: true}).String(),
		ContainerName: ignitionContainer, BlobName: ignitionBlob,
	}.SignWithUserDelegation(credential)
	if err != nil {
		return "", err
	}
	return model.Secret(signed.Encode()), nil
}

// absent reports whether an error means that a blob, or its container, does not exist. A missing
// account is an error.
func absent(err error) bool {
	return bloberror.HasCode(err, bloberror.BlobNotFound, bloberror.ContainerNotFound)
}

// readGraph reads the installer's output for the cluster.
func (s *graphStore) readGraph(ctx context.Context, c *model.Cluster) (*install.Result, error) {
	blobs, err := s.blobs(ctx, c, toRead)
	if err != nil {
		return nil, err
	}
	answer, err := blobs.DownloadStream(ctx, graphContainer, graphBlob, nil)
	if err != nil {
		return nil, fmt.Errorf("what the installer made: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	sealed, err := io.ReadAll(io.LimitReader(answer.Body, maxGraph))
	if err != nil {
		return nil, fmt.Errorf("what the installer made: %w", err)
	}
	plain, err := unseal(s.seal, c.Internal.UID, sealed)
	if err != nil && s.seal.Renew(ctx) == nil { // a newer key may have sealed it
		plain, err = unseal(s.seal, c.Internal.UID, sealed)
	}
	if err != nil {
		return nil, fmt.Errorf("what the installer made: %w", err)
	}
	var result install.Result
	if err := json.Unmarshal(plain, &result); err != nil {
		return nil, errors.New("what the installer made has another form") // the decoder's text may cite a secret
	}
	return &result, nil
}

// writeGraph commits the installer's output, and returns what is committed: of two concurrent
// writers one wins.
func (s *graphStore) writeGraph(ctx context.Context, w *Work, result *install.Result) (*install.Result, error) {
	c := w.Resource()
	plain, err := json.Marshal(result)
	if err != nil {
		return nil, err
	}
	sealed, err := seal(s.seal, c.Internal.UID, plain)
	if err != nil {
		return nil, err
	}
	blobs, err := s.blobs(ctx, c, toWrite)
	if err != nil {
		return nil, err
	}
	if err := w.Renew(ctx); err != nil { // the installer took its time
		return nil, err
	}
	_, err = blobs.UploadBuffer(ctx, graphContainer, graphBlob, sealed, &azblob.UploadBufferOptions{
		AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: new(azcore.ETagAny)}},
	})
	if azure.Conflict(err) {
		return s.readGraph(ctx, c)
	}
	return result, err
}

// writeIgnition writes the committed ignition for the bootstrap machine, at any repetition, so that
// it never differs from the graph.
func (s *graphStore) writeIgnition(ctx context.Context, c *model.Cluster, committed *install.Result) error {
	blobs, err := s.blobs(ctx, c, toWrite)
	if err != nil {
		return err
	}
	_, err = blobs.UploadBuffer(ctx, ignitionContainer, ignitionBlob, committed.BootstrapIgnition, nil)
	return err
}

// removeIgnition deletes the bootstrap machine's ignition, which holds keys.
func (s *graphStore) removeIgnition(ctx context.Context, w *Work) error {
	blobs, err := s.blobs(ctx, w.Resource(), toRemove)
	if err != nil {
		return err
	}
	_, err = blobs.DeleteContainer(ctx, ignitionContainer, nil)
	if absent(err) || bloberror.HasCode(err, bloberror.ContainerBeingDeleted) {
		return nil
	}
	return err
}

// graphPurpose separates the keys of encrypted blobs from those of the database.
const graphPurpose = "installer graph"

// seal encrypts with the newest key; about names the cluster and is authenticated.
func seal(keys Keys, about string, plain []byte) ([]byte, error) {
	all, err := aeads(keys)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, all[0].NonceSize(), all[0].NonceSize()+len(plain)+all[0].Overhead())
	_, _ = rand.Read(nonce) // never fails (crypto/rand)
	return all[0].Seal(nonce, nonce, plain, []byte(about)), nil
}

// unseal decrypts what seal made with any of the keys.
func unseal(keys Keys, about string, sealed []byte) ([]byte, error) {
	all, err := aeads(keys)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if len(sealed) < a.NonceSize() {
			break
		}
		plain, err := a.Open(nil, sealed[:a.NonceSize()], sealed[a.NonceSize():], []byte(about))
		if err == nil {
			return plain, nil
		}
	}
	return nil, errors.New("the sealed document is damaged, of another cluster, or sealed with a key that is gone")
}

func aeads(keys Keys) ([]cipher.AEAD, error) {
	raw, err := keys.Derive(graphPurpose)
	if err != nil {
		return nil, err
	}
	var all []cipher.AEAD
	for _, key := range raw {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		a, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	if len(all) == 0 {
		return nil, errors.New("there is no key to seal with")
	}
	return all, nil
}
