package service

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/environment"
	"github.com/aro-rp/aro/model"
)

// Cloud configures the Azure cloud, the service's identity in it, and the service's
// resources.
type Cloud struct {
	Cloud         string `env:"ARO_CLOUD" default:"public" help:"Azure cloud: public, usgovernment, or the https URL of another one, which describes itself at /metadata/endpoints."`
	CAFile        string `name:"ca-file" env:"ARO_CA_FILE" type:"path" placeholder:"FILE" help:"Certificate authorities to trust beside the system's, PEM."`
	Tenant        string `env:"ARO_TENANT" placeholder:"ID" help:"The service's own tenant."`
	Subscription  string `env:"ARO_SUBSCRIPTION" placeholder:"ID" help:"The service's own subscription."`
	ResourceGroup string `env:"ARO_RESOURCE_GROUP" placeholder:"NAME" help:"The service's own resource group."`

	FirstPartyClientID string   `env:"ARO_FIRST_PARTY_CLIENT_ID" placeholder:"ID" help:"Application with which the service accesses customers' resources. Optional with --backend=false; without it, creates are not checked against the subscription's limits."`
	ServiceVault       string   `env:"ARO_SERVICE_VAULT" placeholder:"URL" help:"Key vault of the service's own secrets; it has the certificate rp-firstparty."`
	ClusterVault       string   `env:"ARO_CLUSTER_VAULT" placeholder:"URL" help:"Key vault of clusters' certificates."`
	IdentityVault      string   `env:"ARO_IDENTITY_VAULT" placeholder:"URL" help:"Key vault of cluster identities' credentials."`
	IdentityHosts      []string `env:"ARO_IDENTITY_HOSTS" placeholder:"HOST,..." help:"Hosts of the managed identity data plane, to which the service presents its credential; one that begins with a dot matches every name below it. Default: those of --cloud."`
	MSIAudience        string   `name:"msi-audience" env:"ARO_MSI_AUDIENCE" placeholder:"URL" help:"Audience of the managed identity data plane. Default, in a cloud given by its URL: the audience of its Resource Manager."`
	OIDCStorage        string   `name:"oidc-storage" env:"ARO_OIDC_STORAGE" placeholder:"URL" help:"Blob container for clusters' OpenID documents."`
	OIDCIssuer         string   `name:"oidc-issuer" env:"ARO_OIDC_ISSUER" placeholder:"URL" help:"Public URL of those documents."`
	RegistryDomain     string   `env:"ARO_REGISTRY_DOMAIN" default:"arosvc.azurecr.io" help:"Registry that mirrors OpenShift's images."`
	OperatorImage      string   `env:"ARO_OPERATOR_IMAGE" placeholder:"IMAGE" help:"Image of the operator that runs in clusters; its tag is the operator's version. Default: aro-operator in --registry-domain, with this build's version as tag."`
	CertificateIssuer  string   `env:"ARO_CERTIFICATE_ISSUER" default:"OneCertV2-PublicCA" help:"Name of the issuer of clusters' certificates in the cluster vault."`
	PullSecret         Secret   `env:"ARO_PULL_SECRET" placeholder:"JSON|FILE" help:"Pull secret that is added to those of customers: JSON, a file with JSON, or keyvault:NAME in the service vault, read when it is needed. Default: none."`

	ClientID     string `env:"ARO_CLIENT_ID" placeholder:"ID" help:"The service's own identity. In production: the client id of the managed identity, if the machine has several."`
	ClientSecret Secret `env:"ARO_CLIENT_SECRET" placeholder:"SECRET" help:"Secret of --client-id; not in production."`

	RefreshInterval time.Duration `env:"ARO_REFRESH_INTERVAL" placeholder:"DURATION" help:"Age at which certificates and encryption keys are read from the service vault again. Default: 1h, and 5m for the keys."`

	Test bool `env:"ARO_TEST" help:"Shorten times, for tests; not in production."`

	// TokenFile is that of the pod's federated identity, if it has one.
	TokenFile string `kong:"-"`
}

