package resources

import (
	"context"
	"net/http"
	"net/url"
)

// groups is the behaviour of resource groups. Who grants rights on new groups
// adds Kept.
func (e *Engine) groups() Behaviour {
	for _, scope := range []string{"/subscriptions/{subscription}", "/subscriptions/{subscription}/resourceGroups/{group}"} {
		e.Route(http.MethodGet, scope+"/resources", e.everything)
	}
	return Behaviour{
		Put: func(_ context.Context, c *Change) error {
			if c.Old != nil && c.Old.ManagedBy != "" && c.New.ManagedBy != c.Old.ManagedBy {
				return Refuse(http.StatusConflict, "ResourceGroupManagedByMismatch", "The resource group '%s' is managed by '%s'; that cannot be changed.", c.Old.Name, c.Old.ManagedBy)
			}
			if c.Old != nil && c.Old.ProvisioningState() == Deleting {
				return Refuse(http.StatusConflict, "ResourceGroupBeingDeleted", "The resource group '%s' is in deprovisioning state and cannot perform this operation.", c.Old.Name)
			}
			return nil
		},
		Show: func(_ context.Context, r *Resource, _ url.Values) error {
			r.Etag = "" // ARM shows none for groups
			return nil
		},
	}
}
