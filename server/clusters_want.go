package server

import (
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/conversion"
	"github.com/aro-rp/aro/model"
)

// want writes the body onto wanted and judges the result, all faults at once.
// old is nil on create.
func (s *Server) want(c *call, body []byte, old, wanted *model.Cluster) error {
	known, err := s.Catalogue.Offer(c.Ctx())
	if err != nil {
		return err
	}
	var f arm.Faults
	if err := c.writeOnto(body, old, wanted, &f); err != nil {
		return arm.InvalidRequestContent.Errorf("The body cannot be read as a cluster.").Because(err)
	}
	if len(wanted.Tags) == 0 {
		wanted.Tags = nil
	}
	if old == nil {
		known.ChooseVersion(wanted, &f)
	}
	wanted.Default()
	s.noteIdentity(c, old, wanted, &f)
	wanted.Validate(old, s.rules, &f)
	if old == nil || !reflect.DeepEqual(old.Properties.PlatformWorkloadIdentityProfile, wanted.Properties.PlatformWorkloadIdentityProfile) {
		wanted.ValidateRoles(known.RoleSets, &f)
	}
	return f.Err()
}

// writeOnto writes a body that is valid, and merged if it is that of a PATCH.
func (c *call) writeOnto(body []byte, old, wanted *model.Cluster, f *arm.Faults) error {
	if c.Request().Method == http.MethodPatch {
		return c.version.MergeCluster(body, wanted, f)
	}
	return c.version.WriteCluster(body, old, wanted, f)
}

// noteIdentity keeps what ARM tells about the cluster's managed identity.
func (s *Server) noteIdentity(c *call, old, wanted *model.Cluster, f *arm.Faults) {
	if wanted.Identity == nil || !wanted.UsesWorkloadIdentity() {
		return
	}
	if told := c.Header(headerIdentityURL); told != "" {
		if err := s.IdentityHosts.Check(told); err != nil {
			f.Add(arm.InvalidParameter, headerIdentityURL, "The header is not usable: %s.", err)
		}
		wanted.Identity.IdentityURL = told
	}
	overlay(&wanted.Identity.TenantID, c.Header(headerTenant))
	if old != nil {
		return
	}
	for header, value := range map[string]string{headerIdentityURL: wanted.Identity.IdentityURL, headerTenant: wanted.Identity.TenantID} {
		if value == "" {
			f.Add(arm.InvalidParameter, header, "The header is needed to create a cluster with a managed identity. Azure Resource Manager sets it.")
		}
	}
}

// namesNothing reports whether a patch has no value in it. Such a patch asks for
// what is wanted already to be made true again. Tags are replaced as a set, so
// that an empty set is a value.
func namesNothing(patch []byte) bool {
	var members map[string]any
	if json.Unmarshal(patch, &members) != nil {
		return false
	}
	_, tags := members["tags"]
	return !tags && isHollow(members)
}

// isHollow reports whether an object holds nothing but such objects.
func isHollow(object map[string]any) bool {
	for _, member := range object {
		if below, ok := member.(map[string]any); !ok || !isHollow(below) {
			return false
		}
	}
	return true
}

// merged is the resource as the version says it, with the patch merged in. What
// the merged resource is blamed for and the stored one is too, is not the
// patch's fault (A11).
func (c *call) merged(current *model.Cluster, patch []byte) ([]byte, error) {
	before, err := c.version.EncodeCluster(current)
	if err != nil {
		return nil, err
	}
	after, err := conversion.MergePatch(before, patch)
	if err != nil {
		return nil, arm.InvalidRequestContent.Errorf("The body is not a JSON merge patch of a cluster.").Because(err)
	}
	var faults arm.Faults
	if c.version.ValidateCluster(after, &faults); faults.Len() == 0 {
		return after, nil
	}
	var legacy, fresh arm.Faults
	c.version.ValidateCluster(before, &legacy)
	for _, f := range faults.List() {
		if !blames(legacy.List(), f) {
			fresh.AddError(f)
		}
	}
	return after, fresh.Err()
}

func blames(list []*arm.Error, fault *arm.Error) bool {
	for _, f := range list {
		if f.Target == fault.Target && f.Message == fault.Message {
			return true
		}
	}
	return false
}
