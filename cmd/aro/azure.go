//go:build !paper

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/env"
	"github.com/aro-rp/aro/model"
)

// cloudFlags say where Azure is, who the service is there and what is its own.
type cloudFlags struct {
	Cloud         string `env:"ARO_CLOUD" default:"public" help:"Azure cloud: public, usgovernment, or the https URL of another one, which describes itself at /metadata/endpoints."`
	CAFile        string `name:"ca-file" env:"ARO_CA_FILE" type:"path" placeholder:"FILE" help:"Certificate authorities to trust beside the system's, PEM."`
	Tenant        string `env:"ARO_TENANT" placeholder:"ID" help:"The service's own tenant."`
	Subscription  string `env:"ARO_SUBSCRIPTION" placeholder:"ID" help:"The service's own subscription."`
	ResourceGroup string `env:"ARO_RESOURCE_GROUP" placeholder:"NAME" help:"The service's own resource group."`

	FirstPartyClientID string   `env:"ARO_FIRST_PARTY_CLIENT_ID" placeholder:"ID" help:"Application as which the service acts on customers' resources. With --backend=false it is optional: with it creates are checked against the subscription's limits at once."`
	ServiceVault       string   `env:"ARO_SERVICE_VAULT" placeholder:"URL" help:"Key vault of the service's own secrets; it holds the certificate rp-firstparty."`
	ClusterVault       string   `env:"ARO_CLUSTER_VAULT" placeholder:"URL" help:"Key vault of clusters' certificates."`
	IdentityVault      string   `env:"ARO_IDENTITY_VAULT" placeholder:"URL" help:"Key vault of cluster identities' credentials."`
	IdentityHosts      []string `env:"ARO_IDENTITY_HOSTS" placeholder:"HOST,..." help:"Hosts of the managed identity data plane, to which the service shows its credential; one that begins with a dot is every name below it. Default: those of --cloud."`
	MSIAudience        string   `name:"msi-audience" env:"ARO_MSI_AUDIENCE" placeholder:"URL" help:"Audience of the managed identity data plane. Default: in a cloud given by its URL, that of its resource manager."`
	OIDCStorage        string   `name:"oidc-storage" env:"ARO_OIDC_STORAGE" placeholder:"URL" help:"Blob container for clusters' OpenID documents."`
	OIDCIssuer         string   `name:"oidc-issuer" env:"ARO_OIDC_ISSUER" placeholder:"URL" help:"URL below which everybody finds those documents."`
	RegistryDomain     string   `env:"ARO_REGISTRY_DOMAIN" default:"arosvc.azurecr.io" help:"Registry that mirrors OpenShift's images."`
	CertificateIssuer  string   `env:"ARO_CERTIFICATE_ISSUER" default:"OneCertV2-PublicCA" help:"Issuer of clusters' certificates, as the cluster vault names it."`
	PullSecret         secret   `env:"ARO_PULL_SECRET" placeholder:"JSON|FILE" help:"Pull secret of clusters beside their customers', as JSON or a file; or keyvault:NAME in the service vault, read whenever it is needed. Default: none."`

	ClientID     string `env:"ARO_CLIENT_ID" placeholder:"ID" help:"The service's own identity. In production: of the managed identity, if the machine has several."`
	ClientSecret secret `env:"ARO_CLIENT_SECRET" placeholder:"SECRET" help:"Secret of --client-id; not in production."`
	Test         bool   `env:"ARO_TEST" help:"Scale times down, for tests; not in production."`

	installerFlags `embed:""`

	azure       *azure.Azure
	environment *env.Environment
}

// openCloud makes ready to reach Azure, and returns what keeps that fresh.
func (c *rpCommand) openCloud(ctx context.Context, metrics prometheus.Registerer, log *slog.Logger) (func(context.Context) error, error) {
	if err := c.checkCloud(); err != nil {
		return nil, err
	}
	transport, err := c.transport()
	if err != nil {
		return nil, err
	}
	cloud, err := azure.FindCloud(ctx, c.Cloud, transport)
	if err != nil {
		return nil, fmt.Errorf("--cloud: %w", err)
	}
	c.environment = c.newEnvironment()
	if c.MSIAudience == "" && cloud.Custom {
		c.environment.MSIAudience = strings.TrimSuffix(cloud.ARMScope(), "/.default")
	}
	identity, err := c.identity(cloud, transport)
	if err != nil {
		return nil, fmt.Errorf("the service's identity: %w", err)
	}
	c.azure, err = azure.New(azure.Options{Cloud: cloud, Environment: c.environment, Transport: transport, Service: identity, Log: log, Metrics: metrics})
	if err != nil || !c.actsOnCustomers() {
		return func(context.Context) error { return nil }, err
	}
	log.InfoContext(ctx, "reaching Azure", "cloud", cloud.Name, "subscription", c.Subscription)
	if err := c.azure.Load(ctx); err != nil {
		return nil, fmt.Errorf("--service-vault: %w", err)
	}
	return c.azure.Run, nil
}

