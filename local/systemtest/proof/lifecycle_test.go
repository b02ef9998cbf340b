package proof

import (
	"testing"
)

func TestSmoke(t *testing.T) {
	w := newWorld(t)
	c := w.customer(t, order{name: "smoke"})
	c.created(t)
	c.removed(t)
}
