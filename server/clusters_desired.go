package server

import (
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/conversion"
	"github.com/aro-rp/aro/model"
)

// apply writes the body to desired and validates the result. It returns all
// violations at once. old is nil on create.
func (s *Server) apply(c *call, body []byte, old, desired *model.Cluster) error {
	known, err := s.Catalogue.Offer(c.Ctx())
	if err != nil {
		return err
	}
	var f arm.Faults
	if err := c.writeBody(body, old, desired, &f); err != nil {
		return arm.InvalidRequestContent.Errorf("The body cannot be read as a cluster.").Because(err)
	}
	if len(desired.Tags) == 0 {
		desired.Tags = nil
	}
	if old == nil {
		known.ChooseVersion(desired, &f)
	}
	desired.Default()
	s.setIdentity(c, old, desired, &f)
	desired.Validate(old, s.rules, &f)
	if old == nil || !reflect.DeepEqual(old.Properties.PlatformWorkloadIdentityProfile, desired.Properties.PlatformWorkloadIdentityProfile) {
		desired.ValidateRoles(known.RoleSets, &f)
	}
	return f.Err()
}

// writeBody writes a valid body. That of a PATCH has been merged.
func (c *call) writeBody(body []byte, old, desired *model.Cluster, f *arm.Faults) error {
	if c.Request().Method == http.MethodPatch {
		return c.version.MergeCluster(body, desired, f)
	}
	return c.version.WriteCluster(body, old, desired, f)
}

// setIdentity stores what ARM sends about the cluster's managed identity.
func (s *Server) setIdentity(c *call, old, desired *model.Cluster, f *arm.Faults) {
	if desired.Identity == nil || !desired.UsesWorkloadIdentity() {
		return
	}
	if sent := c.Header(headerIdentityURL); sent != "" {
		if err := s.IdentityHosts.Check(sent); err != nil {
			f.Add(arm.InvalidParameter, headerIdentityURL, "The header is not usable: %s.", err)
		}
		desired.Identity.IdentityURL = sent
	}
	overlay(&desired.Identity.TenantID, c.Header(headerTenant))
	if old != nil {
		return
	}
	for header, value := range map[string]string{headerIdentityURL: desired.Identity.IdentityURL, headerTenant: desired.Identity.TenantID} {
		if value == "" {
			f.Add(arm.InvalidParameter, header, "The header is needed to create a cluster with a managed identity. Azure Resource Manager sets it.")
		}
	}
}

// isEmptyPatch reports whether a patch has no value in it. Such a patch starts an
// update that reconciles the cluster with its desired state. Tags are replaced as a
// set, so an empty set is a value.
func isEmptyPatch(patch []byte) bool {
	var members map[string]any
	if json.Unmarshal(patch, &members) != nil {
		return false
	}
	_, tags := members["tags"]
	return !tags && isHollow(members)
}

// isHollow reports whether an object contains nothing but such objects.
func isHollow(object map[string]any) bool {
	for _, member := range object {
		if below, ok := member.(map[string]any); !ok || !isHollow(below) {
			return false
		}
	}
	return true
}

// merged returns the resource in this version, with the patch merged in. Violations
// that the stored resource has as well are ignored (A11).
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
		if !contains(legacy.List(), f) {
			fresh.AddError(f)
		}
	}
	return after, fresh.Err()
}

func contains(list []*arm.Error, fault *arm.Error) bool {
	for _, f := range list {
		if f.Target == fault.Target && f.Message == fault.Message {
			return true
		}
	}
	return false
}
