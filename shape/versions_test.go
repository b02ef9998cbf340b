package shape_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/generated/v20191231preview"
	"github.com/aro-rp/aro/generated/v20200430"
	"github.com/aro-rp/aro/generated/v20210901preview"
	"github.com/aro-rp/aro/generated/v20220401"
	"github.com/aro-rp/aro/generated/v20220904"
	"github.com/aro-rp/aro/generated/v20230401"
	"github.com/aro-rp/aro/generated/v20230701preview"
	"github.com/aro-rp/aro/generated/v20230904"
	"github.com/aro-rp/aro/generated/v20231122"
	"github.com/aro-rp/aro/generated/v20240812preview"
	"github.com/aro-rp/aro/generated/v20250725"
)

type version interface {
	APIVersion() string
	ValidateCluster(body []byte, f *arm.Faults) []byte
	ValidateClusterUpdate(body []byte, f *arm.Faults) []byte
}

func versions() []version {
	return []version{
		v20191231preview.Version{}, v20200430.Version{}, v20210901preview.Version{}, v20220401.Version{},
		v20220904.Version{}, v20230401.Version{}, v20230701preview.Version{}, v20230904.Version{},
		v20231122.Version{}, v20240812preview.Version{}, v20250725.Version{},
	}
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
