package constraints

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	securityv1 "github.com/openshift/api/security/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/securitycontext"
	"k8s.io/utils/ptr"
)

// checkPod says what the constraints forbid of the pod itself.
func (p *provider) checkPod(pod *core.Pod, spec *field.Path) (problems field.ErrorList) {
	path := spec.Child("securityContext")
	context := securitycontext.NewPodSecurityContextAccessor(pod.Spec.SecurityContext)
	for _, host := range []struct {
		name        string
		used, allow bool
		message     string
	}{
		{"hostNetwork", context.HostNetwork(), p.AllowHostNetwork, "Host network is not allowed to be used"},
		{"hostPID", context.HostPID(), p.AllowHostPID, "Host PID is not allowed to be used"},
		{"hostIPC", context.HostIPC(), p.AllowHostIPC, "Host IPC is not allowed to be used"},
	} {
		if host.used && !host.allow {
			problems = append(problems, field.Invalid(path.Child(host.name), true, host.message))
		}
	}
	var fsGroup []int64
	if own := context.FSGroup(); own != nil {
		fsGroup = []int64{*own}
	}
	problems = append(problems, checkGroups(path.Child("fsGroup"), fsGroup, p.fsGroups())...)
	problems = append(problems, checkGroups(path.Child("supplementalGroups"), context.SupplementalGroups(), p.supplementalGroups())...)
	problems = append(problems, p.checkSELinux(path, context.SELinuxOptions())...)
	problems = append(problems, p.checkSeccomp(core.SeccompPodAnnotationKey, seccompName(context.SeccompProfile()))...)
	problems = append(problems, p.checkSysctls(pod)...)
	return append(problems, p.checkVolumes(pod.Spec.Volumes)...)
}

func checkGroups(path *field.Path, groups []int64, allowed []securityv1.IDRange) (problems field.ErrorList) {
	if len(allowed) == 0 {
		return nil
	}
	if len(groups) == 0 {
		return field.ErrorList{field.Invalid(path, groups, "unable to validate empty groups against required ranges")}
	}
	for _, group := range groups {
		if !slices.ContainsFunc(allowed, func(r securityv1.IDRange) bool { return group >= r.Min && group <= r.Max }) {
			problems = append(problems, field.Invalid(path, groups, fmt.Sprintf("%d is not an allowed group", group)))
		}
	}
	return problems
}

func (p *provider) checkSELinux(path *field.Path, have *core.SELinuxOptions) (problems field.ErrorList) {
	want := p.seLinux()
	if want == nil {
		return nil
	}
	path = path.Child("seLinuxOptions")
	if have == nil {
		return field.ErrorList{field.Required(path, "")}
	}
	for _, option := range []struct{ name, have, want string }{
		{"level", have.Level, want.Level}, {"role", have.Role, want.Role}, {"type", have.Type, want.Type}, {"user", have.User, want.User},
	} {
		if option.have != option.want && !(option.name == "level" && sameLevel(option.have, option.want)) {
			problems = append(problems, field.Invalid(path.Child(option.name), option.have, "must be "+option.want))
		}
	}
	return problems
}

// sameLevel reports whether two levels have the same categories, in any order.
func sameLevel(a, b string) bool {
	sorted := func(level string) []string {
		return slices.Sorted(slices.Values(strings.FieldsFunc(level, func(r rune) bool { return r == ':' || r == ',' })))
	}
	return slices.Equal(sorted(a), sorted(b))
}

// checkSeccomp validates the profile of a pod or a container. Its messages name the
// annotation that profiles were set by before Kubernetes 1.19.
func (p *provider) checkSeccomp(annotation, profile string) field.ErrorList {
	path := field.NewPath("pod", "metadata", "annotations").Key(annotation)
	switch {
	case slices.Contains(p.SeccompProfiles, anyProfile), slices.Contains(p.SeccompProfiles, profile), len(p.SeccompProfiles) == 0 && profile == "":
		return nil
	case len(p.SeccompProfiles) == 0:
		return field.ErrorList{field.Forbidden(path, "seccomp may not be set")}
	}
	return field.ErrorList{field.Forbidden(path, fmt.Sprintf("%s is not an allowed seccomp profile. Valid values are %v", profile, p.SeccompProfiles))}
}

