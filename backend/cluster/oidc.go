package cluster

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strings"

	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// The documents by which Entra ID verifies the cluster's service account tokens.
const (
	discoveryDocument = "/.well-known/openid-configuration"
	keysDocument      = "/openid/v1/jwks"
)

// tokenIssuer manages the key and the documents of a cluster's service account issuer.
type tokenIssuer struct {
	azure *azureAccess
	env   *environment.Environment
}

// chooseIssuer makes the key that signs service account tokens once: the cluster's ignition and
// issued tokens depend on it.
func (s *tokenIssuer) chooseIssuer(ctx context.Context, w *Work) error {
	if c := w.Resource(); c.Internal.BoundServiceAccountSigningKey != "" && c.Properties.ClusterProfile.OIDCIssuer != "" {
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
		fill(&c.Properties.ClusterProfile.OIDCIssuer, strings.TrimSuffix(s.env.OIDCIssuer, "/")+"/"+issuerPath(c))
		return nil
	})
}

// issuerPath is the path of the documents: below the tenant in which the cluster was created, even
// if its subscription moved since, because tokens name the issuer.
func issuerPath(c *model.Cluster) string {
	parts := strings.Split(strings.TrimRight(c.Properties.ClusterProfile.OIDCIssuer, "/"), "/")
	if n := len(parts); n >= 2 {
		return parts[n-2] + "/" + parts[n-1]
	}
	return c.Internal.TenantID + "/" + c.Internal.UID
}

