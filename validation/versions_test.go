package validation_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/generated/registry"
)

type version interface {
	APIVersion() string
	ValidateCluster(body []byte, f *arm.Faults) []byte
	ValidateClusterUpdate(body []byte, f *arm.Faults) []byte
}

func versions() (all []version) {
	for _, e := range registry.Versions() {
		all = append(all, e.Version)
	}
	return all
}

// example is the PUT body of the version's own example.
func example(t testing.TB, apiVersion string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "openapi", "arm", apiVersion, "examples", "OpenShiftClusters_CreateOrUpdate.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Parameters struct{ Parameters json.RawMessage }
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Parameters.Parameters
}

// jsonTime is a time as the decoder of the conversions reads it.
type jsonTime = time.Time
