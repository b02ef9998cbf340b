package resources

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// groups is the behaviour of resource groups. Who grants rights on new groups
// adds Kept.
func (e *Engine) groups() Behaviour {
	for _, scope := range []string{"/subscriptions/{subscription}", "/subscriptions/{subscription}/resourceGroups/{group}"} {
		e.Route(http.MethodGet, scope+"/resources", e.everything)
	}
	return Behaviour{
		Put: func(_ context.Context, c *Change) error {
			if err := validGroupName(c.New.Name); c.Old == nil && err != nil {
				return err
			}
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

// maxGroupName is how long names of groups are at most.
const maxGroupName = 90

// validGroupName refuses names that break Azure's rule.
func validGroupName(name string) error {
	wrong := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-._()", r) {
			return -1
		}
		return r
	}, name)
	switch {
	case wrong != "":
		return Refuse(http.StatusBadRequest, "InvalidResourceGroup", "The provided resource group name '%s' has these invalid characters: '%s'. The name can only be a letter, digit, '-', '.', '(', ')' or '_'.", name, wrong)
	case strings.HasSuffix(name, "."):
		return Refuse(http.StatusBadRequest, "InvalidResourceGroup", "The provided resource group name '%s' cannot end with a period.", name)
	case utf8.RuneCountInString(name) > maxGroupName:
		return Refuse(http.StatusBadRequest, "InvalidResourceGroup", "The provided resource group name '%s' has more than %d characters.", name, maxGroupName)
	}
	return nil
}
