package blob_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/golang-jwt/jwt/v5"

	"github.com/aro-rp/aro/local/cloud/entra"
)

// A cluster with workload identities publishes the keys of its service accounts in
// the container $web; Entra ID reads them there without credentials.
func TestEntraReadsTheIssuerOfAClusterFromBlobs(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	_, err = w.blob.CreateContainer(ctx, "aroidc", "$web", "")
	check(t, err)
	service := w.byToken(t, "aroidc", grant{"containers/blobs/", scope + "oidc"})
	folder := tenant + "/1"
	issuer := w.address("aroidc", "$web", folder)
	publish := func(name string, document any) {
		text, err := json.Marshal(document)
		check(t, err)
		check(t, write(ctx, service, "$web", folder+name, string(text)))
	}
	publish("/.well-known/openid-configuration", map[string]any{"issuer": issuer, "jwks_uri": issuer + "/openid/v1/jwks"})
	publish("/openid/v1/jwks", map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "kid": "k", "use": "sig", "alg": "RS256",
		"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}}})

	const subject = "system:serviceaccount:openshift-image-registry:registry"
	w.trusted = []entra.FederatedCredential{{Issuer: issuer, Subject: subject, Audiences: []string{"openshift"}}}
	client, principal, err := w.entra.CreateIdentity(ctx, "/subscriptions/a1/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/registry")
	check(t, err)
	credential, err := azidentity.NewClientAssertionCredential(tenant, client, func(context.Context) (string, error) {
		token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{Issuer: issuer, Subject: subject, Audience: jwt.ClaimStrings{"openshift"}, ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Hour))})
		token.Header["kid"] = "k"
		return token.SignedString(key)
	}, &azidentity.ClientAssertionCredentialOptions{ClientOptions: w.options(), DisableInstanceDiscovery: true})
	check(t, err)
	token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}})
	check(t, err)
	if caller, err := w.entra.Verify(token.Token); err != nil || caller.ObjectID != principal {
		t.Errorf("%+v %v", caller, err)
	}
}
