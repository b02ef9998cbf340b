package assets_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/coreos/ignition/v2/config/v3_2"
	igntypes "github.com/coreos/ignition/v2/config/v3_2/types"
	"github.com/sirupsen/logrus"
	"github.com/vincent-petithory/dataurl"
	"sigs.k8s.io/yaml"

	"github.com/aro-rp/aro/installer/assets"
	"github.com/aro-rp/aro/installer/document"
	"github.com/aro-rp/aro/installer/payload"
)

const (
	withSecret   = "installer-request.json"
	withIdentity = "installer-request-workload-identity.json"
)

func TestMain(m *testing.M) {
	logrus.SetLevel(logrus.ErrorLevel)
	if err := payload.Mount(); err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// request is one of the examples, changed.
func request(t testing.TB, name string, change func(*document.Request)) *document.Request {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "test", "contract", name))
	if err != nil {
		t.Fatal(err)
	}
	req, err := document.Read(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	return req
}

// made is a cluster, opened for looking.
type made struct {
	*document.Result
	bootstrap, master, worker igntypes.Config
	files                     map[string]string // of the bootstrap machine, by path
	modes                     map[string]int
}

func generate(t testing.TB, req *document.Request) *made {
	t.Helper()
	result, err := assets.Generate(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	m := &made{
		Result: result, files: map[string]string{}, modes: map[string]int{},
		bootstrap: parse(t, result.BootstrapIgnition), master: parse(t, result.MasterIgnition), worker: parse(t, result.WorkerIgnition),
	}
	for _, f := range m.bootstrap.Storage.Files {
		if f.Mode != nil {
			m.modes[f.Path] = *f.Mode
		}
		if f.Contents.Source != nil {
			m.files[f.Path] = decode(t, *f.Contents.Source)
		}
	}
	return m
}

// parse parses with the library that machines boot with.
func parse(t testing.TB, raw []byte) igntypes.Config {
	t.Helper()
	config, report, err := v3_2.Parse(raw)
	if err != nil || report.IsFatal() {
		t.Fatalf("ignition refuses it: %v\n%s", err, report)
	}
	return config
}

func decode(t testing.TB, source string) string {
	t.Helper()
	content, err := dataurl.DecodeString(source)
	if err != nil {
		t.Fatal(err)
	}
	return string(content.Data)
}

// example clusters are made once for all tests, which only look at them.
var examples = struct {
	sync.Mutex
	made map[string]*made
}{made: map[string]*made{}}

func exampleCluster(t testing.TB, name string) *made {
	t.Helper()
	examples.Lock()
	defer examples.Unlock()
	if examples.made[name] == nil {
		examples.made[name] = generate(t, request(t, name, nil))
	}
	return examples.made[name]
}

// object is the manifest of that path.
func (m *made) object(t testing.TB, path string) map[string]any {
	t.Helper()
	text, ok := m.files[path]
	if !ok {
		t.Fatalf("there is no %s", path)
	}
	var o map[string]any
	if err := yaml.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// at follows names into an object; nil is nothing there.
func at(o any, names ...string) any {
	for _, name := range names {
		m, _ := o.(map[string]any)
		o = m[name]
	}
	return o
}

// machineConfig is the ignition in a manifest of that kind.
func (m *made) machineConfig(t testing.TB, path string) igntypes.Config {
	t.Helper()
	raw, err := json.Marshal(at(m.object(t, path), "spec", "config"))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, raw)
}
