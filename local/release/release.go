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

// System is the operating system of the machines of a release that has a version of
// Kubernetes: Red Hat Enterprise Linux CoreOS, by the version of the Linux in it.
func System(kubernetes string) string {
	const name = "Red Hat Enterprise Linux CoreOS"
	parts := strings.Split(kubernetes, ".")
	if len(parts) < 2 {
		return name
	}
	minor, err := strconv.Atoi(parts[1])
	if err != nil {
		return name
	}
	linux := "8.6"
	for _, since := range []struct {
		minor   int // of OpenShift 4
		version string
	}{{13, "9.2"}, {16, "9.4"}, {19, "9.6"}} {
		if minor-offset >= since.minor {
			linux = since.version
		}
	}
	return name + " " + linux
}
