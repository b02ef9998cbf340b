package constraints

import (
	"fmt"
	"slices"
	"strings"

	securityv1 "github.com/openshift/api/security/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/apis/core"
	podhelpers "k8s.io/kubernetes/pkg/apis/core/pods"
	"k8s.io/kubernetes/pkg/securitycontext"
	"k8s.io/utils/ptr"
)

// provider applies constraints, with what they take from a namespace, to its pods.
type provider struct {
	*securityv1.SecurityContextConstraints
	ranges ranges
}

func newProvider(c *securityv1.SecurityContextConstraints, r ranges) *provider {
	return &provider{SecurityContextConstraints: c, ranges: r}
}

// users are the ids that containers may run as, where the constraints name some.
func (p *provider) users() (first, last int64) {
	switch own := p.RunAsUser; own.Type {
	case securityv1.RunAsUserStrategyMustRunAs:
		return ptr.Deref(own.UID, 0), ptr.Deref(own.UID, 0)
	case securityv1.RunAsUserStrategyMustRunAsRange:
		if own.UIDRangeMin != nil || own.UIDRangeMax != nil {
			return ptr.Deref(own.UIDRangeMin, 0), ptr.Deref(own.UIDRangeMax, 0)
		}
		return p.ranges.firstUser, p.ranges.lastUser
	}
	return 0, 0
}

// fsGroups are the groups that volumes may have; of the namespace's only the first.
func (p *provider) fsGroups() []securityv1.IDRange {
	switch own := p.FSGroup; {
	case own.Type != securityv1.FSGroupStrategyMustRunAs:
		return nil
	case len(own.Ranges) > 0:
		return own.Ranges
	}
	first := p.ranges.groups[0].Min
	return []securityv1.IDRange{{Min: first, Max: first}}
}

func (p *provider) supplementalGroups() []securityv1.IDRange {
	switch own := p.SupplementalGroups; {
	case own.Type != securityv1.SupplementalGroupsStrategyMustRunAs:
		return nil
	case len(own.Ranges) > 0:
		return own.Ranges
	}
	return p.ranges.groups
}

// seLinux are the options that everything runs with, where the constraints name them.
func (p *provider) seLinux() *core.SELinuxOptions {
	if p.SELinuxContext.Type != securityv1.SELinuxStrategyMustRunAs {
		return nil
	}
	options := core.SELinuxOptions{}
	if own := p.SELinuxContext.SELinuxOptions; own != nil {
		options = core.SELinuxOptions{User: own.User, Role: own.Role, Type: own.Type, Level: own.Level}
	}
	if options.Level == "" {
		options.Level = p.ranges.level
	}
	return &options
}

// apply fills in what a pod leaves open, and says what of it the constraints forbid.
func (p *provider) apply(pod *core.Pod) (problems field.ErrorList) {
	root := field.NewPath(fmt.Sprintf("provider %s: ", p.Name))
	p.fillPod(pod)
	problems = p.checkPod(pod, root.Child("spec"))
	podhelpers.VisitContainersWithPath(&pod.Spec, root, func(c *core.Container, path *field.Path) bool {
		p.fillContainer(pod, c)
		problems = append(problems, p.checkContainer(pod, c, path)...)
		return true
	})
	return problems
}

func (p *provider) fillPod(pod *core.Pod) {
	context := securitycontext.NewPodSecurityContextMutator(pod.Spec.SecurityContext)
	if options := p.seLinux(); options != nil && context.SELinuxOptions() == nil {
		context.SetSELinuxOptions(options)
	}
	if groups := p.fsGroups(); len(groups) > 0 && context.FSGroup() == nil {
		context.SetFSGroup(&groups[0].Min)
	}
	if groups := p.supplementalGroups(); len(groups) > 0 && len(context.SupplementalGroups()) == 0 {
		context.SetSupplementalGroups([]int64{groups[0].Min})
	}
	if profile := p.defaultSeccomp(pod, context); profile != "" {
		if pod.Annotations == nil {
			pod.Annotations = map[string]string{}
		}
		pod.Annotations[core.SeccompPodAnnotationKey] = profile
		if context.SeccompProfile() == nil {
			context.SetSeccompProfile(seccompField(profile))
		}
	}
	pod.Spec.SecurityContext = context.PodSecurityContext()
}

