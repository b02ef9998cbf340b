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

// firstPartyCertificate is the name in the service vault.
const firstPartyCertificate = "rp-firstparty"

// Service acts as the service's own identity.
func (a *Azure) Service() azcore.TokenCredential { return a.service }

// FirstParty acts as the service's first party application in a tenant, unless
// who asks for a token names another one.
func (a *Azure) FirstParty(tenantID string) azcore.TokenCredential {
	return acting{firstParty{a, tenantID}, ourselves, a.env.FirstPartyClientID, tenantID}
}

type firstParty struct {
	azure  *Azure
	tenant string
}

// GetToken gets a token with the certificate at hand. Where Entra ID refuses it,
// the vault may have a newer one.
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

// firstParty is a credential for the certificate at hand, and that one's version.
// One credential serves all tenants, and keeps their tokens.
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

// ServicePrincipal acts as a customer's application.
func (a *Azure) ServicePrincipal(tenantID, clientID string, secret model.Secret) (azcore.TokenCredential, error) {
	credential, err := azidentity.NewClientSecretCredential(tenantID, clientID, string(secret),
		&azidentity.ClientSecretCredentialOptions{ClientOptions: a.options(entra), DisableInstanceDiscovery: a.cloud.Custom})
	if err != nil {
		return nil, fmt.Errorf("service principal: %w", err)
	}
	return acting{credential, clusterPrincipal, clientID, tenantID}, nil
}

// Token is cred's token for Azure Resource Manager.
func (a *Azure) Token(ctx context.Context, cred azcore.TokenCredential) (string, error) {
	return a.tokenFor(ctx, cred, a.cloud.ARMScope())
}

// GraphToken is cred's token for Microsoft Graph.
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

// Claims are what a token says about whom it was issued to.
type Claims struct {
	ObjectID string   `json:"oid"`
	AltSecID string   `json:"altsecid"`
	PUID     string   `json:"puid"`
	AppID    string   `json:"appid"`
	TenantID string   `json:"tid"`
	Roles    []string `json:"roles"`
}

// ReadClaims reads a token that came from Entra ID itself, so it checks no signature.
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

// ObjectID is the object id of whom cred acts as.
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
