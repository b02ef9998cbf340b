package main

import (
	"bytes"
	"maps"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/aro-rp/aro/operator"
	"github.com/aro-rp/aro/operator/controller"
)

// rolesFile is where package deploy expects the roles.
const rolesFile = "operator/deploy/roles.yaml"

// rights returns the roles of both operators and their bindings.
func rights() ([]byte, error) {
	out := bytes.NewBufferString("# Made by `go run ./hack/operator` of what the controllers declare.\n")
	for _, role := range []controller.Role{controller.Master, controller.Worker} {
		specs, err := operator.Controllers(role, "", nil)
		if err != nil {
			return nil, err
		}
		for _, o := range rolesOf("aro-operator-"+string(role), controller.AllRules(specs)) {
			text, err := yaml.Marshal(o)
			if err != nil {
				return nil, err
			}
			out.WriteString("---\n")
			out.Write(text)
		}
	}
	return out.Bytes(), nil
}

// rolesOf returns a role and a binding for the cluster, and for every namespace.
func rolesOf(name string, rules []controller.Rule) []any {
	by := map[string][]rbacv1.PolicyRule{}
	for _, r := range rules {
		by[r.Namespace] = append(by[r.Namespace], r.PolicyRule)
	}
	subjects := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "openshift-azure-operator", Name: name}}
	var all []any
	for _, namespace := range slices.Sorted(maps.Keys(by)) {
		kind, binding := "Role", "RoleBinding"
		if namespace == "" {
			kind, binding = "ClusterRole", "ClusterRoleBinding"
		}
		version := rbacv1.SchemeGroupVersion.String()
		meta := metav1.ObjectMeta{Namespace: namespace, Name: name}
		all = append(all,
			rbacv1.Role{TypeMeta: metav1.TypeMeta{APIVersion: version, Kind: kind}, ObjectMeta: meta, Rules: by[namespace]},
			rbacv1.RoleBinding{TypeMeta: metav1.TypeMeta{APIVersion: version, Kind: binding}, ObjectMeta: meta, Subjects: subjects,
				RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: name}})
	}
	return all
}
