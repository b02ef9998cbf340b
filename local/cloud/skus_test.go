package cloud_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"

	"github.com/aro-rp/aro/local/cloud"
)

func (w *fixture) skuFile(content string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, "skus.json"), []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func TestRestrictionsOfSizesComeFromAFile(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	client := made[*armcompute.ResourceSKUsClient](t)(armcompute.NewResourceSKUsClient(cloud.CustomerSubscription, w.demo(), w.clients()))
	size := func(name string) *armcompute.ResourceSKU {
		t.Helper()
		for pager := client.NewListPager(&armcompute.ResourceSKUsClientListOptions{Filter: to.Ptr("location eq 'eastus'")}); pager.More(); {
			page, err := pager.NextPage(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for _, sku := range page.Value {
				if *sku.Name == name {
					return sku
				}
			}
		}
		t.Fatalf("there is no size %s", name)
		return nil
	}
	const name = "Standard_D8s_v5"
	if sku := size(name); len(sku.Restrictions) != 0 || len(sku.LocationInfo[0].Zones) != 3 {
		t.Errorf("without a file: %+v", sku)
	}
	w.skuFile(`[{"name": "Standard_D8s_v5", "location": "eastus", "zones": ["1", "2"], "restrictions": [{"type": "Zone", "zones": ["2"]}, {"type": "Location", "reasonCode": "QuotaId"}]},
		{"name": "Standard_D8s_v5", "location": "westeurope", "restrictions": [{"type": "Location"}]}]`)
	sku := size(name)
	if zones := sku.LocationInfo[0].Zones; len(zones) != 2 || len(sku.Restrictions) != 2 {
		t.Fatalf("the zones are %v, the restrictions %v", zones, sku.Restrictions)
	}
	zone, location := sku.Restrictions[0], sku.Restrictions[1]
	if *zone.Type != armcompute.ResourceSKURestrictionsTypeZone || *zone.ReasonCode != armcompute.ResourceSKURestrictionsReasonCodeNotAvailableForSubscription || *zone.RestrictionInfo.Zones[0] != "2" {
		t.Errorf("the first restriction is %+v", zone)
	}
	if *location.Type != armcompute.ResourceSKURestrictionsTypeLocation || *location.ReasonCode != armcompute.ResourceSKURestrictionsReasonCodeQuotaID || *location.Values[0] != "eastus" {
		t.Errorf("the second restriction is %+v", location)
	}
	if other := size("Standard_D8s_v4"); len(other.Restrictions) != 0 {
		t.Errorf("another size: %+v", other)
	}
}

func TestMachinesOfRestrictedSizesAreRefused(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	w.skuFile(`[{"name": "Standard_D8s_v5", "restrictions": [{"type": "Zone", "zones": ["2"]}]}, {"name": "Standard_D16s_v5", "location": "eastus", "restrictions": [{"type": "Location"}]},
		{"name": "Standard_D4s_v5", "zones": ["1"]}]`)
	for _, test := range []struct {
		size, location string
		zones          []string
		offered        bool
	}{
		{"Standard_D8s_v5", "eastus", []string{"1"}, true},
		{"Standard_D8s_v5", "eastus", []string{"2"}, false},
		{"standard_d8s_v5", "westeurope", []string{"2"}, false},
		{"Standard_D8s_v5", "eastus", nil, true},
		{"Standard_D16s_v5", "eastus", nil, false},
		{"Standard_D16s_v5", "westeurope", nil, true},
		{"Standard_D4s_v5", "eastus", []string{"3"}, false},
		{"Standard_D32s_v5", "eastus", []string{"3"}, true},
	} {
		err := w.SizeOffered(test.size, test.location, test.zones)
		if (err == nil) != test.offered || err != nil && !strings.Contains(err.Error(), "SkuNotAvailable") {
			t.Errorf("%s in %s %v: %v", test.size, test.location, test.zones, err)
		}
	}
}

func TestAFileOfSizesWithAMistakeIsRefused(t *testing.T) {
	w := newFixture(t, cloud.Options{})
	const path = customer + "/providers/Microsoft.Compute/skus?api-version=2021-07-01"
	for content, words := range map[string]string{
		`[{"name": "Standard_D8s_v5", "zone": ["1"]}]`:                                          "zone",
		`[{"name": "Standard_Huge"}]`:                                                           "Standard_Huge",
		`[{"name": "Standard_D8s_v5", "location": "narnia"}]`:                                   "narnia",
		`[{"name": "Standard_D8s_v5", "restrictions": [{"type": "Zone"}]}]`:                     "with zones",
		`[{"name": "Standard_D8s_v5", "restrictions": [{"type": "Location", "zones": ["1"]}]}]`: "without zones",
		`{`: "unexpected EOF",
	} {
		w.skuFile(content)
		status, _, body := w.call(w.demo(), http.MethodGet, path, nil)
		if text := fmt.Sprint(body); status != http.StatusInternalServerError || !strings.Contains(text, words) {
			t.Errorf("%s: %d %s", content, status, text)
		}
	}
}
