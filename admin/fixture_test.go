package admin_test

import (
	"testing"

	"github.com/aro-rp/aro/test/edge"
)

// fixture is an edge.Fixture on which engineers, and workers, act.
type fixture struct {
	*edge.Fixture
	t testing.TB
}

func newFixture(t testing.TB, change ...func(*edge.Options)) *fixture {
	t.Helper()
	return &fixture{edge.NewFixture(t, change...), t}
}

const providerPath = "/providers/Microsoft.RedHatOpenShift"
