package catalogue_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aro-rp/aro/catalogue"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/server"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
	"github.com/aro-rp/aro/test/edge"
)

func newStore(t *testing.T) *store.Store {
	t.Helper()
	driver, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aro.db"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		t.Fatal(err)
	}
	st := store.New(driver, keys)
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// entrances are the ways by which a version comes into a store that has 4.18.1 as its
// default: the admin API, the file of aro versions, and the seeds of an empty store.
func entrances(t *testing.T, installable model.Installable) map[string]func(p model.OpenShiftVersionProperties) error {
	first := model.OpenShiftVersionProperties{Version: "4.18.1", OpenShiftPullspec: "r", Enabled: true, Default: true}
	filled := func() (*store.Store, *catalogue.Catalogue) {
		st := newStore(t)
		known := catalogue.New(st, nil, nil)
		if err := known.Fill(t.Context(), catalogue.Set{}.With(first), nil); err != nil {
			t.Fatal(err)
		}
		return st, catalogue.New(st, installable, nil)
	}
	return map[string]func(model.OpenShiftVersionProperties) error{
		"admin API": func(p model.OpenShiftVersionProperties) error {
			st, _ := filled()
			body, err := json.Marshal(map[string]any{"properties": p})
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodPut, "http://localhost/admin/versions", strings.NewReader(string(body)))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			edge.Must(t, edge.Options{Config: server.Config{Store: st}, Installable: installable}).ServeHTTP(w, r)
			if w.Code >= http.StatusBadRequest {
				return fmt.Errorf("%d %s", w.Code, w.Body)
			}
			return nil
		},
		"aro versions": func(p model.OpenShiftVersionProperties) error {
			_, known := filled()
			have, err := known.Versions(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return known.ReplaceVersions(t.Context(), have.With(p), func(string, catalogue.Change) {})
		},
		"seed": func(p model.OpenShiftVersionProperties) error {
			return catalogue.New(newStore(t), installable, nil).Fill(t.Context(), catalogue.Set{}.With(first).With(p), nil)
		},
	}
}

func TestEveryEntranceJudgesVersionsAlike(t *testing.T) {
	type version = model.OpenShiftVersionProperties
	for _, test := range []struct {
		why     string
		version version
		accepts bool
	}{
		{"a release", version{Version: "4.19.1", OpenShiftPullspec: "r", Enabled: true}, true},
		{"one that is disabled", version{Version: "4.19.1", OpenShiftPullspec: "r"}, true},
		{"a new default", version{Version: "4.19.1", OpenShiftPullspec: "r", Enabled: true, Default: true}, true},
		{"leading zeros", version{Version: "04.019.1", OpenShiftPullspec: "r", Enabled: true}, false},
		{"no release", version{Version: "latest", OpenShiftPullspec: "r"}, false},
		{"two numbers", version{Version: "4.19", OpenShiftPullspec: "r"}, false},
		{"a candidate", version{Version: "4.19.0-rc.1", OpenShiftPullspec: "r"}, false},
		{"no image", version{Version: "4.19.1"}, false},
		{"a default that is disabled", version{Version: "4.19.1", OpenShiftPullspec: "r", Default: true}, false},
		{"the only one, disabled, so that none is offered", version{Version: "4.18.1", OpenShiftPullspec: "r"}, true},
		{"the default, no default any more", version{Version: "4.18.1", OpenShiftPullspec: "r", Enabled: true}, false},
		{"what nothing installs", version{Version: "4.99.1", OpenShiftPullspec: "r", Enabled: true}, false},
		{"what nothing installs, disabled", version{Version: "4.99.1", OpenShiftPullspec: "r"}, true},
	} {
		for name, enter := range entrances(t, func(p *model.OpenShiftVersionProperties) error {
			if strings.HasPrefix(p.Version, "4.99.") {
				return fmt.Errorf("there is no installer of it")
			}
			return nil
		}) {
			if err := enter(test.version); (err == nil) != test.accepts {
				t.Errorf("%s by %s: %v", test.why, name, err)
			}
		}
	}
}

func TestThereIsOneDefaultAfterEveryChange(t *testing.T) {
	known := catalogue.New(newStore(t), nil, nil)
	for i, p := range []model.OpenShiftVersionProperties{
		{Version: "4.17.1", OpenShiftPullspec: "r"},
		{Version: "4.18.1", OpenShiftPullspec: "r", Enabled: true, Default: true},
		{Version: "4.19.1", OpenShiftPullspec: "r", Enabled: true},
		{Version: "4.19.1", OpenShiftPullspec: "r", Enabled: true, Default: true},
		{Version: "4.20.1", OpenShiftPullspec: "r", Enabled: true, Default: true},
	} {
		created, err := known.PutVersion(t.Context(), p)
		if err != nil || created != (i != 3) {
			t.Fatalf("%+v: created %v, %v", p, created, err)
		}
		all, err := known.Versions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defaults := 0
		for _, v := range all {
			if v.Default {
				defaults++
			}
		}
		if want := min(i, 1); defaults != want {
			t.Errorf("after %s %d are the default, want %d", p.Version, defaults, want)
		}
	}
	offer, err := known.Offer(context.Background())
	if err != nil || len(offer.Versions) != 3 || !offer.Versions[2].Properties.Default {
		t.Errorf("offered are %+v (%v)", offer, err)
	}
}

func TestTheFileOfVersionsIsReadStrictly(t *testing.T) {
	for text, says := range map[string]string{
		`{"versions":[{"version":"4.19.1","surprise":1}]}`:            "surprise",
		`{"versions":[{"version":"4.19.1"},{"version":"4.19.1"}]}`:    "twice",
		`{"versions":[{"version":"4.19.1","openShiftPullspec":"r"}]}`: "",
	} {
		if _, err := catalogue.Parse([]byte(text)); (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
