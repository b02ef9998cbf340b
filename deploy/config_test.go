package deploy

import (
	"encoding/json"
	"strings"
	"testing"
)

const complete = `
defaults:
  tenantId: t
  subscriptionId: s
  globalResourceGroup: global
  globalLocation: eastus
  serviceDomain: service.test
  clusterDomain: cluster.test
  registry: arosvc
  versionStorage: versions
  firstPartyClientId: f
  firstPartyPrincipalId: p
  firstPartySubject: firstparty.test
  deployerPrincipalId: d
  armClients: PEM
  adminClients: PEM
  capacity: 5
  nonZonal: true
  collectorImage: otel
  logEndpoint: https://logs.test
  environment: {ARO_LOG_LEVEL: INFO, ARO_WORKERS: "50"}
regions:
  eastus:
    resourceGroup: rp-eastus
    vaultPrefix: aro-eastus
    databaseAccount: aro-eastus
    issuerStorage: arooidc
    environment: {ARO_LOG_LEVEL: DEBUG}
  westus2: {capacity: 200, logEndpoint: "", environment: {HOME: /root}}
  northeurope: {capacity: 0, frontendPort: 0, servicePort: null, databaseThroughput: 0, rotateKeysAfterDays: 0, cloud: "", nonZonal: false, collectorImage: ""}
`

func TestARegionTakesWhatItDoesNotSetFromTheDefaults(t *testing.T) {
	r, err := ReadRegion([]byte(complete), "eastus")
	if err != nil {
		t.Fatal(err)
	}
	if r.Capacity != 5 || r.FrontendPort != 443 || r.GlobalSubscriptionID != "s" || r.Environment["ARO_LOG_LEVEL"] != "DEBUG" || r.Environment["ARO_WORKERS"] != "50" {
		t.Errorf("the region is %+v", r)
	}
}

func TestARegionSetsZeroFalseAndNothing(t *testing.T) {
	_, err := ReadRegion([]byte(complete), "northeurope")
	if err == nil {
		t.Fatal("it was taken")
	}
	for _, want := range []string{
		"capacity must be from 1 to 100, which 0 is not", "frontendPort must be from 1 to 65535", "databaseThroughput must be at least 400",
		"rotateKeysAfterDays must be positive", "cloud is empty: leave it out for public",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it does not say %q: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "servicePort") {
		t.Errorf("what is null is not set: %v", err)
	}
	content := strings.Replace(complete, "    resourceGroup: rp-eastus\n", "    resourceGroup: rp-eastus\n    nonZonal: false\n    collectorImage: ''\n", 1)
	r, err := ReadRegion([]byte(content), "eastus")
	if err != nil {
		t.Fatal(err)
	}
	if r.NonZonal || r.CollectorImage != "" || r.LogEndpoint == "" {
		t.Errorf("the region is %+v", r)
	}
}

func TestEverythingThatIsWrongIsToldAtOnce(t *testing.T) {
	_, err := ReadRegion([]byte(complete), "westus2")
	if err == nil {
		t.Fatal("it was taken")
	}
	for _, want := range []string{"resourceGroup is missing", "vaultPrefix is missing", "databaseAccount is missing", "issuerStorage is missing", "capacity must be from 1 to 100", "logEndpoint is missing", "HOME is not a variable"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("it does not say %q: %v", want, err)
		}
	}
	if _, err := ReadRegion([]byte(complete), "mars"); err == nil || !strings.Contains(err.Error(), "eastus, northeurope, westus2") {
		t.Errorf("an unknown region: %v", err)
	}
	if _, err := ReadRegion([]byte("defaults: {capacty: 3}"), "eastus"); err == nil || !strings.Contains(err.Error(), "capacty") {
		t.Errorf("a typing error: %v", err)
	}
}

func TestTheSchemaNamesEverySetting(t *testing.T) {
	content, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Defs struct {
			Settings struct {
				Properties map[string]struct{ Type, Description string }
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal(content, &schema); err != nil {
		t.Fatal(err)
	}
	for name, p := range schema.Defs.Settings.Properties {
		if p.Type == "" || p.Description == "" {
			t.Errorf("%s has the type %q and the description %q", name, p.Type, p.Description)
		}
	}
	if p := schema.Defs.Settings.Properties["capacity"]; p.Type != "integer" {
		t.Errorf("capacity is %+v", p)
	}
}
