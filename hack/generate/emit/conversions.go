package emit

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/aro-rp/aro/hack/generate/spec"
)

// Conversions writes two functions for each schema that a resource consists of: one
// encodes the model in this version's types, one writes a client's values to the
// model.
func Conversions(d *spec.Document, pkg string, structs Structs) ([]byte, error) {
	c := &conversions{structs: structs, functions: map[string]string{}, types: map[string]reflect.Type{}}
	imports := []string{"encoding/json", "fmt", "", module + "/arm", module + "/conversion", module + "/model"}
	kubeconfig, err := d.Schema(kubeconfigSchema)
	if err != nil {
		return nil, err
	}
	if kubeconfig != nil {
		imports = slices.Insert(imports, 0, "encoding/base64")
	}
	s := newSource(pkg, "", imports...)
	if err := c.cluster(d, s); err != nil {
		return nil, err
	}
	for _, resource := range []string{versionSchema, roleSetSchema} {
		if err := c.catalogue(d, s, resource); err != nil {
			return nil, err
		}
	}
	credentials(s, structs[credentialsSchema])
	if kubeconfig != nil {
		s.f("%s", encodeKubeconfig)
	}
	for _, name := range slices.Sorted(maps.Keys(c.functions)) {
		s.f("%s", c.functions[name])
	}
	return s.formatted()
}

type conversions struct {
	structs   Structs
	functions map[string]string       // by function name
	types     map[string]reflect.Type // the model type of each schema; there is only one
}

func (c *conversions) cluster(d *spec.Document, s *source) error {
	schema, err := d.Schema(clusterSchema)
	if err != nil {
		return err
	}
	t := roots[clusterSchema]
	if err := c.encode(schema, t, ""); err != nil {
		return err
	}
	if err := c.function(schema, t, "", false); err != nil {
		return err
	}
	received, cluster := c.received(schema)
	s.f(clusterMethods, received, cluster)
	return nil
}

// received returns the type that a cluster's body is decoded into, and the
// expression of the cluster in it. Ignored values may be of any type.
func (c *conversions) received(schema *spec.Schema) (typ, cluster string) {
	var s source
	for _, p := range schema.Properties {
		if p.Ignored {
			s.f("%s conversion.Ignored `json:%q`", c.structs[clusterSchema][p.Name].Name, p.Name)
		}
	}
	if s.Len() == 0 {
		return clusterSchema, "in"
	}
	return fmt.Sprintf("struct {\n%s\n%s}", clusterSchema, s.String()), "in." + clusterSchema
}

// catalogue writes the encoder of a read-only resource, if the version has it.
func (c *conversions) catalogue(d *spec.Document, s *source, name string) error {
	schema, err := d.Schema(name)
	if err != nil || schema == nil {
		return err
	}
	if err := c.encode(schema, roots[name], ""); err != nil {
		return err
	}
	method := map[string]string{versionSchema: "EncodeOpenShiftVersion", roleSetSchema: "EncodeRoleSet"}[name]
	s.f("// %s returns the resource in this version.", method)
	s.f("func (Version) %s(m *model.%s) ([]byte, error) {\nout := encode%s(m)\nreturn json.Marshal(&out)\n}\n", method, roots[name].Name(), goName(name))
	return nil
}

// owns records the model type of a schema. It reports whether its function still has to be
// written.
func (c *conversions) owns(s *spec.Schema, t reflect.Type, function string) (bool, error) {
	if s.Name == "" {
		return false, fmt.Errorf("an object written in place has no name for its function")
	}
	if had, ok := c.types[s.Name]; ok && had != t {
		return false, fmt.Errorf("schema %s stands for %s and for %s", s.Name, had, t)
	}
	c.types[s.Name] = t
	if _, done := c.functions[function]; done {
		return false, nil
	}
	c.functions[function] = "" // recursion stops here
	return true, nil
}

const clusterMethods = `
// WriteCluster writes a valid body of a PUT to c. On create, when old is nil, c
// holds the values of the URL; otherwise c is a deep copy of old. Violations are
// added to f, and c is then unusable.
func (Version) WriteCluster(body []byte, old, c *model.Cluster, f *arm.Faults) error {
	return writeBody(conversion.NewWrite(old == nil, f), body, c)
}

// MergeCluster is WriteCluster for a PATCH that conversion.MergePatch has merged
// into the result of EncodeCluster. The PATCH removes what the body lacks.
func (Version) MergeCluster(body []byte, c *model.Cluster, f *arm.Faults) error {
	return writeBody(conversion.NewMerge(f), body, c)
}

func writeBody(w *conversion.Write, body []byte, c *model.Cluster) error {
	var in %s
	if err := json.Unmarshal(body, &in); err != nil {
		return fmt.Errorf("cluster body: %%w", err)
	}
	writeOpenShiftCluster(w, &%s, c)
	return nil
}

// EncodeCluster returns the resource in this version, without secrets.
func (Version) EncodeCluster(c *model.Cluster) ([]byte, error) {
	out := encodeOpenShiftCluster(c)
	return json.Marshal(&out)
}
`

const encodeKubeconfig = `
// EncodeAdminKubeconfig returns the response of listAdminCredentials; without a kubeconfig it is
// empty.
func (Version) EncodeAdminKubeconfig(kubeconfig []byte) ([]byte, error) {
	text := base64.StdEncoding.EncodeToString(kubeconfig)
	return json.Marshal(&OpenShiftClusterAdminKubeconfig{Kubeconfig: conversion.Present(&text)})
}
`

// credentials writes the encoder of the kubeadmin credentials; the oldest version
// has no user name.
func credentials(s *source, fields map[string]Field) {
	s.f("// EncodeCredentials returns the response of listCredentials.")
	user, ok := fields["kubeadminUsername"]
	if !ok {
		s.f("func (Version) EncodeCredentials(_, password string) ([]byte, error) {")
		s.f("return json.Marshal(&%s{%s: &password})\n}\n", credentialsSchema, fields["kubeadminPassword"].Name)
		return
	}
	s.f("func (Version) EncodeCredentials(username, password string) ([]byte, error) {")
	s.f("return json.Marshal(&%s{%s: &username, %s: &password})\n}\n", credentialsSchema, user.Name, fields["kubeadminPassword"].Name)
}
