package bench

import (
	"flag"
	"fmt"
	"os"
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
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if scratch, err = os.MkdirTemp("", "aro-bench"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	return harness.Main(m, func(path string) { binary = path })
}
