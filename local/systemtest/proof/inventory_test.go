package proof

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

// resource is what the inventory shows of one.
type resource struct {
	ID        string     `json:"id"`
	Type      string     `json:"type"`
	Resources []resource `json:"resources"`
}

// inventory is every resource of the local Azure, what its vaults and its
// containers hold, and the applications of its directory.
func (w *environment) inventory(ctx context.Context, t *testing.T) []string {
	t.Helper()
	var top struct {
		Value []resource `json:"value"`
	}
	w.want(ctx, t, http.MethodGet, "/local/inventory", nil, &top)
	var all []string
	var walk func([]resource)
	walk = func(list []resource) {
		for _, r := range list {
			all = append(all, strings.ToLower(r.ID))
			walk(r.Resources)
		}
	}
	walk(top.Value)
	return append(all, w.kept(ctx, t)...)
}

// machines are the virtual machines of a group.
func (c *customer) machines(ctx context.Context, t *testing.T) (names []string) {
	t.Helper()
	for _, id := range c.inventory(ctx, t) {
		parent, name, found := strings.Cut(id, "/microsoft.compute/virtualmachines/")
		if found && strings.HasPrefix(parent, strings.ToLower(c.managedGroup())) && !strings.Contains(name, "/") {
			names = append(names, name)
		}
	}
	return names
}

// kept is what is no resource.
func (w *environment) kept(ctx context.Context, t *testing.T) (all []string) {
	t.Helper()
	for _, one := range w.vaulted(ctx, t, "certificates", "secrets") {
		all = append(all, one.ID)
	}
	var applications struct{ Value []directoryObject }
	w.directory(ctx, t, http.MethodGet, "/applications", nil, &applications)
	for _, a := range applications.Value {
		all = append(all, "application "+a.AppID)
	}
	return all
}

// vaultObject is a secret or a certificate. Deleted ones have the date on which
// the vault forgets them.
type vaultObject struct {
	ID    string `json:"id"`
	Purge int64  `json:"scheduledPurgeDate"`
}

// vaulted is what the service's vaults have in collections.
func (w *environment) vaulted(ctx context.Context, t *testing.T, collections ...string) (all []vaultObject) {
	t.Helper()
	line := w.service.pipeline("https://vault.azure.net")
	for _, vault := range []string{"aro-cls", "aro-msi", "aro-svc"} {
		for _, collection := range collections {
			var answer struct {
				Value []vaultObject `json:"value"`
			}
			if _, err := w.service.do(ctx, line, http.MethodGet, w.Origin+"/vaults/"+vault+"/"+collection+"?api-version=7.5", nil, &answer); err != nil {
				t.Fatalf("list the %s of %s: %v", collection, vault, err)
			}
			all = append(all, answer.Value...)
		}
	}
	return all
}
