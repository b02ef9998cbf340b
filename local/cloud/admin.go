package cloud

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/aro-rp/aro/local/cloud/compute"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// admin serves people and tools on this machine: faults on demand and the inventory. It requires no
// token, so requests from pages of other origins are rejected.
func (a *Azure) admin(w http.ResponseWriter, r *http.Request) {
	if a.foreign(r) {
		resources.WriteError(w, resources.Refuse(http.StatusForbidden, "ForeignOrigin", "Browsers may ask this only for pages of %s.", a.Origin))
		return
	}
	path := strings.ToLower(strings.Trim(r.URL.Path, "/"))
	name, named := strings.CutPrefix(strings.Trim(r.URL.Path, "/"), "local/faults/")
	switch {
	case path == "local/inventory" && r.Method == http.MethodGet:
		a.inventory(w, r)
	case path == "local/aliases.json" && r.Method == http.MethodGet:
		resources.WriteJSON(w, http.StatusOK, map[string]any{"outputs": map[string]any{"aliases": map[string]any{"type": "object", "value": map[string]any{"Linux": compute.Aliases()}}}})
	case path == "local/faults" && r.Method == http.MethodGet:
		resources.WriteJSON(w, http.StatusOK, map[string]any{"value": a.Faults()})
	case (path == "local/faults" || named) && r.Method == http.MethodPut:
		a.putFault(w, r, name, named)
	case path == "local/faults" && r.Method == http.MethodDelete:
		answerAdmin(w, a.ClearFaults(r.Context()))
	case named && r.Method == http.MethodDelete:
		answerAdmin(w, a.ClearFaults(r.Context(), name))
	case strings.HasPrefix(path, "local/subscriptions/") && r.Method == http.MethodPut:
		a.putSubscription(w, r, strings.TrimPrefix(path, "local/subscriptions/"))
	default:
		resources.WriteError(w, resources.Refuse(http.StatusNotFound, "NotFound", "There are GET /local/inventory, GET, PUT, DELETE /local/faults[/NAME], and PUT /local/subscriptions/ID."))
	}
}

// foreign reports whether a browser sends the request for a page of another origin, or by another
// host name, by which a foreign page could act as one of this origin.
func (a *Azure) foreign(r *http.Request) bool {
	origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
	return "https://"+r.Host != a.Origin || origin != "" && origin != a.Origin || site != "" && site != "same-origin" && site != "none"
}

func answerAdmin(w http.ResponseWriter, err error) {
	if err != nil {
		resources.WriteError(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (a *Azure) putFault(w http.ResponseWriter, r *http.Request, name string, named bool) {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	var fault Fault
	if err := decoder.Decode(&fault); err != nil {
		resources.WriteError(w, refuse("InvalidFault", "The fault cannot be read: %v.", err))
		return
	}
	if named {
		fault.Name = name
	}
	set, err := a.SetFault(r.Context(), fault)
	if err != nil {
		resources.WriteError(w, err)
		return
	}
	resources.WriteJSON(w, http.StatusOK, set)
}

// putSubscription moves a subscription to the tenant that the body names.
func (a *Azure) putSubscription(w http.ResponseWriter, r *http.Request, id string) {
	var body struct {
		TenantID string `json:"tenantId"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&body); err != nil {
		resources.WriteError(w, refuse("InvalidRequestContent", "The body cannot be read: %v.", err))
		return
	}
	answerAdmin(w, a.MoveSubscription(r.Context(), id, body.TenantID))
}

// item is a resource of the inventory.
type item struct {
	ID                string            `json:"id"`
	Name              string            `json:"name"`
	Type              string            `json:"type"`
	Location          string            `json:"location,omitempty"`
	ProvisioningState string            `json:"provisioningState,omitempty"`
	ManagedBy         string            `json:"managedBy,omitempty"`
	Tags              map[string]string `json:"tags,omitempty"`
	Resources         []*item           `json:"resources,omitempty"`
}

// inventory shows all resources, those in groups below their group.
func (a *Azure) inventory(w http.ResponseWriter, r *http.Request) {
	all, err := a.Engine.Below(r.Context(), "", "")
	if err != nil {
		resources.WriteError(w, err)
		return
	}
	subscriptions := []*item{}
	byKey := map[string]*item{}
	// A path sorts after those that contain it.
	for _, resource := range all {
		one := &item{ID: resource.ID, Name: resource.Name, Type: resource.Type, Location: resource.Location, ProvisioningState: resource.ProvisioningState(), ManagedBy: resource.ManagedBy, Tags: resource.Tags}
		byKey[resources.Key(resource.ID)] = one
		owner := byKey[resources.Key(resources.GroupID(resource.ID))]
		if owner == nil || owner == one {
			owner = byKey["/subscriptions/"+strings.ToLower(resources.Subscription(resource.ID))]
		}
		if owner == nil || owner == one {
			subscriptions = append(subscriptions, one)
			continue
		}
		owner.Resources = append(owner.Resources, one)
	}
	resources.WriteJSON(w, http.StatusOK, map[string]any{"value": subscriptions})
}