// publishIssuer writes the documents for the stored key.
func (s *tokenIssuer) publishIssuer(ctx context.Context, w *Work) error {
	c := w.Resource()
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
func (s *tokenIssuer) unpublishIssuer(ctx context.Context, w *Work) error {
	blobs, container, err := s.issuerBlobs()
	if err != nil {
		return err
	}
	for _, document := range []string{discoveryDocument, keysDocument} {
		_, err := blobs.DeleteBlob(ctx, container, issuerPath(w.Resource())+document, nil)
		if err != nil && !bloberror.HasCode(err, bloberror.BlobNotFound, bloberror.ContainerNotFound) {
			return err
		}
	}
	return nil
}

// issuerBlobs is the service's own storage account for these documents.
func (s *tokenIssuer) issuerBlobs() (*azblob.Client, string, error) {
	url := strings.TrimSuffix(s.env.OIDCStorage, "/")
	end := strings.LastIndexByte(url, '/')
	if end < 0 {
		return nil, "", errors.New("the URL of the OIDC storage names no container")
	}
	blobs, err := s.azure.Blobs(url[:end+1], s.azure.Service())
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

// keySet is the JSON Web Key Set of the public key, with the key id that Kubernetes writes into
// tokens.
func keySet(private model.Secret) ([]byte, error) {
	block, _ := pem.Decode([]byte(string(private)))
	if block == nil {
		return nil, errors.New("the signing key of service accounts is not PEM")
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the signing key of service accounts is damaged") // the cause might show it
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

// federation manages the federated credentials by which a cluster's service accounts use identities
// in Azure.
type federation struct {
	azure    *azureAccess
	identity *identity
	roleSets *roleSets
	log      *slog.Logger
}

const federationAudience = "openshift"

// federateIdentities gives the operators' identities the cluster's federated credentials, and
// removes those of former identities. Identities are recorded before they trust the cluster.
func (s *federation) federateIdentities(ctx context.Context, w *Work) error {
	if err := s.recordTrust(ctx, w, trusting(w.Resource())); err != nil {
		return err
	}
	if err := s.federateOperators(ctx, w.Resource()); err != nil {
		return err
	}
	c := w.Resource()
	var present, former []string
	for _, id := range c.Internal.TrustingIdentities {
		if isOperators(c, id) {
			present = append(present, id)
		} else {
			former = append(former, id)
		}
	}
	return s.recordTrust(ctx, w, append(present, s.endTrust(ctx, c, former)...))
}

func isOperators(c *model.Cluster, id string) bool {
	for _, identity := range operators(c) {
		if arm.EqualFold(identity.ResourceID, id) {
			return true
		}
	}
	return false
}

func (s *federation) recordTrust(ctx context.Context, w *Work, ids []string) error {
	return w.Save(ctx, func(c *model.Cluster) error {
		if slices.Equal(c.Internal.TrustingIdentities, ids) {
			return store.ErrUnchanged
		}
		c.Internal.TrustingIdentities = ids
		return nil
	})
}

func (s *federation) federateOperators(ctx context.Context, c *model.Cluster) error {
	roles, err := s.roleSets.roles(ctx, c)
	if err != nil {
		return err
	}
	for _, operator := range sortedOperators(c) {
		if len(roles[operator]) == 0 {
			continue
		}
		clients, r, err := s.identity.asClusterIdentity(ctx, c, operators(c)[operator].ResourceID)
		if err != nil {
			return err
		}
		for _, account := range roles[operator][0].ServiceAccounts {
			if err := federate(ctx, clients, r, c, account); err != nil {
				return fmt.Errorf("operator %s: %w", operator, err)
			}
		}
	}
	return nil
}

func federate(ctx context.Context, clients *azure.Clients, identity *azarm.ResourceID, c *model.Cluster, account string) error {
	_, err := clients.FederatedCredentials.CreateOrUpdate(ctx, identity.ResourceGroupName, identity.Name, federationName(c, account),
		armmsi.FederatedIdentityCredential{Properties: &armmsi.FederatedIdentityCredentialProperties{
			Audiences: []*string{new(federationAudience)}, Issuer: &c.Properties.ClusterProfile.OIDCIssuer, Subject: &account,
		}}, nil)
	return err
}

const maxFederationName = 120

// federationName is the name of a federated credential. It depends on the cluster and the service
// account only, not on the issuer.
func federationName(c *model.Cluster, account string) string {
	account = account[strings.LastIndexByte(account, ':')+1:]
	sum := sha256.Sum224([]byte(strings.ToLower(c.ID) + "|" + account))
	hash := new(big.Int).SetBytes(sum[:]).Text(36)
	name := c.Name + "_" + account
	return name[:min(len(name), maxFederationName-len(hash)-1)] + "_" + hash
}

// unfederate removes all federated credentials that federateIdentities made and that can be
// reached: nothing records the rest afterwards. The service's credentials of the cluster's identity
// may have expired since the last update.
func (s *federation) unfederate(ctx context.Context, w *Work) error {
	c := w.Resource()
	if c.Properties.ClusterProfile.OIDCIssuer == "" {
		return nil
	}
	if err := s.azure.FetchClusterIdentity(ctx, c); err != nil {
		s.log.WarnContext(ctx, "credentials of the cluster's identity not renewed", "resource_id", c.ID, "error", err)
	}
	s.endTrust(ctx, c, trusting(c))
	return ctx.Err()
}

// trusting are the ids of the identities that may trust the cluster.
func trusting(c *model.Cluster) []string {
	ids := slices.Clone(c.Internal.TrustingIdentities)
	for _, operator := range sortedOperators(c) {
		if id := operators(c)[operator].ResourceID; !holds(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// endTrust removes the cluster's federated credentials from identities. These belong to the
// customer and may be deleted or unreachable, which is no error. It returns those that may still
// trust the cluster.
func (s *federation) endTrust(ctx context.Context, c *model.Cluster, ids []string) (remaining []string) {
	for _, id := range ids {
		if err := s.unfederateIdentity(ctx, c, id); err != nil {
			s.log.WarnContext(ctx, "federated credentials remain", "resource_id", c.ID, "identity", id, "error", err)
			remaining = append(remaining, id)
		}
	}
	return remaining
}

func (s *federation) unfederateIdentity(ctx context.Context, c *model.Cluster, id string) error {
	clients, r, err := s.identity.asClusterIdentity(ctx, c, id)
	if err != nil {
		return err
	}
	var failed error
	for pages := clients.FederatedCredentials.NewListPager(r.ResourceGroupName, r.Name, nil); pages.More(); {
		page, err := pages.NextPage(ctx)
		if azure.NotFound(err) { // the identity is gone, and with it its credentials
			return nil
		}
		if err != nil {
			return err
		}
		for _, f := range page.Value {
			if !federatedFor(f, c) {
				continue
			}
			_, err := clients.FederatedCredentials.Delete(ctx, r.ResourceGroupName, r.Name, deref(f.Name), nil)
			if !azure.NotFound(err) {
				failed = cmp.Or(failed, err)
			}
		}
	}
	return failed
}

func federatedFor(f *armmsi.FederatedIdentityCredential, c *model.Cluster) bool {
	if f == nil || f.Properties == nil || deref(f.Properties.Issuer) != c.Properties.ClusterProfile.OIDCIssuer {
		return false
	}
	return slices.ContainsFunc(f.Properties.Audiences, func(a *string) bool { return deref(a) == federationAudience })
}
