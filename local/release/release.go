// Package release knows what the releases of OpenShift are made of. It asks
// nobody: what it says of a version follows from the version.
package release

import (
	"fmt"
	"strconv"
	"strings"
)

// Built is the Kubernetes whose modules the control planes here are built of,
// whatever release they stand for.
const Built = "v1.34.1"

// offset is how far the minor version of Kubernetes is ahead: OpenShift 4.y has
// had Kubernetes 1.(y+13) since 4.1.
const offset = 13

// Kubernetes is the version of Kubernetes in a release of OpenShift, as in v1.32.1
// for 4.19.24, or Built for what is no version of OpenShift 4. The patch is that
// of Built: which one a release has, only its image tells.
func Kubernetes(openshift string) string {
	major, rest, _ := strings.Cut(openshift, ".")
	minor, _, _ := strings.Cut(rest, ".")
	n, err := strconv.ParseUint(minor, 10, 8)
	if major != "4" || err != nil {
		return Built
	}
	return fmt.Sprintf("v1.%d%s", n+offset, Built[strings.LastIndexByte(Built, '.'):])
}