// safeSysctls are those that every pod may set.
var safeSysctls = []string{
	"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
	"net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
	"net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
}

func (p *provider) checkSysctls(pod *core.Pod) (problems field.ErrorList) {
	if pod.Spec.SecurityContext == nil {
		return nil
	}
	for i, sysctl := range pod.Spec.SecurityContext.Sysctls {
		path := field.NewPath("pod", "spec", "securityContext").Child("sysctls").Index(i)
		switch {
		case matches(p.ForbiddenSysctls, sysctl.Name):
			problems = append(problems, field.Forbidden(path, fmt.Sprintf("sysctl %q is not allowed", sysctl.Name)))
		case !slices.Contains(safeSysctls, sysctl.Name) && !matches(p.AllowedUnsafeSysctls, sysctl.Name):
			problems = append(problems, field.Forbidden(path, fmt.Sprintf("unsafe sysctl %q is not allowed", sysctl.Name)))
		}
	}
	return problems
}

// matches reports whether a pattern names a sysctl: a name, or a prefix and a star.
func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		prefix, star := strings.CutSuffix(pattern, "*")
		return star && strings.HasPrefix(name, prefix) || pattern == name
	})
}

func (p *provider) checkVolumes(volumes []core.Volume) (problems field.ErrorList) {
	if slices.Contains(p.Volumes, securityv1.FSTypeAll) {
		return nil
	}
	for i := range volumes {
		kind := volumeType(&volumes[i])
		// A volume of nothing but the pod's own token counts as a secret, as it once was one.
		ownToken := kind == securityv1.FSProjected && slices.Contains(p.Volumes, securityv1.FSTypeSecret) && onlyToken(volumes[i].Projected)
		if !slices.Contains(p.Volumes, kind) && !ownToken {
			problems = append(problems, field.Invalid(field.NewPath("spec", "volumes").Index(i), string(kind), fmt.Sprintf("%s volumes are not allowed to be used", kind)))
		}
	}
	return problems
}

// volumeType is the name of the only source that a volume has.
func volumeType(volume *core.Volume) securityv1.FSType {
	sources := reflect.ValueOf(volume.VolumeSource)
	for i := range sources.NumField() {
		if sources.Field(i).IsNil() {
			continue
		}
		switch name := sources.Type().Field(i).Name; name {
		case "VsphereVolume":
			return securityv1.FSTypeVsphereVolume
		case "Projected":
			return securityv1.FSProjected
		case "AWSElasticBlockStore":
			return securityv1.FSTypeAWSElasticBlockStore
		case "GCEPersistentDisk":
			return securityv1.FSTypeGCEPersistentDisk
		case "ISCSI", "NFS", "RBD", "FC", "CSI":
			return securityv1.FSType(strings.ToLower(name))
		default:
			return securityv1.FSType(strings.ToLower(name[:1]) + name[1:])
		}
	}
	return securityv1.FSTypeNone
}

// onlyToken reports whether a volume has what every pod gets of its service account.
func onlyToken(volume *core.ProjectedVolumeSource) bool {
	return !slices.ContainsFunc(volume.Sources, func(s core.VolumeProjection) bool {
		certificates := s.ConfigMap != nil && (s.ConfigMap.Name == "kube-root-ca.crt" || s.ConfigMap.Name == "openshift-service-ca.crt")
		return s.ServiceAccountToken == nil && s.DownwardAPI == nil && !certificates
	})
}

