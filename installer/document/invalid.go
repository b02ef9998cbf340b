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

// Refusal is what the installer says against one field of its configuration.
type Refusal struct {
	Field   string `json:"field"` // such as networking.clusterNetwork[0].cidr
	Message string `json:"message"`
}

// Refused is a request whose values the installer does not take. The same request
// is refused again.
type Refused []Refusal

// Error names every field.
func (r Refused) Error() string {
	lines := make([]string, len(r))
	for i, one := range r {
		lines[i] = one.Field + ": " + one.Message
	}
	return strings.Join(lines, "\n")
}
