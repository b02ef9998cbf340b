package emit

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/aro-rp/aro/hack/generate/spec"
)

// The schemas for which the code of a version is written.
const (
	clusterSchema     = "OpenShiftCluster"
	updateSchema      = "OpenShiftClusterUpdate"
	versionSchema     = "OpenShiftVersion"
	roleSetSchema     = "PlatformWorkloadIdentityRoleSet"
	identitySchema    = "ManagedServiceIdentity"
	credentialsSchema = "OpenShiftClusterCredentials"
	kubeconfigSchema  = "OpenShiftClusterAdminKubeconfig"
)

// Validators writes ValidateCluster, ValidateClusterUpdate and a function for
// each object schema that a cluster is made of.
func Validators(d *spec.Document, pkg string) ([]byte, error) {
	cluster, err := d.Schema(clusterSchema)
	if err != nil {
		return nil, err
	}
	if err := updateIsPartOf(d, cluster); err != nil {
		return nil, err
	}
	v := &validators{done: map[string]bool{}}
	if err := v.object(cluster); err != nil {
		return nil, err
	}
	imports := []string{module + "/arm", module + "/validation"}
	if len(v.patterns) > 0 {
		imports = slices.Insert(imports, 0, "regexp", "")
	}
	s := newSource(pkg, "", imports...)
	names := ""
	if d.AnyCase {
		names = "|validation.AnyCase"
	}
	s.f("// ValidateCluster adds every violation of the spec in the body of a PUT. It returns the body with the spec's names.")
	s.f("func (Version) ValidateCluster(body []byte, f *arm.Faults) []byte {\nreturn validation.Check(body, validation.Replace%s, f, check%s)\n}\n", names, clusterSchema)
	s.f("// ValidateClusterUpdate adds every violation of the spec in the body of a PATCH. Nothing is required,")
	s.f("// null removes, and members of the resource that a PATCH cannot change may be echoed. It returns the body with")
	s.f("// the spec's names.")
	s.f("func (Version) ValidateClusterUpdate(body []byte, f *arm.Faults) []byte {\nreturn validation.Check(body, validation.Merge%s, f, check%s)\n}\n", names, clusterSchema)
	for _, p := range v.patterns {
		s.f("%s\n", p)
	}
	slices.Sort(v.functions)
	for _, f := range v.functions {
		s.f("%s", f)
	}
	return s.formatted()
}

// updateIsPartOf fails if the schema of a PATCH has a member that the resource does
// not: one validator serves both.
func updateIsPartOf(d *spec.Document, cluster *spec.Schema) error {
	update, err := d.Schema(updateSchema)
	if err != nil || update == nil {
		return err
	}
	for _, p := range update.Properties {
		same := slices.ContainsFunc(cluster.Properties, func(q spec.Property) bool {
			return q.Name == p.Name && q.Schema.Name == p.Schema.Name
		})
		if !same && p.Name != "tags" {
			return fmt.Errorf("%s.%s is not a property of %s", updateSchema, p.Name, clusterSchema)
		}
	}
	return nil
}

type validators struct {
	done      map[string]bool
	functions []string
	patterns  []string
}

// object writes the function of an object schema, once.
func (v *validators) object(o *spec.Schema) error {
	if o.Name == "" {
		return fmt.Errorf("an object written in place has no name for its function")
	}
	if v.done[o.Name] {
		return nil
	}
	v.done[o.Name] = true
	if len(o.Properties) > 64 {
		return fmt.Errorf("schema %s has more than 64 properties", o.Name)
	}
	var s source
	s.f("func check%s(w *validation.Walker) {\no, ok := w.Object()\nif !ok {\nreturn\n}", goName(o.Name))
	s.f("for o.Next() {\nswitch string(w.Name()) {")
	names := make([]string, len(o.Properties))
	for i, p := range o.Properties {
		names[i] = fmt.Sprintf("%q", p.Name)
		check, err := v.value(p.Schema, o.Name+upper(p.Name))
		if err != nil {
			return fmt.Errorf("%s.%s: %w", o.Name, p.Name, err)
		}
		s.f("case %q:\nif o.Has(%d) {\n%s\n}", p.Name, i, check)
	}
	s.f("default:\no.Other(%s)\n}\n}", strings.Join(names, ", "))
	for i, p := range o.Properties {
		if p.Required {
			s.f("o.Require(%d, %q)", i, p.Name)
		}
	}
	s.f("}\n")
	v.functions = append(v.functions, s.String())
	return nil
}

