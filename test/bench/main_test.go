package bench

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/aro-rp/aro/test/harness"
)

var (
	// binary is the path of aro.
	binary string
	// scratch is a folder that lasts as long as the process.
	scratch string
)

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() == "" {
		os.Exit(m.Run()) // there are no tests, so no binary is needed
	}
	os.Exit(harness.Main(m, func(path string) { binary, scratch = path, filepath.Dir(path) }))
}
