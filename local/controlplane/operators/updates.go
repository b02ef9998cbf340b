package operators

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	configv1 "github.com/openshift/api/config/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/aro-rp/aro/local/controlplane/bootstrap"
)

// Conditions of a ClusterVersion that no constant of openshift/api names.
const (
	releaseAccepted configv1.ClusterStatusConditionType = "ReleaseAccepted"
	invalidVersion  configv1.ClusterStatusConditionType = "Invalid"
)

// invalidReason is why a ClusterVersion that is not valid makes no progress.
const invalidReason = "InvalidClusterVersion"

var (
	channelPattern = regexp.MustCompile(`^(?:stable|fast|candidate|eus)-4\.([0-9]+)$`)
	versionPattern = regexp.MustCompile(`^4\.([0-9]+)\.([0-9]+)(?:-[0-9A-Za-z.-]+)?$`)
)

// offered are the updates that a channel has for the version that runs, in place of
// an update service: the next patch release, and the first release of the channel's
// minor version if that comes next.
func offered(status *configv1.ClusterVersionStatus, channel string) (updates []configv1.Release) {
	minor, patch, known := parseVersion(status.Desired.Version)
	wanted, named := channelMinor(channel)
	if !known || !named || wanted < minor || wanted > minor+1 {
		return nil
	}
	versions := []string{fmt.Sprintf("4.%d.%d", minor, patch+1)}
	if wanted > minor {
		versions = append(versions, fmt.Sprintf("4.%d.0", wanted))
	}
	for _, version := range versions {
		updates = append(updates, configv1.Release{
			Version: version, Channels: []string{channel}, Image: strings.Replace(status.Desired.Image, status.Desired.Version, version, 1),
		})
	}
	return updates
}

func parseVersion(version string) (minor, patch int, known bool) {
	parts := versionPattern.FindStringSubmatch(version)
	if parts == nil {
		return 0, 0, false
	}
	minor, badMinor := strconv.Atoi(parts[1])
	patch, badPatch := strconv.Atoi(parts[2])
	return minor, patch, badMinor == nil && badPatch == nil
}

func channelMinor(channel string) (minor int, named bool) {
	parts := channelPattern.FindStringSubmatch(channel)
	if parts == nil {
		return 0, false
	}
	minor, err := strconv.Atoi(parts[1])
	return minor, err == nil
}

// accept begins the update that the spec asks for, unless it is under way. An update
// that the spec may not ask for is left aside, as the version operator does.
func (o *operators) accept(status *configv1.ClusterVersionStatus, update *configv1.Update) (invalid *field.Error) {
	if update == nil {
		setCondition(&status.Conditions, releaseAccepted, true, "PayloadLoaded", "the release that runs is the wanted one")
		return nil
	}
	release, invalid := choose(status, update)
	if invalid != nil {
		return invalid
	}
	if problem := unknownRelease(status, update, release); problem != "" {
		message := fmt.Sprintf("Retrieving payload failed version=%q image=%q failure=%s", update.Version, update.Image, problem)
		setCondition(&status.Conditions, releaseAccepted, false, "RetrievePayload", message)
		return nil
	}
	setCondition(&status.Conditions, releaseAccepted, true, "PayloadLoaded", fmt.Sprintf("Payload loaded version=%q image=%q", release.Version, release.Image))
	if release.Version != status.Desired.Version {
		begin(status, release)
	}
	return nil
}

// choose finds the release that an update names, by its version alone among those
// that are offered or that ran before.
func choose(status *configv1.ClusterVersionStatus, update *configv1.Update) (configv1.Release, *field.Error) {
	path := field.NewPath("spec", "desiredUpdate", "version")
	switch {
	case update.Version == "" && update.Image == "":
		return configv1.Release{}, field.Required(path, "must specify version or image")
	case update.Version != "" && !versionPattern.MatchString(update.Version):
		return configv1.Release{}, field.Invalid(path, update.Version, "must be a semantic version (1.2.3[-...])")
	case update.Image != "":
		release := configv1.Release{Version: bootstrap.VersionOf(update.Image), Image: update.Image}
		if update.Image == status.Desired.Image {
			release = status.Desired
		}
		return release, nil
	case update.Version == status.Desired.Version:
		return status.Desired, nil
	}
	for _, release := range status.AvailableUpdates {
		if release.Version == update.Version {
			return release, nil
		}
	}
	for _, former := range status.History {
		if former.Version == update.Version {
			return configv1.Release{Version: former.Version, Image: former.Image}, nil
		}
	}
	return configv1.Release{}, field.Invalid(path, update.Version, "when image is empty the update must be a previous version or an available update")
}

// unknownRelease is why a release cannot be had. Only its image's tag contains its
// version here: nothing is pulled.
func unknownRelease(status *configv1.ClusterVersionStatus, update *configv1.Update, release configv1.Release) string {
	switch {
	case release.Version == "":
		return "the tag of the release image names no version"
	case update.Version != "" && update.Version != release.Version && update.Image != status.Desired.Image:
		return fmt.Sprintf("release image version %s does not match the expected upstream version %s", release.Version, update.Version)
	}
	return ""
}

// report says what was found of the spec.
func report(status *configv1.ClusterVersionStatus, channel string, invalid *field.Error) {
	retrieved(status, channel)
	if invalid == nil {
		status.Conditions = slices.DeleteFunc(status.Conditions, func(c configv1.ClusterOperatorStatusCondition) bool { return c.Type == invalidVersion })
		return
	}
	setCondition(&status.Conditions, invalidVersion, true, invalidReason, "The cluster version is invalid: "+invalid.Error())
	if !holds(status.Conditions, failing) {
		setCondition(&status.Conditions, configv1.OperatorProgressing, false, invalidReason,
			fmt.Sprintf("Stopped at %s: the cluster version is invalid", status.Desired.Version))
	}
}

func retrieved(status *configv1.ClusterVersionStatus, channel string) {
	switch {
	case channel == "":
		setCondition(&status.Conditions, configv1.RetrievedUpdates, false, "NoChannel", "The update channel has not been configured.")
	case len(status.AvailableUpdates) == 0:
		setCondition(&status.Conditions, configv1.RetrievedUpdates, false, "VersionNotFound", fmt.Sprintf(
			"Unable to retrieve available updates: currently reconciling cluster version %s not found in the %q channel", status.Desired.Version, channel))
	default:
		setCondition(&status.Conditions, configv1.RetrievedUpdates, true, "", "")
	}
}
