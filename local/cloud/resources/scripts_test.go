package resources_test

import (
	"net/http"
	"testing"

	"github.com/aro-rp/aro/local/cloud/resources"
)

func TestAGroupOfAnyScriptIsFoundInAnyCasing(t *testing.T) {
	w := newFixture(t, nil)
	for _, test := range []struct{ made, asked, other string }{
		{"группа-日本", "ГРУППА-日本", "группа-日木"},
		{"οδος", "ΟΔΟΣ", "οδο"},       // both small sigmas are the same letter
		{"kube", "KUBE", "\u212aube"}, // the Kelvin sign
		{"sets", "SETS", "\u017fets"}, // the long s
	} {
		path := func(group string) string {
			return subscription + "/resourceGroups/" + group + "/providers/Microsoft.Network/virtualNetworks/vnet"
		}
		of := func(path string) string { return resources.GroupID(path) }
		w.want(http.MethodPut, of(path(test.made)), object{"location": "eastus"}, http.StatusCreated)
		w.want(http.MethodPut, path(test.asked), object{"location": "eastus"}, http.StatusCreated)
		for _, group := range []string{test.made, test.asked} {
			w.want(http.MethodGet, path(group), nil, http.StatusOK)
			list := w.want(http.MethodGet, of(path(group))+"/resources", nil, http.StatusOK)
			if len(resources.Objects(list["value"])) != 1 {
				t.Errorf("%s lists %v", group, list["value"])
			}
		}
		w.want(http.MethodGet, path(test.other), nil, http.StatusNotFound)
		w.want(http.MethodDelete, path(test.asked), nil, http.StatusOK)
		w.want(http.MethodGet, path(test.made), nil, http.StatusNotFound)
	}
}
