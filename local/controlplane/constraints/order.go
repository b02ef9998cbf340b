package constraints

import (
	"cmp"
	"slices"
	"strings"

	securityv1 "github.com/openshift/api/security/v1"
	"k8s.io/utils/ptr"
)

// compare puts constraints with a higher priority first, then those that allow less.
func compare(a, b *securityv1.SecurityContextConstraints) int {
	return cmp.Or(cmp.Compare(ptr.Deref(b.Priority, 0), ptr.Deref(a.Priority, 0)), cmp.Compare(points(a), points(b)), cmp.Compare(a.Name, b.Name))
}

// points grow with what constraints allow, weighted as in OpenShift.
func points(c *securityv1.SecurityContextConstraints) (n int) {
	for _, allowed := range []struct {
		holds  bool
		points int
	}{
		{c.AllowPrivilegedContainer, 1000000}, {c.AllowHostPorts, 400000}, {c.AllowHostNetwork, 200000},
		{allowsHostVolumes(c), 100000}, {!allowsHostVolumes(c) && allowsOddVolumes(c), 50000},
		{c.SELinuxContext.Type == securityv1.SELinuxStrategyRunAsAny, 40000}, {c.SELinuxContext.Type == securityv1.SELinuxStrategyMustRunAs, 10000},
		{c.RunAsUser.Type == securityv1.RunAsUserStrategyRunAsAny, 40000}, {c.RunAsUser.Type == securityv1.RunAsUserStrategyMustRunAsNonRoot, 30000},
		{c.RunAsUser.Type == securityv1.RunAsUserStrategyMustRunAsRange, 20000}, {c.RunAsUser.Type == securityv1.RunAsUserStrategyMustRunAs, 10000},
	} {
		if allowed.holds {
			n += allowed.points
		}
	}
	return n + capabilityPoints(c)
}

func capabilityPoints(c *securityv1.SecurityContextConstraints) int {
	const least, most = 0, 9999
	n := 5000 + 300*len(c.DefaultAddCapabilities)
	for _, capability := range c.AllowedCapabilities {
		if isAll(string(capability)) || capability == securityv1.AllowAllCapabilities {
			n += 4000
			continue
		}
		n += 10
	}
	for _, capability := range c.RequiredDropCapabilities {
		if isAll(string(capability)) {
			n -= 3000
			continue
		}
		n -= 50
	}
	return min(max(n, least), most)
}

func isAll(capability string) bool { return strings.ToUpper(capability) == "ALL" }

// plain are the volumes that reach nothing beyond the pod's own.
var plain = []securityv1.FSType{
	securityv1.FSTypeSecret, securityv1.FSTypeConfigMap, securityv1.FSTypeEmptyDir, securityv1.FSTypeDownwardAPI, securityv1.FSProjected, securityv1.FSTypeNone,
}

func allowsHostVolumes(c *securityv1.SecurityContextConstraints) bool {
	return slices.Contains(c.Volumes, securityv1.FSTypeAll) || slices.Contains(c.Volumes, securityv1.FSTypeHostPath)
}

func allowsOddVolumes(c *securityv1.SecurityContextConstraints) bool {
	return slices.ContainsFunc(c.Volumes, func(v securityv1.FSType) bool { return !slices.Contains(plain, v) })
}
