package operators

import (
	"strings"
	"testing"

	configv1 "github.com/openshift/api/config/v1"
)

const releaseImage = "quay.io/openshift-release-dev/ocp-release:4.19.24-x86_64"

// TestUpdatesAreAcceptedAsTheVersionOperatorDoes asks a cluster that runs 4.19.24, and
// ran 4.19.20 before, for updates.
func TestUpdatesAreAcceptedAsTheVersionOperatorDoes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		channel string
		update  *configv1.Update
		desired string // what runs then
		invalid string // the end of the condition's message
		payload string // of a release that cannot be had
	}{
		"nothing":                     {desired: "4.19.24"},
		"the version that runs":       {update: &configv1.Update{Version: "4.19.24"}, desired: "4.19.24"},
		"the next patch of a channel": {channel: "stable-4.19", update: &configv1.Update{Version: "4.19.25"}, desired: "4.19.25"},
		"the channel's next minor":    {channel: "fast-4.20", update: &configv1.Update{Version: "4.20.0"}, desired: "4.20.0"},
		"a previous version":          {update: &configv1.Update{Version: "4.19.20"}, desired: "4.19.20"},
		"an image":                    {update: &configv1.Update{Image: "quay.io/openshift-release-dev/ocp-release:4.20.3-x86_64"}, desired: "4.20.3"},
		"without a channel": {update: &configv1.Update{Version: "4.19.25"}, desired: "4.19.24",
			invalid: `spec.desiredUpdate.version: Invalid value: "4.19.25": when image is empty the update must be a previous version or an available update`},
		"a version that is not offered": {channel: "stable-4.19", update: &configv1.Update{Version: "4.19.99"}, desired: "4.19.24",
			invalid: `"4.19.99": when image is empty the update must be a previous version or an available update`},
		"two minors ahead":    {channel: "stable-4.21", update: &configv1.Update{Version: "4.21.0"}, desired: "4.19.24", invalid: "an available update"},
		"another channel's":   {channel: "stable-4.18", update: &configv1.Update{Version: "4.19.25"}, desired: "4.19.24", invalid: "an available update"},
		"no version":          {update: &configv1.Update{Force: true}, desired: "4.19.24", invalid: "must specify version or image"},
		"a word":              {update: &configv1.Update{Version: "newest"}, desired: "4.19.24", invalid: "must be a semantic version (1.2.3[-...])"},
		"an image of another": {update: &configv1.Update{Version: "4.19.25", Image: strings.Replace(releaseImage, "24", "26", 1)}, desired: "4.19.24", payload: "does not match the expected upstream version 4.19.25"},
		"an image's digest":   {update: &configv1.Update{Image: "quay.io/x/y@sha256:0"}, desired: "4.19.24", payload: "names no version"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status := &configv1.ClusterVersionStatus{}
			for _, version := range []string{"4.19.20", "4.19.24"} {
				begin(status, configv1.Release{Version: version, Image: strings.Replace(releaseImage, "4.19.24", version, 1)})
			}
			status.AvailableUpdates = offered(status, want.channel)
			o := &operators{}
			invalid := o.accept(status, want.update)
			settle(status, nil)
			report(status, want.channel, invalid)
			if status.Desired.Version != want.desired || !strings.Contains(status.Desired.Image, want.desired) {
				t.Errorf("desired is %+v, want %s", status.Desired, want.desired)
			}
			refusal := conditionOf(status, invalidVersion)
			if want.invalid == "" != (refusal.Type == "") || !strings.HasSuffix(refusal.Message, want.invalid) {
				t.Errorf("the condition Invalid is %+v, want %q", refusal, want.invalid)
			}
			if progress := conditionOf(status, configv1.OperatorProgressing); want.invalid != "" && progress.Message != "Stopped at 4.19.24: the cluster version is invalid" {
				t.Errorf("the condition Progressing is %+v", progress)
			}
			if accepted := conditionOf(status, releaseAccepted); want.payload != "" && (accepted.Status != configv1.ConditionFalse || !strings.HasSuffix(accepted.Message, want.payload)) {
				t.Errorf("the condition ReleaseAccepted is %+v, want %q", accepted, want.payload)
			}
		})
	}
}

func conditionOf(status *configv1.ClusterVersionStatus, kind configv1.ClusterStatusConditionType) configv1.ClusterOperatorStatusCondition {
	for _, condition := range status.Conditions {
		if condition.Type == kind {
			return condition
		}
	}
	return configv1.ClusterOperatorStatusCondition{}
}
