// Package document defines the input and output of the program: one JSON document
// each. Callers have types of their own for them; the examples in test/contract are
// tests of both sides.
//
// It validates what the installer does not, and does not depend on the installer.
package document

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
)

// maxRequest bounds the input; a request has some kilobytes.
const maxRequest = 4 << 20

// Request describes the cluster.
type Request struct {
	ClusterID      string `json:"clusterId"` // a UUID; telemetry identifies the cluster by it
	InfraID        string `json:"infraId"`   // prefix of the names of Azure resources
	Domain         string `json:"domain"`    // in full
	Location       string `json:"location"`
	CloudName      string `json:"cloudName"`
	ARMEndpoint    string `json:"armEndpoint,omitempty"` // of a cloud that is not predefined
	TenantID       string `json:"tenantId"`
	SubscriptionID string `json:"subscriptionId"`
	ResourceGroup  string `json:"resourceGroup"` // the managed one, by name

	Network      Network `json:"network"`
	OutboundType string  `json:"outboundType"` // Loadbalancer or UserDefinedRouting
	Publish      string  `json:"publish"`      // External or Internal
	SSHPublicKey string  `json:"sshPublicKey"`
	PullSecret   string  `json:"pullSecret"`
	FIPS         bool    `json:"fips"`
	NetworkType  string  `json:"networkType,omitempty"`
	PodCIDR      string  `json:"podCidr"`
	ServiceCIDR  string  `json:"serviceCidr"`
	MTU          int     `json:"mtu,omitempty"` // 0 and 1500 leave the machines as they are

	Master  Pool   `json:"master"`
	Worker  Worker `json:"worker"`
	OSImage Image  `json:"osImage"`

	APIServerInternalIP         string `json:"apiServerInternalIp"`
	IngressIP                   string `json:"ingressIp"`
	ImageRegistryStorageAccount string `json:"imageRegistryStorageAccount"`
	ImageRegistryContainer      string `json:"imageRegistryContainer"`
	RegistryDomain              string `json:"registryDomain"` // host that mirrors the release images
	ReleaseImage                string `json:"releaseImage"`

	// Exactly one of them is set.
	ServicePrincipal *ServicePrincipal `json:"servicePrincipal,omitempty"`
	WorkloadIdentity *WorkloadIdentity `json:"workloadIdentity,omitempty"`
}

// Network is the customer's.
type Network struct {
	ResourceGroup  string `json:"resourceGroup"`
	VirtualNetwork string `json:"virtualNetwork"`
	MasterSubnet   string `json:"masterSubnet"`
	WorkerSubnet   string `json:"workerSubnet"`
}

// Pool describes the machines of one role.
type Pool struct {
	VMSize              string   `json:"vmSize"`
	Zones               []string `json:"zones,omitempty"` // none: the machines are regional
	EncryptionAtHost    bool     `json:"encryptionAtHost"`
	DiskEncryptionSetID string   `json:"diskEncryptionSetId,omitempty"`
	// Capabilities of the size, with the names of Azure's resource SKU API.
	Capabilities map[string]string `json:"capabilities"`
}

// Worker is the first pool of workers.
type Worker struct {
	Pool
	Name       string `json:"name"`
	Count      int    `json:"count"`
	DiskSizeGB int    `json:"diskSizeGB"`
}

// Image is an image of the Azure marketplace.
type Image struct {
	Publisher string `json:"publisher"`
	Offer     string `json:"offer"`
	SKU       string `json:"sku"`
	Version   string `json:"version"`
}

// ServicePrincipal is that of the cluster, with its secret.
type ServicePrincipal struct {
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
}

// WorkloadIdentity has the identities with which the cluster's operators access
// Azure without a secret.
type WorkloadIdentity struct {
	OIDCIssuer string `json:"oidcIssuer"`
	// BoundServiceAccountSigningKey is an RSA private key in PEM.
	BoundServiceAccountSigningKey string     `json:"boundServiceAccountSigningKey"`
	Identities                    []Identity `json:"identities"`
}

// Identity is the identity of one operator.
type Identity struct {
	OperatorName    string `json:"operatorName"`
	ClientID        string `json:"clientId"`
	SecretNamespace string `json:"secretNamespace"`
	SecretName      string `json:"secretName"`
}

// Result is what is needed to start the cluster's machines and to connect to it.
type Result struct {
	BootstrapIgnition     json.RawMessage            `json:"bootstrapIgnition"`
	MasterIgnition        json.RawMessage            `json:"masterIgnition"`
	WorkerIgnition        json.RawMessage            `json:"workerIgnition"`
	AdminKubeconfig       string                     `json:"adminKubeconfig"`
	KubeadminPassword     string                     `json:"kubeadminPassword"`
	Metadata              json.RawMessage            `json:"metadata"`
	NetworkType           string                     `json:"networkType"`
	RootCA                KeyPair                    `json:"rootCA"`
	AdminKubeconfigSigner KeyPair                    `json:"adminKubeconfigSigner"`
	Graph                 map[string]json.RawMessage `json:"graph"`
}

