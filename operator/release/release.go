// Package release answers what release of OpenShift a cluster runs, from its
// ClusterVersion.
package release

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	configv1 "github.com/openshift/api/config/v1"
)

// Version is a release's number. What follows it, as in 4.17.0-rc.1, does not count:
// a candidate has what the release will have.
type Version struct{ Major, Minor, Patch int }

var form = regexp.MustCompile(`^(\d{1,9})\.(\d{1,9})\.(\d{1,9})([-+].*)?$`)

// Parse reads a version.
func Parse(text string) (Version, error) {
	parts := form.FindStringSubmatch(text)
	if parts == nil {
		return Version{}, fmt.Errorf("%q is no version of OpenShift", text)
	}
	var numbers [3]int
	for i := range numbers {
		numbers[i], _ = strconv.Atoi(parts[i+1]) // at most 9 digits
	}
	return Version{numbers[0], numbers[1], numbers[2]}, nil
}

// Before reports whether v is older than other.
func (v Version) Before(other Version) bool {
	return cmp.Or(cmp.Compare(v.Major, other.Major), cmp.Compare(v.Minor, other.Minor), cmp.Compare(v.Patch, other.Patch)) < 0
}

// String is the version as OpenShift writes it.
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// Current is the newest release whose installation was completed, or the one that
// is being installed in a new cluster.
func Current(cv *configv1.ClusterVersion) (Version, error) {
	history := cv.Status.History
	if len(history) == 0 {
		return Version{}, errors.New("the ClusterVersion has no history")
	}
	for _, update := range history {
		if update.State == configv1.CompletedUpdate {
			return Parse(update.Version)
		}
	}
	return Parse(history[0].Version)
}

// Upgrading reports whether the newest update is not completed. The condition Progressing is not
// sufficient: it is true whenever machine configs roll out.
func Upgrading(cv *configv1.ClusterVersion) bool {
	return len(cv.Status.History) > 0 && cv.Status.History[0].State != configv1.CompletedUpdate
}
