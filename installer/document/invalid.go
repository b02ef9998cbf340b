package document

import (
	"slices"
	"strings"
)

// Invalid is a request that cannot be made a cluster of.
type Invalid struct {
	Members []string // missing or wrong
}

// Error names the members.
func (i *Invalid) Error() string {
	slices.Sort(i.Members)
	return "missing or wrong in the request: " + strings.Join(i.Members, ", ")
}
