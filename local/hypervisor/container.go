package hypervisor

import (
	"io"

	"github.com/aro-rp/aro/local/hypervisor/container"
)

// RunContainer is what the program of Options.Container does: it becomes the container that
// its input describes, and returns only if the container's program cannot be run.
func RunContainer(input io.Reader) error { return container.Main(input) }
