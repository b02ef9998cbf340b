package azure

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"github.com/aro-rp/aro/model"
)

const (
	// loadTime bounds the time to read all secrets of a cache.
	loadTime = time.Minute
	// retryEvery is the delay after a failed read of a vault, and the minimum time
	// between two reads on demand.
	retryEvery = time.Minute
)

// VaultCache caches named certificates of a key vault and refreshes them. While the
// vault does not respond, or has an unusable value, the previous certificates are
// used.
type VaultCache struct {
	client *azsecrets.Client
	vault  string
	every  time.Duration
	log    *slog.Logger
	names  []string

	mu     sync.RWMutex
	held   map[string]holding
	looked time.Time
}

// holding is one version of a certificate.
type holding struct {
	version string
	chain   []*x509.Certificate
	key     crypto.PrivateKey
}

// Keep returns a cache of certificates in a vault, read with the service's own
// identity.
func (a *Azure) Keep(vaultURL string, names ...string) (*VaultCache, error) {
	client, err := a.Secrets(vaultURL, a.service)
	if err != nil {
		return nil, fmt.Errorf("key vault %s: %w", vaultURL, err)
	}
	return &VaultCache{client: client, vault: vaultURL, every: a.env.RefreshEvery(), log: a.log,
		names: names, held: map[string]holding{}}, nil
}

// Load reads everything, and returns the names that could not be read.
func (k *VaultCache) Load(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, loadTime)
	defer cancel()
	var faults []error
	for _, name := range k.names {
		h, err := k.read(ctx, name)
		if err != nil {
			faults = append(faults, fmt.Errorf("%q: %w", name, err))
			continue
		}
		k.mu.Lock()
		k.held[name] = h
		k.mu.Unlock()
	}
	k.mu.Lock()
	k.looked = time.Now()
	k.mu.Unlock()
	if len(faults) > 0 {
		return fmt.Errorf("key vault %s: %w", k.vault, errors.Join(faults...))
	}
	return nil
}

// Run refreshes until ctx ends, and then returns nil.
func (k *VaultCache) Run(ctx context.Context) error {
	next := k.every
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(next):
		}
		next = k.every
		if err := k.Load(ctx); err != nil && ctx.Err() == nil {
			k.log.WarnContext(ctx, "certificates not refreshed, the old ones serve on", "error", err)
			next = min(retryEvery, k.every)
		}
	}
}

// refreshSoon refreshes unless that was done within retryEvery.
func (k *VaultCache) refreshSoon(ctx context.Context) error {
	k.mu.Lock()
	soon := time.Since(k.looked) < min(retryEvery, k.every)
	if !soon {
		k.looked = time.Now()
	}
	k.mu.Unlock()
	if soon {
		return nil
	}
	return k.Load(ctx)
}

func (k *VaultCache) read(ctx context.Context, name string) (holding, error) {
	secret, err := k.secret(ctx, name)
	if err != nil {
		return holding{}, err
	}
	h := holding{}
	if secret.ID != nil {
		h.version = string(*secret.ID) // ends with the version, whatever the URL of the vault
	}
	data := []byte(*secret.Value)
	if secret.ContentType != nil && *secret.ContentType == "application/x-pkcs12" {
		if data, err = base64.StdEncoding.DecodeString(*secret.Value); err != nil {
			return holding{}, errors.New("the value is not base64")
		}
	}
	if h.chain, h.key, err = azidentity.ParseCertificates(data, nil); err != nil {
		return holding{}, errors.New("the value is not a certificate with its key")
	}
	return h, nil
}

// secret reads a secret that is not empty.
func (k *VaultCache) secret(ctx context.Context, name string) (azsecrets.Secret, error) {
	answer, err := k.client.GetSecret(ctx, name, "", nil)
	if err == nil && (answer.Value == nil || *answer.Value == "") {
		err = errors.New("it is empty")
	}
	return answer.Secret, err
}

// get returns the value of a name; one that was never loaded is read first.
func (k *VaultCache) get(ctx context.Context, name string) (holding, error) {
	k.mu.RLock()
	h, ok := k.held[name]
	k.mu.RUnlock()
	if ok {
		return h, nil
	}
	if err := k.Load(ctx); err != nil {
		return holding{}, err
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.held[name], nil
}

// Text reads a secret's text. It is not cached.
func (k *VaultCache) Text(ctx context.Context, name string) (model.Secret, error) {
	secret, err := k.secret(ctx, name)
	if err != nil {
		return "", fmt.Errorf("key vault %s: %q: %w", k.vault, name, err)
	}
	return model.Secret(*secret.Value), nil
}

// Certificate returns a certificate with its key, for TLS.
func (k *VaultCache) Certificate(ctx context.Context, name string) (*tls.Certificate, error) {
	h, err := k.get(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(h.chain) == 0 {
		return nil, fmt.Errorf("%q is not kept as a certificate", name)
	}
	c := &tls.Certificate{PrivateKey: h.key, Leaf: h.chain[0]}
	for _, link := range h.chain {
		c.Certificate = append(c.Certificate, link.Raw)
	}
	return c, nil
}
