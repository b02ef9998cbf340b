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

// PullSecret is a keychain with the logins of a pull secret: {"auths": {REGISTRY:
// {"auth": …}}}, where REGISTRY may include a path, below which the login applies.
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

// ParsePullSecret parses a pull secret. Errors do not contain its text.
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

// Resolve returns the login with the longest path that contains the resource.
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
	// anyUser is the user name for refresh tokens of Azure's registry.
	anyUser = "00000000-0000-0000-0000-000000000000"
	// refreshAfter is the age at which a refresh token, which is valid for 3 h, is
	// replaced.
	refreshAfter = 2*time.Hour + 45*time.Minute
	// registryScope is the scope of tokens for Azure's registries, in all clouds.
	registryScope = "https://containerregistry.azure.net/.default"
	// exchangeTime and maxExchange bound the time and the length of the response.
	exchangeTime = time.Minute
	maxExchange  = 1 << 20
)

// IsAzure reports whether a registry is an Azure container registry, by its name.
func IsAzure(registry name.Registry) bool {
	host, _, _ := strings.Cut(registry.RegistryStr(), ":")
	return strings.HasSuffix(host, ".azurecr.io") || strings.HasSuffix(host, ".azurecr.us")
}

// AzureRegistry is a keychain with the login of a Microsoft Entra ID identity to
// one Azure container registry.
type AzureRegistry struct {
	registry   name.Registry
	credential azcore.TokenCredential
	client     *http.Client

	mu    sync.Mutex
	token string
	// obtained is the time of the token by the wall clock: the monotonic clock stands
	// still while the machine is suspended.
	obtained time.Time
}

// NewAzureRegistry returns the keychain; the credential's token has the audience of
// all Azure registries. client connects to the registry.
func NewAzureRegistry(registry name.Registry, credential azcore.TokenCredential, client *http.Client) *AzureRegistry {
	return &AzureRegistry{registry: registry, credential: credential, client: client}
}

// Resolve returns the login for its own registry, and none for others.
func (a *AzureRegistry) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	if resource.RegistryStr() != a.registry.RegistryStr() {
		return authn.Anonymous, nil
	}
	return a, nil
}

// Authorization returns the login, with a refresh token that is replaced before it
// expires.
func (a *AzureRegistry) Authorization() (*authn.AuthConfig, error) {
	return a.AuthorizationContext(context.Background())
}

// AuthorizationContext is Authorization within ctx.
func (a *AzureRegistry) AuthorizationContext(ctx context.Context) (*authn.AuthConfig, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if age := wallClock().Sub(a.obtained); a.token == "" || age < 0 || age >= refreshAfter {
		token, err := a.exchange(ctx)
		if err != nil {
			return nil, fmt.Errorf("login to %s: %w", a.registry, err)
		}
		a.token, a.obtained = token, wallClock()
	}
	return &authn.AuthConfig{Username: anyUser, Password: a.token}, nil
}

// wallClock is the current time without the reading of the monotonic clock.
func wallClock() time.Time { return time.Now().Round(0) }

// exchange exchanges the credential's token for a refresh token of the registry.
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