// Check adds everything that is missing or wrong, if a process with these needs accesses
// Azure.
func (c *Cloud) Check(f *Faults, cfg *Config, needs Needs) {
	if u, err := url.Parse(c.Cloud); c.Cloud != "public" && c.Cloud != "usgovernment" && (err != nil || u.Scheme != "https" || u.Host == "") {
		f.Add("--cloud", "must be public, usgovernment, or the https URL of another cloud, which %q is not", c.Cloud)
	}
	for _, host := range c.IdentityHosts {
		f.Host("--identity-hosts", strings.TrimPrefix(host, "."))
	}
	if c.RefreshInterval < 0 {
		f.Add("--refresh-interval", "must not be negative, which %s is", c.RefreshInterval)
	}
	if c.RegistryDomain != "" {
		f.Host("--registry-domain", c.RegistryDomain)
	}
	if strings.ContainsAny(c.OperatorImage, " \t\r\n") {
		f.Add("--operator-image", "must be an image's name with its tag, which %q is not", c.OperatorImage)
	}
	for flag, value := range map[string]string{"--tenant": c.Tenant, "--subscription": c.Subscription, "--first-party-client-id": c.FirstPartyClientID, "--client-id": c.ClientID} {
		f.ID(flag, value)
	}
	if cfg.Production && (c.ClientSecret != "" || c.Test) {
		f.Add("--client-secret and --test", "are not for production")
	}
	if !c.reached(cfg, needs) {
		return
	}
	why := "to read from --service-vault"
	if needs.Clusters {
		why = "to work on clusters (--backend=false does not)"
	}
	f.Need("--tenant", c.Tenant, why)
	f.Address("--service-vault", c.ServiceVault, why)
	if needs.Clusters {
		f.Need("--subscription", c.Subscription, why)
		f.Need("--resource-group", c.ResourceGroup, why)
		f.Need("--first-party-client-id", c.FirstPartyClientID, why)
		f.Address("--cluster-vault", c.ClusterVault, why)
		f.Address("--identity-vault", c.IdentityVault, why)
		f.Address("--oidc-storage", c.OIDCStorage, why)
		f.Address("--oidc-issuer", c.OIDCIssuer, why)
		if !strings.HasPrefix(c.Cloud, "https:") {
			f.Need("--msi-audience", c.MSIAudience, why)
		}
	}
	if !cfg.Production {
		f.Need("--client-id", c.ClientID, why)
		f.Need("--client-secret", string(c.ClientSecret), why)
	}
}

// reached reports whether a process with these needs accesses Azure.
func (c *Cloud) reached(cfg *Config, needs Needs) bool {
	return needs.Clusters || c.usesVault(cfg, needs) || c.ActsOnCustomers()
}

// usesVault reports whether a flag names something in the service vault.
func (c *Cloud) usesVault(cfg *Config, needs Needs) bool {
	_, keys := InVault(cfg.EncryptionKeys)
	_, pullSecret := InVault(string(c.PullSecret))
	return keys || pullSecret || len(needs.Certificates) > 0
}

// open prepares access to Azure, and returns the function that refreshes it.
func (c *Cloud) open(ctx context.Context, cfg *Config, s *Service) (func(context.Context) error, error) {
	transport, err := c.Client()
	if err != nil {
		return nil, err
	}
	s.HTTP = transport
	cloud, err := azure.FindCloud(ctx, c.Cloud, transport)
	if err != nil {
		return nil, fmt.Errorf("--cloud: %w", err)
	}
	s.Environment = c.newEnvironment(cfg)
	if c.MSIAudience == "" && cloud.Custom {
		s.Environment.MSIAudience = strings.TrimSuffix(cloud.ARMScope(), "/.default")
	}
	identity, err := c.identity(cloud, transport, cfg.Production)
	if err != nil {
		return nil, fmt.Errorf("the service's identity: %w", err)
	}
	s.Azure, err = azure.New(azure.Options{Cloud: cloud, Environment: s.Environment, Transport: transport, Service: identity, Log: s.Log, Metrics: s.Metrics, Emit: s.Own})
	if err != nil || !c.ActsOnCustomers() {
		return func(context.Context) error { return nil }, err
	}
	s.Log.InfoContext(ctx, "reaching Azure", "cloud", cloud.Name, "subscription", c.Subscription)
	if err := s.Azure.Load(ctx); err != nil {
		return nil, fmt.Errorf("--service-vault: %w", err)
	}
	return s.Azure.Run, nil
}