// value writes the statements that check a value; name is for its pattern.
func (v *validators) value(s *spec.Schema, name string) (string, error) {
	switch {
	case s.Ignored:
		return "w.Ignore()", nil
	case s.Type == "object" && s.Properties != nil:
		return fmt.Sprintf("check%s(w)", goName(s.Name)), v.object(s)
	case s.Type == "object" && s.Elements != nil:
		return v.entries(s, name)
	case s.Type == "array" && s.Items != nil:
		return v.elements(s, name)
	case s.Type == "string":
		return v.text(s, name)
	case s.Type == "integer":
		return integer(s)
	case s.Type == "boolean":
		return "w.Bool()", nil
	}
	return "", fmt.Errorf("no check for type %q", s.Type)
}

func (v *validators) entries(s *spec.Schema, name string) (string, error) {
	check, err := v.value(s.Elements, name)
	if err != nil {
		return "", err
	}
	limit := ""
	if s.MaxProperties != nil {
		limit = fmt.Sprintf("\nm.AtMost(%d)", *s.MaxProperties)
	}
	return fmt.Sprintf("if m, ok := w.Object(); ok {\nfor m.Next() {\nif m.Entry(%t) {\n%s\n}\n}%s\n}", s.Elements.Nullable, check, limit), nil
}

func (v *validators) elements(s *spec.Schema, name string) (string, error) {
	check, err := v.value(s.Items, name)
	if err != nil {
		return "", err
	}
	limit := ""
	if s.MinItems > 0 || s.MaxItems != nil {
		limit = fmt.Sprintf("\na.Between(%d, %d)", s.MinItems, orMax(s.MaxItems))
	}
	return fmt.Sprintf("if a, ok := w.Array(); ok {\nfor a.Next() {\n%s\n}%s\n}", check, limit), nil
}

// uncheckedFormats need no check of the text: the values are compared with those of
// the service, or model validates them.
var uncheckedFormats = []string{"", "arm-id", "password", "uri"}

func (v *validators) text(s *spec.Schema, name string) (string, error) {
	limited := s.MinLength > 0 || s.MaxLength != nil
	switch {
	case len(s.Enum) > 0 && !limited && s.Pattern == "" && s.Format == "":
		values := make([]string, len(s.Enum))
		for i, value := range s.Enum {
			values[i] = fmt.Sprintf("%q", value)
		}
		return fmt.Sprintf("w.Enum(%s)", strings.Join(values, ", ")), nil
	case s.Pattern != "" && len(s.Enum) == 0 && slices.Contains(uncheckedFormats, s.Format):
		v.patterns = append(v.patterns, fmt.Sprintf("var pattern%s = regexp.MustCompile(%q)", name, s.Pattern))
		return fmt.Sprintf("w.Pattern(pattern%s, %d, %d)", name, s.MinLength, orMax(s.MaxLength)), nil
	case limited && len(s.Enum) == 0 && s.Format == "":
		return fmt.Sprintf("w.Length(%d, %d)", s.MinLength, orMax(s.MaxLength)), nil
	case limited || len(s.Enum) > 0 || s.Pattern != "":
		return "", fmt.Errorf("no check for this combination of enum, pattern, length and format %q", s.Format)
	case s.Format == "uuid":
		return "w.UUID()", nil
	case s.Format == "date-time":
		return "w.DateTime()", nil
	case slices.Contains(uncheckedFormats, s.Format):
		return "w.String()", nil
	}
	return "", fmt.Errorf("no check for format %q", s.Format)
}

// integer writes the check of an integer. Without a format it has 32 bits as well:
// the model uses int, and no count of the API needs more.
func integer(s *spec.Schema) (string, error) {
	least, most := int64(math.MinInt32), int64(math.MaxInt32)
	switch s.Format {
	case "", "int32":
	case "int64":
		least, most = math.MinInt64, math.MaxInt64
	default:
		return "", fmt.Errorf("no check for format %q of an integer", s.Format)
	}
	if s.Minimum != nil {
		least = int64(*s.Minimum)
	}
	if s.Maximum != nil {
		most = int64(*s.Maximum)
	}
	return fmt.Sprintf("w.Integer(%d, %d)", least, most), nil
}

func orMax(limit *int) int {
	if limit == nil {
		return math.MaxInt32
	}
	return *limit
}
