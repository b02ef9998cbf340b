package admin_test

import (
	"testing"

	"github.com/aro-rp/aro/test/edge"
)

// world is an edge.World on which engineers, and workers, act.
type world struct {
	*edge.World
	t testing.TB
}

func newWorld(t testing.TB, change ...func(*edge.Options)) *world {
	t.Helper()
	return &world{edge.NewWorld(t, change...), t}
}

const providerPath = "/providers/Microsoft.RedHatOpenShift"
