package azure

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/aro-rp/aro/model"
)

// firstPartyCertificate is its name in the service vault.
const firstPartyCertificate = "rp-firstparty"

// Service returns the credential of the service's own identity.
func (a *Azure) Service() azcore.TokenCredential { return a.service }

// FirstParty returns the credential of the service's first-party application in a
// tenant, unless a request for a token specifies another one.
func (a *Azure) FirstParty(tenantID string) azcore.TokenCredential {
	return acting{firstParty{a, tenantID}, ourselves, a.env.FirstPartyClientID, tenantID}
}

type firstParty struct {
	azure  *Azure
	tenant string
}

// GetToken gets a token with the current certificate. If Entra ID refuses it, it
// reads the vault for a newer one.
func (f firstParty) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	o.TenantID = cmp.Or(o.TenantID, f.tenant)
	credential, version, err := f.azure.firstParty(ctx)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	token, err := credential.GetToken(ctx, o)
	var refused *azidentity.AuthenticationFailedError
	if err == nil || !errors.As(err, &refused) {
		return token, err
	}
	if f.azure.certificates.refreshSoon(ctx) != nil {
		return token, err
	}
	fresh, newer, freshErr := f.azure.firstParty(ctx)
	if freshErr != nil || newer == version {
		return token, err
	}
	return fresh.GetToken(ctx, o)
}

// firstParty returns a credential for the current certificate, and its version. One
// credential serves all tenants, and caches their tokens.
func (a *Azure) firstParty(ctx context.Context) (*azidentity.ClientCertificateCredential, string, error) {
	held, err := a.certificates.get(ctx, firstPartyCertificate)
	if err != nil {
		return nil, "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.application != nil && a.applicationVersion == held.version {
		return a.application, held.version, nil
	}
	credential, err := azidentity.NewClientCertificateCredential(a.env.TenantID, a.env.FirstPartyClientID, held.chain, held.key,
		&azidentity.ClientCertificateCredentialOptions{
			ClientOptions:              a.options(entra),
			AdditionallyAllowedTenants: []string{"*"},
			DisableInstanceDiscovery:   a.cloud.Custom,
			SendCertificateChain:       true,
		})
	if err != nil {
		return nil, "", fmt.Errorf("first party application: %w", err)
	}
	a.application, a.applicationVersion = credential, held.version
	return credential, held.version, nil
}

// ServicePrincipal returns the credential of a customer's application.
func (a *Azure) ServicePrincipal(tenantID, clientID string, secret model.Secret) (azcore.TokenCredential, error) {
	credential, err := azidentity.NewClientSecretCredential(tenantID, clientID, string(secret),
		&azidentity.ClientSecretCredentialOptions{ClientOptions: a.options(entra), DisableInstanceDiscovery: a.cloud.Custom})
	if err != nil {
		return nil, fmt.Errorf("service principal: %w", err)
	}
	return acting{credential, clusterPrincipal, clientID, tenantID}, nil
}

// Token returns cred's token for Azure Resource Manager.
func (a *Azure) Token(ctx context.Context, cred azcore.TokenCredential) (string, error) {
	return a.tokenFor(ctx, cred, a.cloud.ARMScope())
}

// GraphToken returns cred's token for Microsoft Graph.
func (a *Azure) GraphToken(ctx context.Context, cred azcore.TokenCredential) (string, error) {
	return a.tokenFor(ctx, cred, a.cloud.Graph+"/.default")
}

func (a *Azure) tokenFor(ctx context.Context, cred azcore.TokenCredential, scope string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	token, err := cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
	if err != nil {
		return "", err
	}
	return token.Token, nil
}

// Claims are the claims of a token about its subject.
type Claims struct {
	ObjectID string   `json:"oid"`
	AltSecID string   `json:"altsecid"`
	PUID     string   `json:"puid"`
	AppID    string   `json:"appid"`
	TenantID string   `json:"tid"`
	Roles    []string `json:"roles"`
}

// ReadClaims decodes a token that came from Entra ID itself; it does not check the
// signature.
func ReadClaims(token string) (Claims, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return Claims{}, errors.New("the token has not three parts")
	}
	body, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return Claims{}, errors.New("the token's claims are not base64")
	}
	var c Claims
	if err := json.Unmarshal(body, &c); err != nil {
		return Claims{}, errors.New("the token's claims are not JSON")
	}
	return c, nil
}

// ObjectID returns the object id of cred's identity.
func (a *Azure) ObjectID(ctx context.Context, cred azcore.TokenCredential) (string, error) {
	token, err := a.Token(ctx, cred)
	if err != nil {
		return "", err
	}
	claims, err := ReadClaims(token)
	if err == nil && claims.ObjectID == "" {
		err = errors.New("the token has no object id")
	}
	return claims.ObjectID, err
}
