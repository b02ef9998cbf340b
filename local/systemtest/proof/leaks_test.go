package proof

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var cycles = flag.Int("cycles", 3, "creates and deletes in the search for leaks")

// maxMoreFiles is by how many the open files of a program may differ between two
// looks: connections come and go.
const maxMoreFiles = 40

// TestCyclesLeaveNothing creates and deletes clusters of both kinds, over and
// over. After each nothing is there that was not.
func TestCyclesLeaveNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before, open := w.footprint(t.Context(), t), w.openFiles(t)
	for n := range *cycles {
		c := w.customer(t, order{name: fmt.Sprintf("cycle%d", n), workload: n%2 == 1, private: n%4 >= 2})
		c.created(t)
		c.removed(t)
		w.isAsBefore(t, before)
		if t.Failed() {
			t.Fatalf("cycle %d left something", n+1)
		}
	}
	if more := w.openFiles(t) - open; more > maxMoreFiles {
		t.Errorf("aro-local and aro rp have %d files open more than before", more)
	}
}

// openFiles counts those of aro-local and the provider.
func (w *world) openFiles(t *testing.T) (n int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(w.dir, "rp.pid"))
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range []string{strconv.Itoa(w.process.Pid), strings.Fields(string(text))[0]} {
		files, err := os.ReadDir(filepath.Join("/proc", pid, "fd"))
		if err != nil {
			t.Fatal(err)
		}
		n += len(files)
	}
	return n
}
