package armhttp

import (
	"strconv"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/model"
)

// ETag returns the version of the cluster as customers see it. Steps of an
// operation do not change it.
func ETag(c *model.Cluster) string {
	return `"` + c.Internal.UID + "-" + strconv.FormatInt(c.Internal.Revision, 10) + `"`
}

// MayCreate checks the conditions of a PUT if there is no cluster (E01).
func MayCreate(x *httpserver.Exchange) error {
	if x.Header("If-Match") != "" {
		return arm.PreconditionFailed.At("If-Match", "The cluster does not exist, so no ETag of it can match.")
	}
	return nil
}

// MayChange checks the conditions of a request about an existing cluster (E01 to E03).
func MayChange(x *httpserver.Exchange, cl *model.Cluster) error {
	current := ETag(cl)
	if want := x.Header("If-Match"); want != "" && !matches(want, current) {
		return arm.PreconditionFailed.At("If-Match", "The cluster was changed since the ETag in If-Match was read. Read it again and decide anew.")
	}
	if not := x.Header("If-None-Match"); not != "" && matches(not, current) {
		return arm.PreconditionFailed.At("If-None-Match", "The cluster exists already, which If-None-Match excludes.")
	}
	return nil
}

// matches reports whether a list of ETags, or "*", contains the current one. The
// marks of weak ETags are ignored.
func matches(list, current string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == current {
			return true
		}
	}
	return false
}