// KeyPair is a certificate and its private key in PEM.
type KeyPair struct {
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

// Failure is the output instead of a Result.
type Failure struct {
	Error Problem `json:"error"`
}

// Problem is an error, with the asset of the installer in which it occurred, if
// any.
type Problem struct {
	Message string `json:"message"`
	Asset   string `json:"asset,omitempty"`
	// Refused are the fields whose values the installer refuses, if that is the
	// cause.
	Refused Refused `json:"refused,omitempty"`
}

// Build is the version of the program and of what it installs.
type Build struct {
	Version   string `json:"version"`   // of the program
	OpenShift string `json:"openshift"` // minor release, such as 4.19
	Installer string `json:"installer"` // version of the OpenShift installer in it
}

// Read reads one request. Unknown members are an error.
func Read(r io.Reader) (*Request, error) {
	in := json.NewDecoder(io.LimitReader(r, maxRequest))
	req, err := next(in)
	if err != nil && req == nil {
		return nil, err
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the request is followed by something else")
	}
	return req, err
}

// ReadAll reads one request after the other. It ends at the first that cannot be
// parsed; a request that is invalid is passed on with its error.
func ReadAll(r io.Reader, each func(*Request, error) error) error {
	in := json.NewDecoder(r)
	for in.More() {
		req, err := next(in)
		if req == nil {
			return err
		}
		if err := each(req, err); err != nil {
			return err
		}
	}
	return nil
}

func next(in *json.Decoder) (*Request, error) {
	in.DisallowUnknownFields()
	var req Request
	if err := in.Decode(&req); err != nil {
		return nil, fmt.Errorf("the request cannot be read: %w", hideValue(err))
	}
	return &req, req.validate()
}

// hideValue keeps only the position: the text of the decoder may contain a secret.
func hideValue(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s must be a %s", wrong.Field, wrong.Type)
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("no JSON at byte %d", syntax.Offset)
	}
	return err
}

// validate returns the names of all missing or invalid members, without values.
func (r *Request) validate() error {
	var bad []string
	for name, value := range map[string]string{
		"clusterId": r.ClusterID, "infraId": r.InfraID, "location": r.Location, "tenantId": r.TenantID,
		"subscriptionId": r.SubscriptionID, "resourceGroup": r.ResourceGroup, "releaseImage": r.ReleaseImage,
		"registryDomain": r.RegistryDomain, "imageRegistryStorageAccount": r.ImageRegistryStorageAccount,
		"imageRegistryContainer": r.ImageRegistryContainer, "pullSecret": r.PullSecret,
		"network.resourceGroup": r.Network.ResourceGroup, "network.virtualNetwork": r.Network.VirtualNetwork,
		"network.masterSubnet": r.Network.MasterSubnet, "network.workerSubnet": r.Network.WorkerSubnet,
		"master.vmSize": r.Master.VMSize, "worker.vmSize": r.Worker.VMSize,
		"osImage.publisher": r.OSImage.Publisher, "osImage.offer": r.OSImage.Offer, "osImage.sku": r.OSImage.SKU, "osImage.version": r.OSImage.Version,
	} {
		if value == "" {
			bad = append(bad, name)
		}
	}
	if name, base, _ := strings.Cut(r.Domain, "."); name == "" || base == "" {
		bad = append(bad, "domain")
	}
	for name, value := range map[string]string{"apiServerInternalIp": r.APIServerInternalIP, "ingressIp": r.IngressIP} {
		if a, err := netip.ParseAddr(value); err != nil || !a.Is4() {
			bad = append(bad, name)
		}
	}
	if r.MTU != 0 && r.MTU != 1500 && r.MTU != 3900 {
		bad = append(bad, "mtu")
	}
	bad = append(bad, r.badIdentity()...)
	if len(bad) > 0 {
		return &Invalid{Members: bad}
	}
	return nil
}

func (r *Request) badIdentity() (bad []string) {
	sp, wi := r.ServicePrincipal, r.WorkloadIdentity
	switch {
	case (sp == nil) == (wi == nil):
		return []string{"servicePrincipal or workloadIdentity (exactly one)"}
	case sp != nil && (sp.ClientID == "" || sp.ClientSecret == ""):
		return []string{"servicePrincipal"}
	case wi != nil && (wi.OIDCIssuer == "" || wi.BoundServiceAccountSigningKey == "" || len(wi.Identities) == 0):
		return []string{"workloadIdentity"}
	case wi != nil:
		for i, id := range wi.Identities {
			if id.OperatorName == "" || id.ClientID == "" || id.SecretNamespace == "" || id.SecretName == "" {
				bad = append(bad, fmt.Sprintf("workloadIdentity.identities[%d]", i))
			}
		}
	}
	return bad
}

// Secrets returns the texts of the request that must not be disclosed.
func (r *Request) Secrets() []string {
	s := append([]string{r.PullSecret}, registries(r.PullSecret)...)
	if r.ServicePrincipal != nil {
		s = append(s, r.ServicePrincipal.ClientSecret)
	}
	if r.WorkloadIdentity != nil {
		s = append(s, r.WorkloadIdentity.BoundServiceAccountSigningKey)
	}
	return s
}

// registries returns the entries of a pull secret: it is encoded again without
// telemetry, so its whole text may not occur in the output.
func registries(pullSecret string) (auths []string) {
	var pull struct {
		Auths map[string]struct {
			Auth string `json:"auth"`
		} `json:"auths"`
	}
	_ = json.Unmarshal([]byte(pullSecret), &pull) // invalid text has no entries
	for _, registry := range pull.Auths {
		auths = append(auths, registry.Auth)
	}
	return auths
}
