package cluster

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// The documents by which Entra ID verifies the cluster's service account tokens.
const (
	discoveryDocument = "/.well-known/openid-configuration"
	keysDocument      = "/openid/v1/jwks"
)

// chooseIssuer makes the key that signs service account tokens, once: the
// cluster's ignition and everything it signed hold on to it.
func (s *steps) chooseIssuer(ctx context.Context, w *pipeline.Work) error {
	if c := w.Cluster(); c.Internal.BoundServiceAccountSigningKey != "" && c.Properties.ClusterProfile.OIDCIssuer != "" {
		return nil
	}
	key, err := rsa.GenerateKey(rand.Reader, 4096)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	return w.Save(ctx, func(c *model.Cluster) error {
		if c.Internal.BoundServiceAccountSigningKey != "" && c.Properties.ClusterProfile.OIDCIssuer != "" {
			return store.ErrUnchanged
		}
		fill(&c.Internal.BoundServiceAccountSigningKey, model.Secret(text))
		fill(&c.Properties.ClusterProfile.OIDCIssuer, strings.TrimSuffix(s.Env.OIDCIssuer, "/")+"/"+issuerPath(c))
		return nil
	})
}

func issuerPath(c *model.Cluster) string { return c.Internal.TenantID + "/" + c.Internal.UID }

// publishIssuer writes the documents, from the stored key.
func (s *steps) publishIssuer(ctx context.Context, w *pipeline.Work) error {
	c := w.Cluster()
	keys, err := keySet(c.Internal.BoundServiceAccountSigningKey)
	if err != nil {
		return err
	}
	discovery, err := discoveryOf(c.Properties.ClusterProfile.OIDCIssuer)
	if err != nil {
		return err
	}
	blobs, container, err := s.issuerBlobs()
	if err != nil {
		return err
	}
	options := &azblob.UploadBufferOptions{HTTPHeaders: &blob.HTTPHeaders{BlobContentType: new("application/json")}}
	if _, err := blobs.UploadBuffer(ctx, container, issuerPath(c)+keysDocument, keys, options); err != nil {
		return err
	}
	_, err = blobs.UploadBuffer(ctx, container, issuerPath(c)+discoveryDocument, discovery, options)
	return err
}

// unpublishIssuer removes the documents.
func (s *steps) unpublishIssuer(ctx context.Context, w *pipeline.Work) error {
	blobs, container, err := s.issuerBlobs()
	if err != nil {
		return err
	}
	for _, document := range []string{discoveryDocument, keysDocument} {
		_, err := blobs.DeleteBlob(ctx, container, issuerPath(w.Cluster())+document, nil)
		if err != nil && !bloberror.HasCode(err, bloberror.BlobNotFound, bloberror.ContainerNotFound) {
			return err
		}
	}
	return nil
}

// issuerBlobs is the service's own storage account for these documents.
func (s *steps) issuerBlobs() (*azblob.Client, string, error) {
	url := strings.TrimSuffix(s.Env.OIDCStorage, "/")
	end := strings.LastIndexByte(url, '/')
	if end < 0 {
		return nil, "", errors.New("the URL of the OIDC storage names no container")
	}
	blobs, err := s.Azure.Blobs(url[:end+1], s.Azure.Service())
	return blobs, url[end+1:], err
}

func discoveryOf(issuer string) ([]byte, error) {
	return json.Marshal(map[string]any{
		"issuer": issuer, "jwks_uri": issuer + keysDocument,
		"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"claims_supported":                      []string{"aud", "exp", "iat", "iss", "sub"},
	})
}

// keySet is the public half, named as Kubernetes names it in tokens.
func keySet(private model.Secret) ([]byte, error) {
	block, _ := pem.Decode([]byte(string(private)))
	if block == nil {
		return nil, errors.New("the signing key of service accounts is not PEM")
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the signing key of service accounts is damaged") // the cause might tell of it
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(der)
	encode := base64.RawURLEncoding.EncodeToString
	return json.Marshal(map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": encode(id[:]),
		"n": encode(key.N.Bytes()), "e": encode(big.NewInt(int64(key.E)).Bytes()),
	}}})
}
