package operators

import (
	"slices"

	securityv1 "github.com/openshift/api/security/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ownVolumes are those that reach nothing of the node.
var ownVolumes = []securityv1.FSType{
	securityv1.FSTypeConfigMap, securityv1.FSTypeCSI, securityv1.FSTypeDownwardAPI, securityv1.FSTypeEmptyDir, securityv1.FSTypeEphemeral,
	securityv1.FSTypePersistentVolumeClaim, securityv1.FSProjected, securityv1.FSTypeSecret,
}

// dangerous are the capabilities that the first constraints dropped by name.
var dangerous = []corev1.Capability{"KILL", "MKNOD", "SETUID", "SETGID"}

// constraints are the security context constraints of every cluster.
func constraints() []client.Object {
	restricted, nonroot := restrictedConstraints("restricted"), restrictedConstraints("nonroot")
	nonroot.RunAsUser.Type, nonroot.FSGroup.Type = securityv1.RunAsUserStrategyMustRunAsNonRoot, securityv1.FSGroupStrategyRunAsAny
	network := restrictedConstraints("hostnetwork")
	network.AllowHostNetwork, network.AllowHostPorts = true, true
	network.SupplementalGroups.Type = securityv1.SupplementalGroupsStrategyMustRunAs
	host := restrictedConstraints("hostaccess")
	host.AllowHostNetwork, host.AllowHostPorts, host.AllowHostIPC, host.AllowHostPID, host.AllowHostDirVolumePlugin = true, true, true, true, true
	host.Volumes = append(slices.Clone(ownVolumes), securityv1.FSTypeHostPath)
	anyone := restrictedConstraints("anyuid")
	anyone.Priority, anyone.Groups, anyone.RequiredDropCapabilities = ptr.To[int32](10), []string{"system:cluster-admins"}, []corev1.Capability{"MKNOD"}
	anyone.RunAsUser.Type, anyone.FSGroup.Type = securityv1.RunAsUserStrategyRunAsAny, securityv1.FSGroupStrategyRunAsAny
	mount := anyone.DeepCopy()
	mount.Name, mount.Priority, mount.Groups, mount.AllowHostDirVolumePlugin = "hostmount-anyuid", nil, []string{}, true
	mount.Users = []string{"system:serviceaccount:openshift-infra:pv-recycler-controller"}
	mount.Volumes = append(slices.Clone(ownVolumes), securityv1.FSTypeHostPath, securityv1.FSTypeNFS)
	second := newer(restricted)
	second.Groups = []string{"system:authenticated"}
	return []client.Object{restricted, second, nonroot, newer(nonroot), network, newer(network), host, anyone, mount, privilegedConstraints()}
}

func restrictedConstraints(name string) *securityv1.SecurityContextConstraints {
	return &securityv1.SecurityContextConstraints{
		ObjectMeta: the(name), Volumes: ownVolumes, RequiredDropCapabilities: dangerous, AllowPrivilegeEscalation: ptr.To(true),
		DefaultAddCapabilities: []corev1.Capability{}, AllowedCapabilities: []corev1.Capability{}, Users: []string{}, Groups: []string{},
		SELinuxContext:     securityv1.SELinuxContextStrategyOptions{Type: securityv1.SELinuxStrategyMustRunAs},
		RunAsUser:          securityv1.RunAsUserStrategyOptions{Type: securityv1.RunAsUserStrategyMustRunAsRange},
		FSGroup:            securityv1.FSGroupStrategyOptions{Type: securityv1.FSGroupStrategyMustRunAs},
		SupplementalGroups: securityv1.SupplementalGroupsStrategyOptions{Type: securityv1.SupplementalGroupsStrategyRunAsAny},
	}
}

// newer are constraints as OpenShift 4.11 made them, after the Pod Security Standards.
func newer(old *securityv1.SecurityContextConstraints) *securityv1.SecurityContextConstraints {
	made := old.DeepCopy()
	made.Name += "-v2"
	made.AllowPrivilegeEscalation = ptr.To(false)
	made.RequiredDropCapabilities, made.AllowedCapabilities = []corev1.Capability{"ALL"}, []corev1.Capability{"NET_BIND_SERVICE"}
	made.SeccompProfiles = []string{"runtime/default"}
	return made
}

func privilegedConstraints() *securityv1.SecurityContextConstraints {
	return &securityv1.SecurityContextConstraints{
		ObjectMeta:               the("privileged"),
		AllowPrivilegedContainer: true, AllowPrivilegeEscalation: ptr.To(true), AllowHostDirVolumePlugin: true,
		AllowHostNetwork: true, AllowHostPorts: true, AllowHostPID: true, AllowHostIPC: true,
		Volumes: []securityv1.FSType{securityv1.FSTypeAll}, AllowedCapabilities: []corev1.Capability{"*"}, AllowedUnsafeSysctls: []string{"*"}, SeccompProfiles: []string{"*"},
		DefaultAddCapabilities: []corev1.Capability{}, RequiredDropCapabilities: []corev1.Capability{},
		SELinuxContext:     securityv1.SELinuxContextStrategyOptions{Type: securityv1.SELinuxStrategyRunAsAny},
		RunAsUser:          securityv1.RunAsUserStrategyOptions{Type: securityv1.RunAsUserStrategyRunAsAny},
		FSGroup:            securityv1.FSGroupStrategyOptions{Type: securityv1.FSGroupStrategyRunAsAny},
		SupplementalGroups: securityv1.SupplementalGroupsStrategyOptions{Type: securityv1.SupplementalGroupsStrategyRunAsAny},
		Users:              []string{"system:admin", "system:serviceaccount:openshift-infra:build-controller"},
		Groups:             []string{"system:cluster-admins", "system:nodes", "system:masters"},
	}
}

// people are the permissions of all users that log in.
func people() []client.Object {
	rule := func(group, resource string, names []string, verbs ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, ResourceNames: names, Verbs: verbs}
	}
	binding := func(name, role, group string) client.Object {
		return &rbacv1.ClusterRoleBinding{
			ObjectMeta: the(name), RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: group}},
		}
	}
	// own is what those with a role in a namespace may do with the project that it is.
	own := func(role string, verbs ...string) client.Object {
		made := &rbacv1.ClusterRole{ObjectMeta: the("system:openshift:aggregate-to-" + role), Rules: []rbacv1.PolicyRule{rule("project.openshift.io", "projects", nil, verbs...)}}
		made.Labels = map[string]string{"rbac.authorization.k8s.io/aggregate-to-" + role: "true"}
		return made
	}
	return []client.Object{
		own("admin", "get", "patch", "update", "delete"), own("edit", "get"), own("view", "get"),
		&rbacv1.ClusterRole{ObjectMeta: the("basic-user"), Rules: []rbacv1.PolicyRule{
			rule("user.openshift.io", "users", []string{"~"}, "get"), rule("project.openshift.io", "projectrequests", nil, "list"),
			rule(rbacv1.GroupName, "clusterroles", nil, "get", "list", "watch"), rule("storage.k8s.io", "storageclasses", nil, "get", "list", "watch"),
			rule("project.openshift.io", "projects", nil, "list", "watch"),
		}},
		&rbacv1.ClusterRole{ObjectMeta: the("self-provisioner"), Rules: []rbacv1.PolicyRule{rule("project.openshift.io", "projectrequests", nil, "create")}},
		binding("basic-users", "basic-user", "system:authenticated"),
		binding("self-provisioners", "self-provisioner", "system:authenticated:oauth"),
	}
}

// users are the roles by which people and services may use constraints, and what
// all users may use.
func users() (all []client.Object) {
	const prefix = "system:openshift:scc:"
	for _, object := range constraints() {
		all = append(all, &rbacv1.ClusterRole{ObjectMeta: the(prefix + object.GetName()), Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{securityv1.GroupName}, Resources: []string{"securitycontextconstraints"}, ResourceNames: []string{object.GetName()}, Verbs: []string{"use"},
		}}})
	}
	return append(all, &rbacv1.ClusterRoleBinding{
		ObjectMeta: the(prefix + "restricted-v2"), RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: prefix + "restricted-v2"},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: "system:authenticated"}},
	})
}