// defaultSeccomp is what the pod says, or the first profile of the constraints.
func (p *provider) defaultSeccomp(pod *core.Pod, context securitycontext.PodSecurityContextAccessor) string {
	if own := seccompName(context.SeccompProfile()); own != "" {
		return own
	}
	if own := pod.Annotations[core.SeccompPodAnnotationKey]; own != "" {
		return own
	}
	for _, profile := range p.SeccompProfiles {
		if profile != anyProfile {
			return profile
		}
	}
	return ""
}

func (p *provider) fillContainer(pod *core.Pod, c *core.Container) {
	context := securitycontext.NewEffectiveContainerSecurityContextMutator(
		securitycontext.NewPodSecurityContextAccessor(pod.Spec.SecurityContext), securitycontext.NewContainerSecurityContextMutator(c.SecurityContext))
	if first, last := p.users(); last > 0 && context.RunAsUser() == nil {
		context.SetRunAsUser(&first)
	}
	if options := p.seLinux(); options != nil && context.SELinuxOptions() == nil {
		context.SetSELinuxOptions(options)
	}
	p.fillCapabilities(context)
	if own := context.RunAsUser(); context.RunAsNonRoot() == nil &&
		(own == nil && p.RunAsUser.Type == securityv1.RunAsUserStrategyMustRunAsNonRoot || own != nil && *own > 0) {
		context.SetRunAsNonRoot(ptr.To(true))
	}
	if p.ReadOnlyRootFilesystem && context.ReadOnlyRootFilesystem() == nil {
		context.SetReadOnlyRootFilesystem(ptr.To(true))
	}
	if context.AllowPrivilegeEscalation() == nil {
		switch {
		case p.DefaultAllowPrivilegeEscalation != nil && !ptr.Deref(context.Privileged(), false) && !addsSystemAdministration(context.Capabilities()):
			context.SetAllowPrivilegeEscalation(p.DefaultAllowPrivilegeEscalation)
		case !ptr.Deref(p.AllowPrivilegeEscalation, true):
			context.SetAllowPrivilegeEscalation(ptr.To(false))
		}
	}
	c.SecurityContext = context.ContainerSecurityContext()
}

func addsSystemAdministration(c *core.Capabilities) bool {
	return c != nil && slices.Contains(c.Add, "CAP_SYS_ADMIN")
}

// fillCapabilities adds and drops what the constraints say besides what the container does.
func (p *provider) fillCapabilities(context securitycontext.ContainerSecurityContextMutator) {
	own := ptr.Deref(context.Capabilities(), core.Capabilities{})
	add, drop := slices.Clone(own.Add), slices.Clone(own.Drop)
	for _, capability := range p.DefaultAddCapabilities {
		if one := core.Capability(capability); !slices.Contains(own.Drop, one) && !slices.Contains(add, one) {
			add = append(add, one)
		}
	}
	for _, capability := range p.RequiredDropCapabilities {
		if one := core.Capability(capability); !slices.Contains(drop, one) {
			drop = append(drop, one)
		}
	}
	if len(add) == len(own.Add) && len(drop) == len(own.Drop) {
		return
	}
	slices.Sort(add)
	slices.Sort(drop)
	context.SetCapabilities(&core.Capabilities{Add: add, Drop: drop})
}

// anyProfile allows every profile of seccomp.
const anyProfile = "*"

// seccompName is how constraints name a profile.
func seccompName(profile *core.SeccompProfile) string {
	if profile == nil {
		return ""
	}
	switch profile.Type {
	case core.SeccompProfileTypeUnconfined:
		return corev1.SeccompProfileNameUnconfined
	case core.SeccompProfileTypeRuntimeDefault:
		return corev1.SeccompProfileRuntimeDefault
	case core.SeccompProfileTypeLocalhost:
		return corev1.SeccompLocalhostProfileNamePrefix + ptr.Deref(profile.LocalhostProfile, "")
	}
	return ""
}

func seccompField(name string) *core.SeccompProfile {
	switch name {
	case corev1.SeccompProfileNameUnconfined:
		return &core.SeccompProfile{Type: core.SeccompProfileTypeUnconfined}
	case corev1.SeccompProfileRuntimeDefault, corev1.DeprecatedSeccompProfileDockerDefault:
		return &core.SeccompProfile{Type: core.SeccompProfileTypeRuntimeDefault}
	}
	if file, local := strings.CutPrefix(name, corev1.SeccompLocalhostProfileNamePrefix); local {
		return &core.SeccompProfile{Type: core.SeccompProfileTypeLocalhost, LocalhostProfile: &file}
	}
	return nil
}
