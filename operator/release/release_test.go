package release_test

import (
	"testing"

	configv1 "github.com/openshift/api/config/v1"

	"github.com/aro-rp/aro/operator/release"
)

func TestVersions(t *testing.T) {
	for _, bad := range []string{"", "4", "4.17", "v4.17.0", "4.17.0.1", "4.x.0", "4.17.9999999999"} {
		if v, err := release.Parse(bad); err == nil {
			t.Errorf("%q is read as %s", bad, v)
		}
	}
	candidate, err := release.Parse("4.17.0-rc.1")
	if err != nil || candidate.Before(release.Version{Major: 4, Minor: 17}) || !candidate.Before(release.Version{Major: 4, Minor: 17, Patch: 1}) {
		t.Errorf("a candidate has what its release has: %s, %v", candidate, err)
	}
	if (release.Version{Major: 4, Minor: 9}).Before(release.Version{Major: 4, Minor: 8, Patch: 9}) || !(release.Version{Major: 4, Minor: 9}).Before(release.Version{Major: 4, Minor: 10}) {
		t.Error("versions are numbers, not text")
	}
}

func TestHistory(t *testing.T) {
	cv := &configv1.ClusterVersion{}
	if _, err := release.Current(cv); err == nil || release.Upgrading(cv) {
		t.Error("without history there is no version, and no upgrade")
	}
	cv.Status.History = []configv1.UpdateHistory{{State: configv1.PartialUpdate, Version: "4.18.1"}, {State: configv1.PartialUpdate, Version: "4.18.0"}, {State: configv1.CompletedUpdate, Version: "4.17.9"}}
	if v, err := release.Current(cv); err != nil || v.String() != "4.17.9" || !release.Upgrading(cv) {
		t.Errorf("got %s, %v; want the completed one, and an upgrade", v, err)
	}
	cv.Status.History = cv.Status.History[:2]
	if v, err := release.Current(cv); err != nil || v.String() != "4.18.1" {
		t.Errorf("got %s, %v; a new cluster runs what is being installed", v, err)
	}
}
