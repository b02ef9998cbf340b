// Package release knows the components of OpenShift's releases, as far as they follow from a
// version. It makes no requests.
package release

import (
	"fmt"
	"strconv"
	"strings"
)

// Built is the version of the Kubernetes modules in the control planes here, whatever release they
// stand for.
const Built = "v1.34.1"

// offset is how far the minor version of Kubernetes is ahead: OpenShift 4.y has
// had Kubernetes 1.(y+13) since 4.1.
const offset = 13

// Kubernetes is the version of Kubernetes in a release of OpenShift, as in v1.32.1 for 4.19.24, or
// Built for other texts. The patch is that of Built: only its image tells the real one.
func Kubernetes(openshift string) string {
	major, rest, _ := strings.Cut(openshift, ".")
	minor, _, _ := strings.Cut(rest, ".")
	n, err := strconv.ParseUint(minor, 10, 8)
	if major != "4" || err != nil {
		return Built
	}
	return fmt.Sprintf("v1.%d%s", n+offset, Built[strings.LastIndexByte(Built, '.'):])
}
