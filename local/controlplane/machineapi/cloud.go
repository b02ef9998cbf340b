package machineapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	corev1 "k8s.io/api/core/v1"
)

const (
	metadataPath = "/metadata/endpoints?api-version=2022-09-01"
	// maxMetadata bounds what is read, in bytes.
	maxMetadata = 1 << 20
	callTimeout = time.Minute
)

// Cloud is the Azure that machines are made in.
type Cloud struct {
	origin string
	http   *http.Client
	// token proves to Azure who the machine API's service account is.
	token func(ctx context.Context) (string, error)

	mu     sync.Mutex
	config *cloud.Configuration // nil before the first request to Azure
	known  map[string]*azure    // by version of the secret
}

// NewCloud is the Azure at an origin; nothing is called yet. caFile may be empty.
// token makes a token of the service account that workload identity trusts.
func NewCloud(origin, caFile string, token func(ctx context.Context) (string, error)) (*Cloud, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if caFile != "" {
		content, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("authorities of Azure: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(content) {
			return nil, fmt.Errorf("authorities of Azure: %s holds no certificate", caFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &Cloud{
		origin: strings.TrimRight(origin, "/"), token: token, known: map[string]*azure{},
		http: &http.Client{Transport: transport, Timeout: callTimeout},
	}, nil
}

// as sees the subscription with the credentials of a secret, which is the same
// for as long as the secret is.
func (c *Cloud) as(ctx context.Context, secret *corev1.Secret) (*azure, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	version := string(secret.UID) + "/" + secret.ResourceVersion
	if known, ok := c.known[version]; ok {
		return known, nil
	}
	if c.config == nil {
		config, err := c.endpoints(ctx)
		if err != nil {
			return nil, fmt.Errorf("endpoints of Azure: %w", err)
		}
		c.config = config
	}
	credential, err := c.credential(secret)
	if err != nil {
		return nil, err
	}
	made, err := c.clients(string(secret.Data["azure_subscription_id"]), credential)
	if err != nil {
		return nil, err
	}
	c.known = map[string]*azure{version: made}
	return made, nil
}

// endpoints reads the endpoints of all services from the origin.
func (c *Cloud) endpoints(ctx context.Context) (*cloud.Configuration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.origin+metadataPath, nil)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answer %s", response.Status)
	}
	var answer struct {
		Authentication struct {
			LoginEndpoint string   `json:"loginEndpoint"`
			Audiences     []string `json:"audiences"`
		} `json:"authentication"`
		ResourceManager string `json:"resourceManager"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxMetadata)).Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Authentication.LoginEndpoint == "" || len(answer.Authentication.Audiences) == 0 {
		return nil, errors.New("no login endpoint or no audience in the answer")
	}
	manager := answer.ResourceManager
	if manager == "" {
		manager = c.origin
	}
	return &cloud.Configuration{
		ActiveDirectoryAuthorityHost: answer.Authentication.LoginEndpoint,
		Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
			cloud.ResourceManager: {Endpoint: manager, Audience: answer.Authentication.Audiences[0]},
		},
	}, nil
}

// credential is a client secret, or without one a federated token.
func (c *Cloud) credential(secret *corev1.Secret) (azcore.TokenCredential, error) {
	tenant, id := string(secret.Data["azure_tenant_id"]), string(secret.Data["azure_client_id"])
	if tenant == "" || id == "" || len(secret.Data["azure_subscription_id"]) == 0 {
		return nil, fmt.Errorf("secret %s/%s lacks the client, the tenant or the subscription", secret.Namespace, secret.Name)
	}
	if password := string(secret.Data["azure_client_secret"]); password != "" {
		return azidentity.NewClientSecretCredential(tenant, id, password, &azidentity.ClientSecretCredentialOptions{
			ClientOptions: c.options(), DisableInstanceDiscovery: true,
		})
	}
	return azidentity.NewClientAssertionCredential(tenant, id, c.token, &azidentity.ClientAssertionCredentialOptions{
		ClientOptions: c.options(), DisableInstanceDiscovery: true,
	})
}

func (c *Cloud) options() policy.ClientOptions {
	return policy.ClientOptions{
		Cloud: *c.config, Transport: c.http,
		Telemetry: policy.TelemetryOptions{ApplicationID: "machine-api"},
		Retry:     policy.RetryOptions{MaxRetries: 2, RetryDelay: time.Second, MaxRetryDelay: 10 * time.Second},
	}
}

func (c *Cloud) clients(subscription string, credential azcore.TokenCredential) (*azure, error) {
	options := &arm.ClientOptions{ClientOptions: c.options(), DisableRPRegistration: true}
	a := &azure{subscription: subscription}
	var errs [3]error
	a.vms, errs[0] = armcompute.NewVirtualMachinesClient(subscription, credential, options)
	a.disks, errs[1] = armcompute.NewDisksClient(subscription, credential, options)
	a.nics, errs[2] = armnetwork.NewInterfacesClient(subscription, credential, options)
	return a, errors.Join(errs[:]...)
}
