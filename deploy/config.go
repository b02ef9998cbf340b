package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/aro-rp/aro/arm"
)

// File is the configuration file: the settings of all regions, and those of each region.
type File struct {
	Defaults Settings            `json:"defaults" help:"Settings of every region that does not set them itself."`
	Regions  map[string]Settings `json:"regions" help:"Regions by the name of their Azure location, such as eastus, with what they set themselves."`
}

// Settings of a region. The tag need says why a value is required; byDefault is used if the file
// has none.
type Settings struct {
	Cloud          string `json:"cloud,omitempty" byDefault:"public" help:"Azure cloud: public, usgovernment, or the https URL of another one."`
	Authorities    string `json:"authorities,omitempty" help:"Certificate authorities to trust beside the system's, PEM."`
	TenantID       string `json:"tenantId,omitempty" need:"the tenant of the service" help:"Tenant of the service."`
	SubscriptionID string `json:"subscriptionId,omitempty" need:"the subscription of the region" help:"Subscription of the region."`
	ResourceGroup  string `json:"resourceGroup,omitempty" need:"the group of the region's resources" help:"Resource group of the region. It is made if it is missing."`

	GlobalSubscriptionID string `json:"globalSubscriptionId,omitempty" help:"Subscription of what all regions share. Default: subscriptionId."`
	GlobalResourceGroup  string `json:"globalResourceGroup,omitempty" need:"the group of what all regions share" help:"Resource group of what all regions share: registry, parent DNS zones, versions."`
	GlobalLocation       string `json:"globalLocation,omitempty" need:"the location of what all regions share" help:"Location of that resource group."`
	ServiceDomain        string `json:"serviceDomain,omitempty" need:"the domain of the service" help:"Domain below which regions have names: rp.LOCATION.serviceDomain."`
	ClusterDomain        string `json:"clusterDomain,omitempty" need:"the domain of clusters" help:"Domain below which clusters have names: NAME.LOCATION.clusterDomain."`
	Registry             string `json:"registry,omitempty" need:"the registry of images" help:"Name of the container registry, unique in all of Azure."`
	Repository           string `json:"repository,omitempty" byDefault:"aro" help:"Repository of the service's image in the registry. Its tag is the build."`
	VersionStorage       string `json:"versionStorage,omitempty" need:"the storage of versions" help:"Storage account that records which build each region runs, unique in all of Azure."`

	VaultPrefix         string   `json:"vaultPrefix,omitempty" need:"the names of vaults" help:"Begin of the names of the region's key vaults, at most 20 characters, unique in all of Azure."`
	DatabaseAccount     string   `json:"databaseAccount,omitempty" need:"the database" help:"Name of the region's Cosmos DB account, unique in all of Azure."`
	DatabaseThroughput  int      `json:"databaseThroughput,omitempty" byDefault:"1000" help:"Request units a second of the database."`
	IssuerStorage       string   `json:"issuerStorage,omitempty" need:"the OpenID documents of clusters" help:"Storage account of the OpenID documents of clusters with workload identities, unique in all of Azure."`
	FirstPartyClientID  string   `json:"firstPartyClientId,omitempty" need:"the first-party application" help:"Client id of the first-party application."`
	FirstPartyPrincipal string   `json:"firstPartyPrincipalId,omitempty" need:"the first-party application" help:"Object id of its service principal in the tenant of the service."`
	FirstPartySubject   string   `json:"firstPartySubject,omitempty" need:"the first-party application" help:"DNS name in the certificate with which the first-party application authenticates."`
	DeployerPrincipal   string   `json:"deployerPrincipalId,omitempty" need:"access to the service vault" help:"Object id of the principal that deploys."`
	DeployerAddresses   []string `json:"deployerAddresses,omitempty" help:"Addresses from which the service is deployed; they may reach the key vaults."`
	CertificateIssuer   string   `json:"certificateIssuer,omitempty" byDefault:"OneCertV2-PublicCA" help:"Issuer of certificates, as the vaults name it."`
	RotateKeysAfter     Days     `json:"rotateKeysAfterDays,omitempty" byDefault:"90" help:"Age in days at which the newest encryption key gets a successor."`
	MSIAudience         string   `json:"msiAudience,omitempty" help:"Audience of the managed identity data plane; needed in public and usgovernment."`
	ARMClients          string   `json:"armClients,omitempty" need:"the callers of the API" help:"Client certificates of Azure Resource Manager, PEM."`
	AdminClients        string   `json:"adminClients,omitempty" need:"the callers of the admin API" help:"Client certificates that may use the admin API, PEM."`
	AdminReaders        string   `json:"adminReaders,omitempty" help:"Client certificates that may read in the admin API and change nothing, PEM. Default: none."`
	ARMSource           string   `json:"armSource,omitempty" byDefault:"AzureResourceManager" help:"Source of ARM's requests: a service tag or an address prefix."`
	AdminSource         string   `json:"adminSource,omitempty" byDefault:"GenevaActions" help:"Source of engineers' requests: a service tag or an address prefix."`
	ServicePrefix       string   `json:"serviceAddresses,omitempty" byDefault:"10.0.0.0/24" help:"Addresses of the machines."`
	EndpointPrefix      string   `json:"endpointAddresses,omitempty" byDefault:"10.0.4.0/22" help:"Addresses of the private endpoints of clusters."`
	FrontendPort        int      `json:"frontendPort,omitempty" byDefault:"443" help:"Port of the public address."`
	ServicePort         int      `json:"servicePort,omitempty" byDefault:"8443" help:"Port at which machines listen."`
	Size                string   `json:"size,omitempty" byDefault:"Standard_D4s_v5" help:"Size of the machines."`
	Capacity            int      `json:"capacity,omitempty" byDefault:"3" help:"Number of machines."`
	NonZonal            bool     `json:"nonZonal,omitempty" help:"The region has no availability zones."`
	SSHPublicKey        string   `json:"sshPublicKey,omitempty" help:"Public key of the machines' administrator. Default: a key whose private half is discarded. No rule of the network lets SSH through."`
	CollectorImage      string   `json:"collectorImage,omitempty" help:"Image of the OpenTelemetry collector. Default: none, logs stay in the journal."`
	LogEndpoint         string   `json:"logEndpoint,omitempty" help:"Where the collector sends logs, OTLP over HTTP; needed with collectorImage."`
	MetricsImage        string   `json:"metricsImage,omitempty" help:"Image of the agent of Geneva, which takes metrics at /var/etw/mdm_statsd.socket. Default: none, and metrics are lost but for /metrics."`
	MetricsArguments    []string `json:"metricsArguments,omitempty" help:"Arguments of that agent."`
	PortalClientID      string   `json:"portalClientId,omitempty" help:"Application as which people log in to the portal. Its reply URL is https://portal.LOCATION.serviceDomain:portalPort/callback. Default: none, and no machine runs the portal."`
	PortalSubject       string   `json:"portalSubject,omitempty" help:"DNS name in the certificate with which that application authenticates; needed with portalClientId."`
	PortalAccess        []string `json:"portalAccessGroups,omitempty" help:"Groups whose members may log in to the portal."`
	PortalElevated      []string `json:"portalElevatedGroups,omitempty" help:"Groups whose members may also act as administrators of clusters there."`
	PortalPort          int      `json:"portalPort,omitempty" byDefault:"444" help:"Port of the public address at which browsers reach the portal."`
	PortalSSHPort       int      `json:"portalSshPort,omitempty" byDefault:"2222" help:"Port of the public address at which ssh reaches the machines of clusters through the portal."`
	PortalSource        string   `json:"portalSource,omitempty" byDefault:"VirtualNetwork" help:"Source of browsers and ssh: a service tag or an address prefix."`
	HealthPatience      Minutes  `json:"healthPatienceMinutes,omitempty" byDefault:"60" help:"Minutes that new machines get to become healthy before they are removed again."`

	Environment map[string]string `json:"environment,omitempty" help:"Further settings of aro rp, aro monitor and aro portal, by their ARO_ variables."`
}

