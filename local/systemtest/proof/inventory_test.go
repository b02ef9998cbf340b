package proof

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// resource is what the inventory shows of one.
type resource struct {
	ID        string     `json:"id"`
	Type      string     `json:"type"`
	Resources []resource `json:"resources"`
}

// inventory is every resource of the local Azure, what its vaults and its
// containers hold, and the applications of its directory.
func (w *world) inventory(ctx context.Context, t *testing.T) []string {
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
func (w *world) kept(ctx context.Context, t *testing.T) (all []string) {
	t.Helper()
	vault := w.service.pipeline("https://vault.azure.net")
	for _, list := range []string{"aro-cls/certificates", "aro-cls/secrets", "aro-msi/secrets", "aro-svc/certificates", "aro-svc/secrets"} {
		var answer struct {
			Value []struct{ ID string } `json:"value"`
		}
		if _, err := w.service.do(ctx, vault, http.MethodGet, w.Origin+"/vaults/"+list+"?api-version=7.5", nil, &answer); err != nil {
			t.Fatalf("list %s: %v", list, err)
		}
		for _, one := range answer.Value {
			all = append(all, one.ID)
		}
	}
	var applications struct{ Value []directoryObject }
	w.directory(ctx, t, http.MethodGet, "/applications", nil, &applications)
	for _, a := range applications.Value {
		all = append(all, "application "+a.AppID)
	}
	return all
}

// sockets are the addresses on which this world listens, but those of the local
// Azure and the provider.
func (w *world) sockets(t *testing.T) (all []string) {
	t.Helper()
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		const listens = "0A"
		if len(fields) < 4 || fields[3] != listens {
			continue
		}
		var d, c, b, a, port int
		if _, err := fmt.Sscanf(fields[1], "%02X%02X%02X%02X:%04X", &d, &c, &b, &a, &port); err != nil {
			continue // the heading
		}
		if a == 127 && (b == w.addresses || b == w.addresses+1) {
			all = append(all, fmt.Sprintf("%d.%d.%d.%d:%d", a, b, c, d, port))
		}
	}
	return all
}

// files are those of machines.
func (w *world) files(t *testing.T) (all []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(w.dir, "machines"), func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			all = append(all, strings.TrimPrefix(path, w.dir))
		}
		return nil // what goes meanwhile is not there
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// footprint is all that a world takes up.
func (w *world) footprint(ctx context.Context, t *testing.T) (all []string) {
	t.Helper()
	for kind, list := range map[string][]string{"resource": w.inventory(ctx, t), "process": w.processes(), "port": w.sockets(t), "file": w.files(t)} {
		for _, one := range list {
			all = append(all, kind+" "+one)
		}
	}
	slices.Sort(all)
	return all
}

// isAsBefore waits until nothing is there but what was, and all of that.
func (w *world) isAsBefore(t *testing.T, before []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var more, less []string
	err := until(ctx, func() (bool, error) {
		after := w.footprint(ctx, t)
		more, less = minus(after, before), minus(before, after)
		return len(more)+len(less) == 0, nil
	})
	if err != nil {
		t.Errorf("not as before: too much is\n  %s\nmissing is\n  %s", strings.Join(more, "\n  "), strings.Join(less, "\n  "))
	}
}

func minus(all, without []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(one string) bool { return slices.Contains(without, one) })
}