// checkCloud names every flag that is missing or wrong, at once.
func (c *rpCommand) checkCloud() error {
	var faults []error
	need := func(flag, value string) {
		if value == "" {
			faults = append(faults, fmt.Errorf("%s is missing", flag))
		}
	}
	address := func(flag, value string) {
		need(flag, value)
		if u, err := url.Parse(value); value != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
			faults = append(faults, fmt.Errorf("%s must be an https URL", flag))
		}
	}
	purpose := "to read from --service-vault"
	need("--tenant", c.Tenant)
	address("--service-vault", c.ServiceVault)
	if c.Backend {
		purpose = "to work on clusters (--backend=false does not)"
		need("--subscription", c.Subscription)
		need("--resource-group", c.ResourceGroup)
		need("--first-party-client-id", c.FirstPartyClientID)
		address("--cluster-vault", c.ClusterVault)
		address("--identity-vault", c.IdentityVault)
		address("--oidc-storage", c.OIDCStorage)
		address("--oidc-issuer", c.OIDCIssuer)
		if !strings.HasPrefix(c.Cloud, "https:") {
			need("--msi-audience", c.MSIAudience)
		}
	}
	if !c.Production {
		need("--client-id", c.ClientID)
		need("--client-secret", string(c.ClientSecret))
	} else if c.ClientSecret != "" || c.Test {
		faults = append(faults, errors.New("--client-secret and --test are not for production"))
	}
	if len(faults) > 0 {
		return fmt.Errorf("%s: %w", purpose, errors.Join(faults...))
	}
	return nil
}

// actsOnCustomers reports whether the process reads and changes what is customers':
// to work on clusters, which checkCloud sees to, or to check limits while it serves.
func (f *cloudFlags) actsOnCustomers() bool { return f.FirstPartyClientID != "" }

func (c *rpCommand) newEnvironment() *env.Environment {
	mode := env.Development
	switch {
	case c.Production:
		mode = env.Production
	case c.Test:
		mode = env.Test
	}
	return &env.Environment{
		Mode: mode, Location: c.Location, Domain: c.Domain,
		TenantID: c.Tenant, SubscriptionID: c.Subscription, ResourceGroup: c.ResourceGroup,
		FirstPartyClientID: c.FirstPartyClientID,
		ServiceVault:       c.ServiceVault, ClusterVault: c.ClusterVault, IdentityVault: c.IdentityVault,
		OIDCStorage: c.OIDCStorage, OIDCIssuer: c.OIDCIssuer, RegistryDomain: c.RegistryDomain,
		CertificateIssuer: c.CertificateIssuer, MSIAudience: c.MSIAudience, IdentityHosts: c.identityHosts(),
	}
}

// identityHosts are where credentials of clusters' identities may come from. Those of
// the two clouds are the ones that the data plane's own client library takes
// (github.com/Azure/msi-dataplane, pkg/dataplane/constants.go).
func (c *cloudFlags) identityHosts() []string {
	if len(c.IdentityHosts) > 0 {
		return c.IdentityHosts
	}
	switch strings.ToLower(c.Cloud) {
	case "public":
		return []string{".identity.azure.net"}
	case "usgovernment":
		return []string{".identity.usgovcloudapi.net"}
	}
	if u, err := url.Parse(c.Cloud); err == nil && u.Host != "" {
		return []string{u.Host}
	}
	return nil
}

// transport trusts the system's authorities and those of --ca-file.
func (c *rpCommand) transport() (*http.Client, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("the system's certificate authorities: %w", err)
	}
	if c.CAFile != "" {
		text, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("--ca-file: %w", err)
		}
		if !roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--ca-file: %s holds no certificate", c.CAFile)
		}
	}
	return &http.Client{Transport: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     90 * time.Second,
		MaxIdleConnsPerHost: 16,
	}}, nil
}

// identity is the service's own: a secret in development, the machine's or the
// pod's in production.
func (c *rpCommand) identity(cloud azure.Cloud, transport *http.Client) (azcore.TokenCredential, error) {
	options := azcore.ClientOptions{Cloud: cloud.Configuration, Transport: transport}
	switch {
	case !c.Production:
		return azidentity.NewClientSecretCredential(c.Tenant, c.ClientID, string(c.ClientSecret),
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: cloud.Custom})
	case os.Getenv("AZURE_FEDERATED_TOKEN_FILE") != "":
		return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: options, ClientID: c.ClientID, TenantID: c.Tenant, DisableInstanceDiscovery: cloud.Custom})
	}
	managed := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: options}
	if c.ClientID != "" {
		managed.ID = azidentity.ClientID(c.ClientID)
	}
	return azidentity.NewManagedIdentityCredential(managed)
}

// service is the service's own identity in production, as its cloud knows it; nil
// in a process that does not reach Azure.
func (c *rpCommand) service() azcore.TokenCredential {
	if c.azure == nil || !c.Production {
		return nil
	}
	return c.azure.Service()
}

// keep reads the service vault and keeps certificates of it.
func (c *rpCommand) keep(certificates []string) (keeper, error) {
	return c.azure.Keep(c.ServiceVault, certificates...)
}

// secrets are the values of flags that may name a secret of the service vault.
func (f *cloudFlags) secrets() []string { return []string{string(f.PullSecret)} }

// pullSecret reads --pull-secret, which is JSON or names a file or a secret of the
// vault with it.
func (c *rpCommand) pullSecret(ctx context.Context) (model.Secret, error) {
	text := []byte(c.PullSecret)
	if c.PullSecret == "" {
		return "", nil
	}
	if name, ok := strings.CutPrefix(string(text), env.InVault); ok {
		kept, err := c.vault.Text(ctx, name)
		if err != nil {
			return "", fmt.Errorf("--pull-secret: %w", err)
		}
		text = []byte(kept)
	} else if !strings.HasPrefix(strings.TrimSpace(string(text)), "{") {
		var err error
		if text, err = os.ReadFile(string(c.PullSecret)); err != nil {
			return "", errors.New("--pull-secret: it is neither JSON nor a readable file")
		}
	}
	if !json.Valid(text) {
		return "", errors.New("--pull-secret: it is no valid JSON")
	}
	return model.Secret(text), nil
}