type (
	// Days is a time in a file.
	Days int
	// Minutes is a time in a file.
	Minutes int
)

// Region is the configuration of one region, complete.
type Region struct {
	Location string
	Settings
}

// ReadRegion finds a region in a configuration file. Its error lists all problems of the file.
func ReadRegion(content []byte, location string) (*Region, error) {
	var f File
	if err := yaml.UnmarshalStrict(content, &f); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if _, ok := f.Regions[location]; !ok {
		return nil, fmt.Errorf("configuration: there is no region %q; there are: %s", location, strings.Join(slices.Sorted(maps.Keys(f.Regions)), ", "))
	}
	r := &Region{Location: location}
	if err := r.complete(content); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if r.GlobalSubscriptionID == "" {
		r.GlobalSubscriptionID = r.SubscriptionID
	}
	return r, r.check()
}

// complete sets the built-in defaults, then what the file sets for all regions, then what it sets for
// this one. What a region sets to 0, false or nothing is set, too.
func (r *Region) complete(content []byte) error {
	settings := reflect.ValueOf(&r.Settings).Elem()
	for i := range settings.NumField() {
		field := settings.Type().Field(i)
		text := field.Tag.Get("byDefault")
		if text == "" {
			continue
		}
		if settings.Field(i).Kind() == reflect.String {
			text = `"` + text + `"`
		}
		if err := json.Unmarshal([]byte(text), settings.Field(i).Addr().Interface()); err != nil {
			return fmt.Errorf("default of %s: %w", field.Name, err)
		}
	}
	var layers struct {
		Defaults json.RawMessage            `json:"defaults"`
		Regions  map[string]json.RawMessage `json:"regions"`
	}
	if err := yaml.Unmarshal(content, &layers); err != nil {
		return err
	}
	for _, layer := range []json.RawMessage{layers.Defaults, layers.Regions[r.Location]} {
		if layer == nil {
			continue
		}
		if err := json.Unmarshal(layer, &r.Settings); err != nil {
			return err
		}
	}
	return nil
}

