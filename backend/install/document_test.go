package install_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aro-rp/aro/backend/install"
)

// The examples hold the program, which has types of its own, to the same form.
var requests = []string{"installer-request.json", "installer-request-workload-identity.json"}

func example(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "test", "contract", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// read takes no member that the type does not have.
func read[T any](t testing.TB, text []byte) T {
	t.Helper()
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	var v T
	if err := in.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func write(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func same(t *testing.T, got, want []byte) {
	t.Helper()
	if a, b := read[any](t, got), read[any](t, want); !reflect.DeepEqual(a, b) {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestTheExamplesAreRequests(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range requests {
		text := example(t, name)
		req := read[install.Request](t, text)
		same(t, write(t, req), text)
		set(reflect.ValueOf(req), "", seen)
	}
	for path, has := range seen {
		if !has {
			t.Errorf("no example has %s", path)
		}
	}
}

// set notes for every member whether any example has it.
func set(v reflect.Value, path string, seen map[string]bool) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			set(v.Field(i), path+"."+v.Type().Field(i).Name, seen)
		}
	case reflect.Pointer:
		seen[path] = seen[path] || !v.IsNil()
		if !v.IsNil() {
			set(v.Elem(), path, seen)
		}
	default:
		seen[path] = seen[path] || !v.IsZero()
	}
}

func TestAResultSurvivesItsStorage(t *testing.T) {
	text := example(t, "installer-result.json")
	first := read[install.Result](t, text)
	stored := write(t, first)
	same(t, stored, text)
	second := read[install.Result](t, stored)
	if again := write(t, second); !bytes.Equal(stored, again) {
		t.Errorf("stored twice, it is another: %s", again)
	}
	if string(second.RootCA.Key) != string(first.RootCA.Key) || !strings.Contains(string(second.RootCA.Key), "BB+/") {
		t.Errorf("the key is damaged: %q", string(second.RootCA.Key))
	}
	if !bytes.Contains(second.BootstrapIgnition, []byte("a+b")) {
		t.Errorf("the ignition is damaged: %q", string(second.BootstrapIgnition))
	}
}

func TestOnlyJSONHasTheSecrets(t *testing.T) {
	req, withIdentity := read[install.Request](t, example(t, requests[0])), read[install.Request](t, example(t, requests[1]))
	result := read[install.Result](t, example(t, "installer-result.json"))
	secrets := []string{"example~client+secret/7", "dG9rZW46ZXhhbXBs", "PRIVATE KEY", "aB3dE-", "server: https", "/etc/motd", "UUID"}
	for name, v := range map[string]any{
		"request": req, "pointer": &req, "request with identities": withIdentity, "result": result, "pointer to it": &result, "principal": req.ServicePrincipal,
		"identity": withIdentity.WorkloadIdentity, "pair": result.RootCA, "document": result.MasterIgnition, "secret": req.PullSecret,
		"graph": result.Graph, "error": fmt.Errorf("of %v", result),
	} {
		said := fmt.Sprintf("%v %+v %#v %s %q %x %d", v, v, v, v, v, v, v)
		var log bytes.Buffer
		for _, h := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
			if name != "graph" { // a plain map; its handler would write JSON
				slog.New(h).Info("it is", "v", v)
			}
		}
		for _, s := range secrets {
			if strings.Contains(said, s) || strings.Contains(said, fmt.Sprintf("%x", s)) {
				t.Errorf("a printed %s says %q", name, s)
			}
			if strings.Contains(log.String(), s) {
				t.Errorf("a logged %s says %q", name, s)
			}
		}
	}
}
