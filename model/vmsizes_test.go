package model_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/aro-rp/aro/model"
)

func TestSupportedVMSizesAreThoseOfProduction(t *testing.T) {
	for _, tc := range []struct {
		role model.Role
		want int
		has  map[string]model.VMSize
		not  []string
	}{
		{model.Master, 70, map[string]model.VMSize{
			"Standard_D8s_v3":     {CoreCount: 8, Family: "standardDSv3Family"},
			"Standard_E64is_v3":   {CoreCount: 64, Family: "standardESv3Family"},
			"Standard_E4as_v4":    {CoreCount: 4, Family: "standardEASv4Family"},
			"Standard_E104ids_v5": {CoreCount: 104, Family: "standardEIDSv5Family"},
			"Standard_F72s_v2":    {CoreCount: 72, Family: "standardFSv2Family"},
			"Standard_M128ms":     {CoreCount: 128, Family: "standardMSFamily"},
		}, []string{"Standard_D4s_v3", "Standard_D64s_v4", "Standard_L8s_v3", "Standard_D4ls_v6", "Standard_E2s_v4"}},
		{model.Worker, 139, map[string]model.VMSize{
			"Standard_D4s_v3":       {CoreCount: 4, Family: "standardDSv3Family"},
			"Standard_D48ds_v5":     {CoreCount: 48, Family: "standardDDSv5Family"},
			"Standard_E96ds_v5":     {CoreCount: 96, Family: "standardEDSv5Family"},
			"Standard_L32s":         {CoreCount: 32, Family: "standardLsv2Family"},
			"Standard_NC16as_T4_v3": {CoreCount: 16, Family: "Standard NCASv3_T4 Family"},
			"Standard_NC24rs_v3":    {CoreCount: 24, Family: "Standard NCSv3 Family"},
			"Standard_E80ids_v4":    {CoreCount: 80, Family: "standardEIDSv4Family"},
			"Standard_E8as_v5":      {CoreCount: 8, Family: "standardEASv5Family"},
			"Standard_NC6s_v3":      {CoreCount: 6, Family: "Standard NCSv3 Family"},
			"Standard_F4s_v2":       {CoreCount: 4, Family: "standardFSv2Family"},
			"Standard_L64s_v2":      {CoreCount: 64, Family: "standardLsv2Family"},
			"Standard_E2s_v5":       {CoreCount: 2, Family: "standardESv5Family"},
			"Standard_D96as_v4":     {CoreCount: 96, Family: "standardDASv4Family"},
			"Standard_E20s_v4":      {CoreCount: 20, Family: "standardESv4Family"},
			"Standard_NC64as_T4_v3": {CoreCount: 64, Family: "Standard NCASv3_T4 Family"},
			"Standard_E104is_v5":    {CoreCount: 104, Family: "standardEISv5Family"},
			"Standard_E80is_v4":     {CoreCount: 80, Family: "standardEISv4Family"},
		}, []string{"Standard_D2s_v3", "Standard_L4s_v2", "Standard_E4as_v5", "Standard_D1l6ds_v6", "Standard_D64s_v3"}},
	} {
		sizes := model.SupportedVMSizes(tc.role)
		if len(sizes) != tc.want {
			t.Errorf("%s: got %d sizes, want %d", tc.role, len(sizes), tc.want)
		}
		for name, want := range tc.has {
			if got := sizes[name]; got.CoreCount != want.CoreCount || got.Family != want.Family {
				t.Errorf("%s %s: got %+v, want %+v", tc.role, name, got, want)
			}
		}
		for _, name := range tc.not {
			if _, ok := sizes[name]; ok {
				t.Errorf("%s: %s is no size of this role", tc.role, name)
			}
		}
	}
}

func TestVMSizeNamesSayTheirCores(t *testing.T) {
	name := regexp.MustCompile(`^Standard_[A-Z]+([0-9]+)[a-z]*(_T4)?(_v[2-6])?$`)
	for _, role := range []model.Role{model.Master, model.Worker} {
		for size, what := range model.SupportedVMSizes(role) {
			m := name.FindStringSubmatch(size)
			if m == nil {
				t.Errorf("%s is no name of a VM size", size)
			} else if m[1] != strconv.Itoa(what.CoreCount) {
				t.Errorf("%s: got %d cores", size, what.CoreCount)
			}
			if !strings.HasSuffix(what.Family, "Family") {
				t.Errorf("%s: %q is no quota", size, what.Family)
			}
		}
	}
}

// The sixth generation and the fourth L generation need OpenShift 4.19, no other.
func TestNewGenerationsNeedTheirRelease(t *testing.T) {
	young := regexp.MustCompile(`_v6$|^Standard_L[0-9]+s_v4$`)
	for size := range model.SupportedVMSizes(model.Worker) {
		c := valid()
		c.Properties.ClusterProfile.Version = "4.18.99"
		c.Properties.WorkerProfiles[0].VMSize = size
		if got, want := len(validate(c, nil)) > 0, young.MatchString(size); got != want {
			t.Errorf("%s on 4.18: refused %v, want %v", size, got, want)
		}
	}
}

func TestSupportedVMSizesAreACopy(t *testing.T) {
	delete(model.SupportedVMSizes(model.Master), "Standard_D8s_v3")
	if _, ok := model.SupportedVMSizes(model.Master)["Standard_D8s_v3"]; !ok {
		t.Error("a caller changed the table for all")
	}
	if got := model.SupportedVMSizes("bootstrap"); got != nil {
		t.Errorf("an unknown role has %d sizes, want none", len(got))
	}
}
