package document

import (
	"slices"
	"strings"
)

// Invalid is the error of a request with missing or invalid members.
type Invalid struct {
	Members []string // missing or invalid
}

// Error lists the members.
func (i *Invalid) Error() string {
	slices.Sort(i.Members)
	return "missing or wrong in the request: " + strings.Join(i.Members, ", ")
}

// Refusal is why the installer refuses one field of its configuration.
type Refusal struct {
	Field   string `json:"field"` // such as networking.clusterNetwork[0].cidr
	Message string `json:"message"`
}

// Refused is the error of a request whose values the installer refuses. A retry is
// refused as well.
type Refused []Refusal

// Error lists all fields.
func (r Refused) Error() string {
	lines := make([]string, len(r))
	for i, one := range r {
		lines[i] = one.Field + ": " + one.Message
	}
	return strings.Join(lines, "\n")
}
