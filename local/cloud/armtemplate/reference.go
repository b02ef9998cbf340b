package armtemplate

import (
	"maps"
	"slices"
	"strings"
)

// Known is the documentation's entry of a function of the language.
type Known struct {
	Name, Group string
	// Refused is the reason why a function of Azure is not supported; empty if it is supported.
	Refused string
}

// Functions are all functions of the language, by their names.
func Functions() []Known {
	all := map[string]Known{}
	for key, f := range pure() {
		all[key] = Known{Name: f.Name, Group: f.Group}
	}
	for key, s := range specials() {
		all[key] = Known{Name: s.Name, Group: s.Group}
	}
	all["list*"] = Known{Name: "list*", Group: "Resource"}
	for name, why := range refused() {
		all[strings.ToLower(name)] = Known{Name: name, Group: "", Refused: why}
	}
	var sorted []Known
	for _, key := range slices.Sorted(maps.Keys(all)) {
		sorted = append(sorted, all[key])
	}
	return sorted
}
