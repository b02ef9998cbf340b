// Package login gives developer tools access to an Azure: the cloud, the identity,
// and plain calls where the SDK has no client.
//
// It has no code of a single tool.
package login

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/environment"
)

// The identities that the local Azure creates for tools: a user, and the service. A
// tool passes one of them to its parser as the variable "identity".
const (
	People  = ".aro/demo.json"
	Service = ".aro/service.json"
)

// FirstParty is the client id of the service's application in every cloud.
const FirstParty = "f1dd0a37-89c6-4e07-bcd1-ffd3d43d8875"

// Flags specify the cloud and the identity. The defaults are those of the local
// Azure.
type Flags struct {
	Cloud        string `env:"ARO_CLOUD" default:"https://localhost:8443" help:"Azure: public, usgovernment, or the https URL of another."`
	CA           string `env:"ARO_CA_FILE" default:".aro/azure/ca.pem" help:"Authorities to trust beside the system's, for a cloud at a URL."`
	Identity     string `default:"${identity}" help:"File with clientId, clientSecret, tenantId and subscriptionId, for a cloud at a URL. Otherwise the identity of az login or of the environment is used."`
	Tenant       string `env:"AZURE_TENANT_ID" help:"Tenant. Default: the identity's."`
	Subscription string `env:"AZURE_SUBSCRIPTION_ID" help:"Subscription. Default: the identity's."`
}

// Session is a user's session in one Azure.
type Session struct {
	azure.Cloud
	TenantID, SubscriptionID string
	Credential               azcore.TokenCredential
	HTTP                     *http.Client

	management, graph line
}

// ServiceSession is a session of the service in one Azure, with the vault of its
// own secrets.
type ServiceSession struct {
	*azure.Azure
	Vault string
	HTTP  *http.Client
}

// line carries calls for one audience.
type line struct{ runtime.Pipeline }

// identity is the file that the local Azure writes for users.
type identity struct {
	TenantID       string `json:"tenantId"`
	SubscriptionID string `json:"subscriptionId"`
	ClientID       string `json:"clientId"`
	ClientSecret   string `json:"clientSecret"`
}

// Open logs in to a subscription.
func (f Flags) Open(ctx context.Context) (*Session, error) {
	s, err := f.enter(ctx)
	if err != nil {
		return nil, err
	}
	if s.SubscriptionID == "" {
		return nil, errors.New("--subscription is missing")
	}
	s.management, err = s.line(s.Services[cloud.ResourceManager].Audience)
	if err != nil {
		return nil, err
	}
	s.graph, err = s.line(s.Graph)
	return s, err
}

// OpenService logs in as the service. vault has its certificate and its keys; empty
// is the vault of the local Azure.
func (f Flags) OpenService(ctx context.Context, vault string) (*ServiceSession, error) {
	if vault == "" {
		if !f.custom() {
			return nil, errors.New("--vault is missing: name the key vault of the service's own secrets")
		}
		vault = strings.TrimRight(f.Cloud, "/") + "/vaults/aro-svc"
	}
	s, err := f.enter(ctx)
	if err != nil {
		return nil, err
	}
	service, err := azure.New(azure.Options{Cloud: s.Cloud, Transport: s.HTTP, Service: s.Credential,
		Environment: &environment.Environment{Mode: environment.Development, TenantID: s.TenantID, ServiceVault: vault, FirstPartyClientID: FirstParty}})
	return &ServiceSession{Azure: service, Vault: vault, HTTP: s.HTTP}, err
}

// enter finds the cloud and the credential.
func (f Flags) enter(ctx context.Context) (*Session, error) {
	client, err := f.client()
	if err != nil {
		return nil, err
	}
	s := &Session{TenantID: f.Tenant, SubscriptionID: f.Subscription, HTTP: client}
	if s.Cloud, err = azure.FindCloud(ctx, f.Cloud, client); err != nil {
		return nil, fmt.Errorf("%w (is it running? make run starts the local one)", err)
	}
	return s, f.credential(s)
}

func (f Flags) custom() bool { return strings.HasPrefix(f.Cloud, "https://") }

// client trusts the certificate authority of the local Azure as well, if there is
// one.
func (f Flags) client() (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	if !f.custom() || f.CA == "" {
		return client, nil
	}
	pem, err := os.ReadFile(f.CA)
	if errors.Is(err, fs.ErrNotExist) {
		return client, nil // those of the system may suffice
	}
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("the system's authorities: %w", err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--ca: %s holds no certificate", f.CA)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return client, nil
}

// credential reads the identity's file for a cloud at a URL, and uses the
// environment for Microsoft's clouds.
func (f Flags) credential(s *Session) (err error) {
	options := azcore.ClientOptions{Cloud: s.Configuration, Transport: s.HTTP}
	content, err := os.ReadFile(f.Identity)
	if !f.custom() || errors.Is(err, fs.ErrNotExist) {
		s.Credential, err = azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
			ClientOptions: options, TenantID: s.TenantID, DisableInstanceDiscovery: s.Custom})
		return err
	}
	if err != nil {
		return fmt.Errorf("--identity: %w", err)
	}
	var who identity
	if err := json.Unmarshal(content, &who); err != nil {
		return fmt.Errorf("--identity: %s is not the JSON it should be", f.Identity) // the error may contain the secret
	}
	if s.TenantID == "" {
		s.TenantID = who.TenantID
	}
	if s.SubscriptionID == "" {
		s.SubscriptionID = who.SubscriptionID
	}
	s.Credential, err = azidentity.NewClientSecretCredential(s.TenantID, who.ClientID, who.ClientSecret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: s.Custom})
	return err
}

// ARM returns the options of the SDK's clients.
func (s *Session) ARM() *azarm.ClientOptions {
	return &azarm.ClientOptions{ClientOptions: policy.ClientOptions{Cloud: s.Configuration, Transport: s.HTTP}}
}

func (s *Session) line(audience string) (line, error) {
	if audience == "" {
		return line{}, errors.New("the description of the cloud has no audience for tokens")
	}
	options := policy.ClientOptions{Cloud: s.Configuration, Transport: s.HTTP}
	return line{runtime.NewPipeline("aro-hack", "v1", runtime.PipelineOptions{PerRetry: []policy.Policy{
		runtime.NewBearerTokenPolicy(s.Credential, []string{strings.TrimRight(audience, "/") + "/.default"}, nil)}}, &options)}, nil
}

// Call calls the resource manager. path may be a full URL that it returned; body
// and into may be nil.
func (s *Session) Call(ctx context.Context, method, path string, body, into any) (http.Header, error) {
	if !strings.HasPrefix(path, "https://") {
		path = s.Services[cloud.ResourceManager].Endpoint + path
	}
	return s.management.call(ctx, method, path, body, into)
}

// Directory calls Microsoft Graph.
func (s *Session) Directory(ctx context.Context, method, path string, body, into any) error {
	_, err := s.graph.call(ctx, method, s.Graph+"/v1.0"+path, body, into)
	return err
}

func (l line) call(ctx context.Context, method, url string, body, into any) (http.Header, error) {
	request, err := runtime.NewRequest(ctx, method, url)
	if err != nil {
		return nil, err
	}
	request.Raw().Header.Set("Accept", "application/json")
	if body != nil {
		if err := runtime.MarshalAsJSON(request, body); err != nil {
			return nil, err
		}
	}
	answer, err := l.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return answer.Header, runtime.NewResponseError(answer)
	}
	if into == nil || answer.StatusCode == http.StatusNoContent {
		return answer.Header, answer.Body.Close()
	}
	return answer.Header, runtime.UnmarshalAsJSON(answer, into)
}
