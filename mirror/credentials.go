package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// PullSecret is a keychain of logins as a pull secret has them: {"auths": {REGISTRY:
// {"auth": …}}}, where REGISTRY may go on with a path below which the login counts.
type PullSecret map[string]authn.AuthConfig

// ReadPullSecret reads a file with a pull secret. Without a path there are no logins.
func ReadPullSecret(path string) (PullSecret, error) {
	if path == "" {
		return PullSecret{}, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return ParsePullSecret(text)
}

// ParsePullSecret reads a pull secret. Its errors do not repeat what it holds.
func ParsePullSecret(text []byte) (PullSecret, error) {
	var read struct {
		Auths map[string]authn.AuthConfig `json:"auths"`
	}
	if err := json.Unmarshal(text, &read); err != nil {
		return nil, errors.New(`it is not a pull secret: write {"auths": {"REGISTRY": {"auth": "…"}}}`)
	}
	for registry, login := range read.Auths {
		if login.Username == "" && login.IdentityToken == "" && login.RegistryToken == "" {
			return nil, fmt.Errorf("the login for %q is empty", registry)
		}
	}
	return read.Auths, nil
}

// Resolve finds the login with the longest path that the resource lies below.
func (p PullSecret) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	for name := resource.String(); ; {
		if login, ok := p[name]; ok {
			return authn.FromConfig(login), nil
		}
		i := strings.LastIndex(name, "/")
		if i < 0 {
			return authn.Anonymous, nil
		}
		name = name[:i]
	}
}

const (
	// anyUser is whom a refresh token of Azure's registry is for.
	anyUser = "00000000-0000-0000-0000-000000000000"
	// refreshAfter is when a refresh token, which lasts 3 h, is exchanged anew.
	refreshAfter = 2*time.Hour + 45*time.Minute
	// registryScope is whom tokens for Azure's registries are for, in all clouds.
	registryScope = "https://containerregistry.azure.net/.default"
	// exchangeTime and maxExchange bound the answer.
	exchangeTime = time.Minute
	maxExchange  = 1 << 20
)

// IsAzure reports whether a registry is an Azure container registry, by its name.
func IsAzure(registry name.Registry) bool {
	host := registry.RegistryStr()
	return strings.HasSuffix(host, ".azurecr.io") || strings.HasSuffix(host, ".azurecr.us")
}

// AzureRegistry is the login of an identity of Microsoft Entra ID to an Azure
// container registry, as a keychain for that registry alone.
type AzureRegistry struct {
	registry   name.Registry
	credential azcore.TokenCredential
	client     *http.Client

	mu      sync.Mutex
	token   string
	expires time.Time
}

// NewAzureRegistry makes the login; the credential's token is for the audience of
// Azure's registries, whichever the registry is. client reaches the registry.
func NewAzureRegistry(registry name.Registry, credential azcore.TokenCredential, client *http.Client) *AzureRegistry {
	return &AzureRegistry{registry: registry, credential: credential, client: client}
}

// Resolve gives the login to its own registry, and none to others.
func (a *AzureRegistry) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	if resource.RegistryStr() != a.registry.RegistryStr() {
		return authn.Anonymous, nil
	}
	return a, nil
}

// Authorization gives the login, with a refresh token that is exchanged before it ends.
func (a *AzureRegistry) Authorization() (*authn.AuthConfig, error) {
	return a.AuthorizationContext(context.Background())
}

// AuthorizationContext is Authorization within ctx.
func (a *AzureRegistry) AuthorizationContext(ctx context.Context) (*authn.AuthConfig, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token == "" || !time.Now().Before(a.expires) {
		token, err := a.exchange(ctx)
		if err != nil {
			return nil, fmt.Errorf("login to %s: %w", a.registry, err)
		}
		a.token, a.expires = token, time.Now().Add(refreshAfter)
	}
	return &authn.AuthConfig{Username: anyUser, Password: a.token}, nil
}

// exchange gives the credential's token for a refresh token of the registry.
func (a *AzureRegistry) exchange(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, exchangeTime)
	defer cancel()
	access, err := a.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{registryScope}})
	if err != nil {
		return "", err
	}
	host := a.registry.RegistryStr()
	form := url.Values{"grant_type": {"access_token"}, "service": {host}, "access_token": {access.Token}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.registry.Scheme()+"://"+host+"/oauth2/exchange", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := a.client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	var read struct {
		RefreshToken string `json:"refresh_token"`
	}
	err = json.NewDecoder(io.LimitReader(answer.Body, maxExchange)).Decode(&read)
	switch {
	case answer.StatusCode != http.StatusOK:
		return "", fmt.Errorf("the registry answered %d to the exchange of the token; the identity needs the role AcrPush", answer.StatusCode)
	case err != nil || read.RefreshToken == "":
		return "", errors.New("the registry's answer to the exchange of the token has no refresh token")
	}
	return read.RefreshToken, nil
}