const (
	maxVaultPrefix = 20
	maxCapacity    = 100
	maxPort        = 65535
	// minThroughput is the least that Azure sells for a database.
	minThroughput = 400
)

// check returns everything that is missing or invalid.
func (r *Region) check() error {
	var faults []error
	note := func(key, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s "+format, append([]any{key}, args...)...))
	}
	r.checkPresence(note)
	r.checkRanges(note)
	r.checkPortal(note)
	for name := range r.Environment {
		if !strings.HasPrefix(name, "ARO_") {
			note("environment", "%s is not a variable of aro: those begin with ARO_", name)
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("configuration of %s:\n%w", r.Location, errors.Join(faults...))
}

// noting records what is wrong with a key.
type noting func(key, format string, args ...any)

// checkPresence notes what is missing.
func (r *Region) checkPresence(note noting) {
	settings := reflect.ValueOf(&r.Settings).Elem()
	for i := range settings.NumField() {
		field := settings.Type().Field(i)
		if why := field.Tag.Get("need"); why != "" && settings.Field(i).IsZero() {
			note(keyOf(field), "is missing: it names %s", why)
		}
		if otherwise := field.Tag.Get("byDefault"); otherwise != "" && field.Type.Kind() == reflect.String && settings.Field(i).IsZero() {
			note(keyOf(field), "is empty: leave it out for %s", otherwise)
		}
	}
	if r.CollectorImage != "" && r.LogEndpoint == "" {
		note("logEndpoint", "is missing: collectorImage needs it")
	}
}

// checkRanges notes values that Azure or a machine cannot have.
func (r *Region) checkRanges(note noting) {
	if arm.NormalLocation(r.Location) != r.Location {
		note("regions", "%q must be a location as Azure writes it, such as %q", r.Location, arm.NormalLocation(r.Location))
	}
	if len(r.VaultPrefix) > maxVaultPrefix {
		note("vaultPrefix", "may have at most %d characters, %q has %d", maxVaultPrefix, r.VaultPrefix, len(r.VaultPrefix))
	}
	for key, port := range map[string]int{"frontendPort": r.FrontendPort, "servicePort": r.ServicePort, "portalPort": r.PortalPort, "portalSshPort": r.PortalSSHPort} {
		if port < 1 || port > maxPort {
			note(key, "must be from 1 to %d, which %d is not", maxPort, port)
		}
	}
	if r.Capacity < 1 || r.Capacity > maxCapacity {
		note("capacity", "must be from 1 to %d, which %d is not", maxCapacity, r.Capacity)
	}
	if r.DatabaseThroughput < minThroughput {
		note("databaseThroughput", "must be at least %d, which %d is not", minThroughput, r.DatabaseThroughput)
	}
	for key, n := range map[string]int{"healthPatienceMinutes": int(r.HealthPatience), "rotateKeysAfterDays": int(r.RotateKeysAfter)} {
		if n < 1 {
			note(key, "must be positive, which %d is not", n)
		}
	}
}

// checkPortal notes what is missing for the portal.
func (r *Region) checkPortal(note noting) {
	if r.PortalPort == r.FrontendPort {
		note("portalPort", "must be another port than frontendPort, which is %d", r.FrontendPort)
	}
	if r.PortalSSHPort == r.FrontendPort || r.PortalSSHPort == r.PortalPort {
		note("portalSshPort", "must be another port than frontendPort and portalPort, which are %d and %d", r.FrontendPort, r.PortalPort)
	}
	if r.PortalClientID != "" && r.PortalSubject == "" {
		note("portalSubject", "is missing: portalClientId needs it")
	}
	if r.PortalClientID != "" && len(r.PortalAccess)+len(r.PortalElevated) == 0 {
		note("portalAccessGroups", "is missing: portalClientId needs it, or portalElevatedGroups")
	}
}

func keyOf(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}