// ActsOnCustomers reports whether the process accesses customers' resources: to
// work on clusters, or to check quotas while it serves.
func (c *Cloud) ActsOnCustomers() bool { return c.FirstPartyClientID != "" }

func (c *Cloud) newEnvironment(cfg *Config) *environment.Environment {
	mode := environment.Development
	switch {
	case cfg.Production:
		mode = environment.Production
	case c.Test:
		mode = environment.Test
	}
	return &environment.Environment{
		Mode: mode, Location: cfg.Location, Domain: cfg.domain(),
		TenantID: c.Tenant, SubscriptionID: c.Subscription, ResourceGroup: c.ResourceGroup,
		FirstPartyClientID: c.FirstPartyClientID,
		ServiceVault:       c.ServiceVault, ClusterVault: c.ClusterVault, IdentityVault: c.IdentityVault,
		OIDCStorage: c.OIDCStorage, OIDCIssuer: c.OIDCIssuer, RegistryDomain: c.RegistryDomain,
		CertificateIssuer: c.CertificateIssuer, MSIAudience: c.MSIAudience, IdentityHosts: c.Hosts(), Refresh: c.RefreshInterval,
	}
}

// Hosts are the hosts from which credentials of clusters' identities are fetched.
// Those of the two clouds are the ones in the data plane's own client library
// (github.com/Azure/msi-dataplane, pkg/dataplane/constants.go).
func (c *Cloud) Hosts() []string {
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

// Client returns a client that trusts the system's certificate authorities and those of --ca-file.
func (c *Cloud) Client() (*http.Client, error) {
	authorities, err := c.Authorities()
	if err != nil {
		return nil, err
	}
	client, err := Trusting(string(authorities))
	if err != nil {
		return nil, fmt.Errorf("--ca-file %s: %w", c.CAFile, err)
	}
	return client, nil
}

// Trusting makes a client that trusts the system's authorities and others, PEM.
func Trusting(authorities string) (*http.Client, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("the system's certificate authorities: %w", err)
	}
	if authorities != "" && !roots.AppendCertsFromPEM([]byte(authorities)) {
		return nil, errors.New("it holds no certificate")
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

// Authorities are the content of --ca-file; none without it.
func (c *Cloud) Authorities() ([]byte, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("--ca-file: %w", err)
	}
	return text, nil
}

// Operator is the image of the operator that belongs to a build.
func (c *Cloud) Operator(build string) string {
	return cmp.Or(c.OperatorImage, c.RegistryDomain+"/aro-operator:"+build)
}

// identity returns the service's identity: a client secret in development, that of
// the machine or the pod in production.
func (c *Cloud) identity(cloud azure.Cloud, transport *http.Client, production bool) (azcore.TokenCredential, error) {
	options := azcore.ClientOptions{Cloud: cloud.Configuration, Transport: transport}
	switch {
	case !production:
		return azidentity.NewClientSecretCredential(c.Tenant, c.ClientID, string(c.ClientSecret),
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: cloud.Custom})
	case c.TokenFile != "":
		return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{TokenFilePath: c.TokenFile,
			ClientOptions: options, ClientID: c.ClientID, TenantID: c.Tenant, DisableInstanceDiscovery: cloud.Custom})
	}
	managed := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: options}
	if c.ClientID != "" {
		managed.ID = azidentity.ClientID(c.ClientID)
	}
	return azidentity.NewManagedIdentityCredential(managed)
}

// ReadPullSecret reads --pull-secret, which is JSON, or names a file or a secret of
// the vault.
func (c *Cloud) ReadPullSecret(ctx context.Context, vault Vault) (model.Secret, error) {
	text := []byte(c.PullSecret)
	if c.PullSecret == "" {
		return "", nil
	}
	if name, ok := InVault(string(text)); ok {
		kept, err := vault.Text(ctx, name)
		if err != nil {
			return "", fmt.Errorf("--pull-secret: %w", err)
		}
		text = []byte(kept)
	} else if !strings.HasPrefix(strings.TrimSpace(string(text)), "{") {
		var err error
		if text, err = os.ReadFile(string(c.PullSecret)); err != nil {
			return "", errors.New("--pull-secret: the value is not JSON or a readable file")
		}
	}
	if !json.Valid(text) {
		return "", errors.New("--pull-secret: the value is not valid JSON")
	}
	return model.Secret(text), nil
}
