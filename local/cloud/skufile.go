package cloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/compute"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// skuFile, in the directory of a local Azure, lists the VM sizes that are restricted for a
// subscription. Without it all sizes may be used in all zones. It is read at each request.
const skuFile = "skus.json"

// skuException is what differs for one size of machines.
type skuException struct {
	Name string `json:"name"`
	// Location is a region, or empty for all.
	Location string `json:"location,omitempty"`
	// Zones are those in which the size is offered, instead of all three.
	Zones        *[]string        `json:"zones,omitempty"`
	Restrictions []skuRestriction `json:"restrictions,omitempty"`
}

// skuRestriction is where the subscription may not use a size that is offered there.
type skuRestriction struct {
	// Type is Location or Zone.
	Type string `json:"type"`
	// Zones are those of a restriction of type Zone.
	Zones []string `json:"zones,omitempty"`
	// ReasonCode is NotAvailableForSubscription if empty.
	ReasonCode string `json:"reasonCode,omitempty"`
}

type skuExceptions []skuException

// skuExceptions reads the file.
func (a *Azure) skuExceptions() (skuExceptions, error) {
	path := filepath.Join(a.Dir, skuFile)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all skuExceptions
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&all); err != nil {
		return nil, resources.Refuse(http.StatusInternalServerError, "InvalidSKUFile", "%s cannot be read: %v.", path, err)
	}
	for _, e := range all {
		if err := e.check(); err != nil {
			return nil, resources.Refuse(http.StatusInternalServerError, "InvalidSKUFile", "%s: %v.", path, err)
		}
	}
	return all, nil
}

func (e skuException) check() error {
	if !slices.ContainsFunc(compute.Sizes(), func(s compute.Size) bool { return s.Name == e.Name }) {
		return fmt.Errorf("there is no size of machines %q", e.Name)
	}
	if e.Location != "" && locations()[e.Location] == "" {
		return fmt.Errorf("there is no region %q", e.Location)
	}
	for _, r := range e.Restrictions {
		if r.Type != "Location" && r.Type != "Zone" || (r.Type == "Zone") != (len(r.Zones) > 0) {
			return fmt.Errorf("a restriction of %s is neither of type Location without zones nor of type Zone with zones", e.Name)
		}
	}
	return nil
}

// of are the exceptions of a size in a region.
func (all skuExceptions) of(name, location string) (some skuExceptions) {
	for _, e := range all {
		if arm.EqualFold(e.Name, name) && (e.Location == "" || e.Location == location) {
			some = append(some, e)
		}
	}
	return some
}

// apply restricts an offered size for the subscription.
func (all skuExceptions) apply(sku map[string]any, name, location string) {
	restrictions := []any{}
	for _, e := range all.of(name, location) {
		if e.Zones != nil {
			sku["locationInfo"] = []any{locationInfo(location, *e.Zones)}
		}
		for _, r := range e.Restrictions {
			info := map[string]any{"locations": []string{location}}
			if r.Type == "Zone" {
				info["zones"] = r.Zones
			}
			reason := r.ReasonCode
			if reason == "" {
				reason = "NotAvailableForSubscription"
			}
			restrictions = append(restrictions, map[string]any{"type": r.Type, "values": []string{location}, "restrictionInfo": info, "reasonCode": reason})
		}
	}
	sku["restrictions"] = restrictions
}

func locationInfo(location string, zones []string) map[string]any {
	return map[string]any{"location": location, "zones": zones, "zoneDetails": []any{}}
}

// SizeOffered refuses a machine of a size that the subscription may not use in a
// region, or in a zone of it.
func (a *Azure) SizeOffered(name, location string, zones []string) error {
	all, err := a.skuExceptions()
	if err != nil {
		return err
	}
	for _, e := range all.of(name, location) {
		refused := e.Zones != nil && slices.ContainsFunc(zones, func(zone string) bool { return !slices.Contains(*e.Zones, zone) })
		for _, r := range e.Restrictions {
			refused = refused || r.Type == "Location" || slices.ContainsFunc(zones, func(zone string) bool { return slices.Contains(r.Zones, zone) })
		}
		if refused {
			return resources.Refuse(http.StatusConflict, "SkuNotAvailable", "The requested VM size for resource 'Following SKUs have failed for Capacity Restrictions: %s' is currently not available in location '%s'. "+
				"Please try another size or deploy to a different location or different zone. See https://aka.ms/azureskunotavailable for details.", name, location)
		}
	}
	return nil
}