// checkContainer says what the constraints forbid of a container.
func (p *provider) checkContainer(pod *core.Pod, c *core.Container, path *field.Path) (problems field.ErrorList) {
	context := securitycontext.NewEffectiveContainerSecurityContextAccessor(
		securitycontext.NewPodSecurityContextAccessor(pod.Spec.SecurityContext), securitycontext.NewContainerSecurityContextMutator(c.SecurityContext))
	if ptr.Deref(context.Privileged(), false) && !p.AllowPrivilegedContainer {
		problems = append(problems, field.Invalid(path.Child("privileged"), true, "Privileged containers are not allowed"))
	}
	if p.ReadOnlyRootFilesystem && !ptr.Deref(context.ReadOnlyRootFilesystem(), false) {
		problems = append(problems, field.Invalid(path.Child("readOnlyRootFilesystem"), false, "ReadOnlyRootFilesystem must be set to true"))
	}
	if !ptr.Deref(p.AllowPrivilegeEscalation, true) && ptr.Deref(context.AllowPrivilegeEscalation(), true) {
		problems = append(problems, field.Invalid(path.Child("allowPrivilegeEscalation"), true, "Allowing privilege escalation for containers is not allowed"))
	}
	problems = append(problems, p.checkUser(path, context)...)
	problems = append(problems, p.checkSELinux(path, context.SELinuxOptions())...)
	problems = append(problems, p.checkCapabilities(path.Child("capabilities"), context.Capabilities())...)
	profile := context.SeccompProfile()
	if profile == nil && pod.Spec.SecurityContext != nil {
		profile = pod.Spec.SecurityContext.SeccompProfile
	}
	problems = append(problems, p.checkSeccomp(core.SeccompContainerAnnotationKeyPrefix+c.Name, seccompName(profile))...)
	for _, port := range c.Ports {
		if port.HostPort > 0 && !p.AllowHostPorts {
			problems = append(problems, field.Invalid(path.Child("hostPort"), port.HostPort, "Host ports are not allowed to be used"))
		}
	}
	return problems
}

func (p *provider) checkUser(path *field.Path, context securitycontext.ContainerSecurityContextAccessor) field.ErrorList {
	own := context.RunAsUser()
	switch first, last := p.users(); p.RunAsUser.Type {
	case securityv1.RunAsUserStrategyMustRunAs:
		if own == nil || *own != first {
			return field.ErrorList{field.Invalid(path.Child("runAsUser"), ptr.Deref(own, 0), fmt.Sprintf("must be: %v", first))}
		}
	case securityv1.RunAsUserStrategyMustRunAsRange:
		if own == nil {
			return field.ErrorList{field.Required(path.Child("runAsUser"), "")}
		}
		if *own < first || *own > last {
			return field.ErrorList{field.Invalid(path.Child("runAsUser"), *own, fmt.Sprintf("must be in the ranges: [%d, %d]", first, last))}
		}
	case securityv1.RunAsUserStrategyMustRunAsNonRoot:
		if own == nil && !ptr.Deref(context.RunAsNonRoot(), false) {
			return field.ErrorList{field.Required(path.Child("runAsNonRoot"), "must be true")}
		}
		if own != nil && *own == 0 {
			return field.ErrorList{field.Invalid(path.Child("runAsUser"), *own, "running with the root UID is forbidden")}
		}
	}
	return nil
}

func (p *provider) checkCapabilities(path *field.Path, have *core.Capabilities) (problems field.ErrorList) {
	own := ptr.Deref(have, core.Capabilities{})
	if slices.Contains(p.AllowedCapabilities, securityv1.AllowAllCapabilities) {
		return nil
	}
	allowed := slices.Concat(p.DefaultAddCapabilities, p.AllowedCapabilities)
	for _, capability := range own.Add {
		if !slices.ContainsFunc(allowed, func(a corev1.Capability) bool { return string(a) == string(capability) }) {
			problems = append(problems, field.Invalid(path.Child("add"), string(capability), "capability may not be added"))
		}
	}
	for _, capability := range p.RequiredDropCapabilities {
		if !slices.Contains(own.Drop, core.Capability(capability)) {
			problems = append(problems, field.Invalid(path.Child("drop"), own.Drop, fmt.Sprintf("%s is required to be dropped but was not found", capability)))
		}
	}
	return problems
}
