package compute

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/aro-rp/aro/model"
)

// Size is a size of virtual machines.
type Size struct {
	Name, Family    string
	Cores, MemoryGB int
}

// Sizes are all that clusters can be made of, and the small ones for trials, by name.
func Sizes() []Size {
	known := model.SupportedVMSizes(model.Worker)
	maps.Copy(known, model.SupportedVMSizes(model.Master))
	for _, generation := range []string{"v3", "v4", "v5"} {
		known["Standard_D2s_"+generation] = model.VMSize{CoreCount: 2, Family: "standardDS" + generation + "Family"}
	}
	all := make([]Size, 0, len(known))
	for name, size := range known {
		all = append(all, Size{Name: name, Family: size.Family, Cores: size.CoreCount, MemoryGB: memory(name, size.CoreCount)})
	}
	slices.SortFunc(all, func(a, b Size) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// memory in GB follows from the letter of the family.
func memory(name string, cores int) int {
	perCore := map[byte]int{'D': 4, 'E': 8, 'F': 2, 'L': 8, 'M': 30, 'N': 7}[strings.TrimPrefix(name, "Standard_")[0]]
	if strings.HasPrefix(name, "Standard_D") && strings.Contains(name, "l") {
		perCore = 2
	}
	return max(perCore, 1) * cores
}
