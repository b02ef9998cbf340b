package harness

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// Main is the body of a TestMain whose tests run the real binary: it builds it,
// passes its path to use, and runs the tests. With -short it builds
// nothing; such tests are then skipped. It returns the exit code.
func Main(m *testing.M, use func(binary string)) int {
	flag.Parse()
	if testing.Short() {
		return m.Run()
	}
	binary, err := Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	use(binary)
	return m.Run()
}
