package server

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// preflightReply is always sent with 200 (T12).
type preflightReply struct {
	Status string    `json:"status"`
	Error  *arm.Body `json:"error,omitempty"`
}

// preflightDeployment validates the clusters of a template before it is deployed,
// by the rules that need no access to other resources.
func (s *Server) preflightDeployment(ec echo.Context) error {
	c := ec.(*call)
	reply := preflightReply{Status: "Succeeded"}
	if err := s.preflightTemplate(c); err != nil {
		typed := armhttp.Error(c.Exchange, err)
		if typed.Code.Retryable() {
			return typed
		}
		body := typed.Body()
		reply = preflightReply{Status: "Failed", Error: &body}
	}
	body, err := json.Marshal(reply)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, body)
}

// preflightTemplate returns the error of the first invalid cluster.
func (s *Server) preflightTemplate(c *call) error {
	var template struct {
		Resources []map[string]any `json:"resources"`
	}
	if err := json.Unmarshal(c.body, &template); err != nil {
		return arm.InvalidRequestContent.Errorf("The body is not a template with resources.").Because(err)
	}
	for _, resource := range template.Resources {
		if kind, _ := resource["type"].(string); !arm.EqualFold(kind, arm.ClusterResourceType) {
			continue
		}
		if err := s.preflightResource(c, resource); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) preflightResource(c *call, resource map[string]any) error {
	id, err := preflightID(c, resource)
	if err != nil {
		return expressions{}.filter(id, err)
	}
	name, _ := resource["apiVersion"].(string)
	if isExpression(name) {
		return nil
	}
	inner := *c
	if inner.version = s.version(name); inner.version == nil {
		return expressions{}.filter(id, arm.InvalidResourceType.At("apiVersion", "The apiVersion of the resource is not supported."))
	}
	// These members are about the deployment, not the cluster.
	for _, member := range []string{"apiVersion", "type", "name", "id", "scope", "dependsOn", "condition", "comments", "copy", "resourceGroup", "subscriptionId"} {
		delete(resource, member)
	}
	unknown := expressions{}
	unknown.strip("", resource)
	if inner.body, err = json.Marshal(resource); err != nil {
		return err
	}
	return unknown.filter(id, s.preflightCluster(&inner, id, len(unknown) == 0))
}

// preflightID returns the id of the cluster that the resource describes. A cluster
// whose name is not known yet does not exist.
func preflightID(c *call, resource map[string]any) (arm.ClusterID, error) {
	id := arm.ClusterID{SubscriptionID: c.Param("subscriptionId"), ResourceGroup: c.Param("resourceGroupName"), Name: "preflight"}
	if name, _ := resource["name"].(string); name != "" && !isExpression(name) {
		id.Name = name
		if !arm.ValidName(name) {
			return id, arm.InvalidResourceName.At("name", "The cluster name is not legal. "+armhttp.LegalName)
		}
	}
	text, _ := resource["id"].(string)
	if text == "" || isExpression(text) {
		return id, nil
	}
	parsed, ok := arm.ParseClusterID(text)
	switch {
	case !ok:
		return id, arm.InvalidParameter.At("id", "The id is not that of a cluster.")
	case !arm.EqualFold(parsed.SubscriptionID, id.SubscriptionID): // whose clusters the caller may not see (X01)
		return id, arm.InvalidParameter.At("id", "The id is of another subscription than the deployment.")
	}
	return parsed, nil
}

// preflightCluster validates the body like a PUT of the cluster. If it is
// incomplete, it may turn out to equal the desired state that a running operation
// reconciles.
func (s *Server) preflightCluster(c *call, id arm.ClusterID, complete bool) error {
	body, invalid := validBody(c.version.ValidateCluster, c.body)
	doc, err := s.Store.Clusters.Get(c.Ctx(), id.Partition(), id.Key())
	switch {
	case errors.Is(err, store.ErrNotFound):
		if invalid != nil {
			return invalid
		}
		return s.apply(c, body, nil, &model.Cluster{ID: id.String(), Name: id.Name, Type: arm.ClusterResourceType})
	case err != nil:
		return err
	}
	old := &doc.Cluster
	w := &write{s: s, c: c, content: func(*model.Cluster) ([]byte, error) { return body, invalid }}
	desired, err := w.convert(old)
	if err != nil {
		return cmp.Or(old.MayChange(), err)
	}
	if isReconciled(old) && (!complete || reflect.DeepEqual(old, desired)) {
		return nil
	}
	return old.MayChange()
}

// expressions are the paths of values that are known only when the template is
// deployed: strings in square brackets.
type expressions []string

func isExpression(s string) bool {
	return strings.HasPrefix(s, "[") && !strings.HasPrefix(s, "[[") && strings.HasSuffix(s, "]")
}

// strip removes the expressions below value and records their paths. It reports
// whether value itself is one.
func (e *expressions) strip(path string, value any) bool {
	switch value := value.(type) {
	case string:
		if isExpression(value) {
			*e = append(*e, path)
			return true
		}
	case map[string]any:
		for name, member := range value {
			below := name
			if path != "" {
				below = path + "." + name
			}
			if e.strip(below, member) {
				delete(value, name)
			}
		}
	case []any:
		for i, element := range value {
			if e.strip(path+"["+strconv.Itoa(i)+"]", element) {
				value[i] = nil
			}
		}
	}
	return false
}

// filter removes faults that depend on expressions, and sets the resource as the
// target of the error.
func (e expressions) filter(id arm.ClusterID, err error) error {
	var fault *arm.Error
	if !errors.As(err, &fault) {
		return err
	}
	if fault.Code.Retryable() {
		return err
	}
	faults := fault.Details
	if len(faults) == 0 {
		faults = []*arm.Error{fault}
	}
	faults = slices.DeleteFunc(slices.Clone(faults), e.covers)
	if len(faults) == 0 {
		return nil
	}
	first := *faults[0]
	first.Target, first.Details = id.String(), faults
	return &first
}

// covers reports whether the fault is about a value that is not known yet, about a
// value that contains or is contained in one, or about headers that come with the
// deployment.
func (e expressions) covers(fault *arm.Error) bool {
	if fault.Target == headerIdentityURL || fault.Target == headerTenant {
		return true
	}
	return slices.ContainsFunc(e, func(path string) bool { return within(path, fault.Target) || within(fault.Target, path) })
}

// within reports whether the path inner equals outer or is below it.
func within(inner, outer string) bool {
	rest, ok := strings.CutPrefix(inner, outer)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
