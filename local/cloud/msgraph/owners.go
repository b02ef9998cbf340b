package msgraph

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/entra"
)

// checkOwners returns the owners of a new object: the requested ones, which must exist, and the
// caller.
func (s *Service) checkOwners(c *call, wanted []string) ([]string, error) {
	owners := []string{c.caller()}
	for _, id := range wanted {
		if _, err := s.object(c, id); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(owners, func(o string) bool { return arm.EqualFold(o, id) }) {
			owners = append(owners, id)
		}
	}
	return owners, nil
}

// object is any object of the directory by its id.
func (s *Service) object(c *call, id string) (map[string]any, error) {
	app, err := s.Entra.Application(c.Context(), id)
	if err == nil && arm.EqualFold(app.ObjectID, id) {
		shown := s.application(app)
		shown["@odata.type"] = applicationKind
		return shown, nil
	}
	if err != nil && !errors.Is(err, entra.ErrNotFound) {
		return nil, err
	}
	sp, err := s.Entra.ServicePrincipal(c.Context(), id)
	if err != nil || !arm.EqualFold(sp.ObjectID, id) {
		if err == nil || errors.Is(err, entra.ErrNotFound) {
			err = notFound(id)
		}
		return nil, err
	}
	if app, err = s.Entra.Application(c.Context(), sp.AppID); err != nil && !errors.Is(err, entra.ErrNotFound) {
		return nil, err
	}
	return s.principal(sp, app), nil
}

func (s *Service) getObject(c *call) error {
	shown, err := s.object(c, c.PathValue("id"))
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, shown)
}

// changeOwners changes the owners of the application or principal of a call.
func (s *Service) changeOwners(c *call, change func([]string) ([]string, error)) error {
	if strings.Contains(c.URL.Path, "/servicePrincipals/") {
		return s.Entra.ChangeServicePrincipal(c.Context(), c.PathValue("id"), func(sp *entra.ServicePrincipal) (err error) {
			sp.Owners, err = change(sp.Owners)
			return err
		})
	}
	return s.Entra.ChangeApplication(c.Context(), c.PathValue("id"), func(app *entra.Application) (err error) {
		app.Owners, err = change(app.Owners)
		return err
	})
}

func (s *Service) listOwners(c *call) error {
	var ids []string
	if strings.Contains(c.URL.Path, "/servicePrincipals/") {
		sp, err := s.Entra.ServicePrincipal(c.Context(), c.PathValue("id"))
		if err != nil {
			return err
		}
		ids = sp.Owners
	} else {
		app, err := s.Entra.Application(c.Context(), c.PathValue("id"))
		if err != nil {
			return err
		}
		ids = app.Owners
	}
	owners := []any{}
	for _, id := range ids {
		owner, err := s.object(c, id)
		if refused := (*refusal)(nil); errors.As(err, &refused) {
			continue // it was deleted
		}
		if err != nil {
			return err
		}
		owners = append(owners, owner)
	}
	return c.list("directoryObjects", owners)
}

func (s *Service) addOwner(c *call) error {
	body := document{}
	if err := c.read(&body); err != nil {
		return err
	}
	id := referred(body.text("@odata.id"))
	if _, err := s.object(c, id); err != nil {
		return err
	}
	err := s.changeOwners(c, func(owners []string) ([]string, error) {
		if slices.ContainsFunc(owners, func(o string) bool { return arm.EqualFold(o, id) }) {
			return nil, badRequest("One or more added object references already exist for the following modified properties: 'owners'.")
		}
		return append(owners, id), nil
	})
	if err != nil {
		return err
	}
	return c.answer(http.StatusNoContent, nil)
}

func (s *Service) removeOwner(c *call) error {
	id := c.PathValue("owner")
	err := s.changeOwners(c, func(owners []string) ([]string, error) {
		i := slices.IndexFunc(owners, func(o string) bool { return arm.EqualFold(o, id) })
		if i < 0 {
			return nil, notFound(id)
		}
		return slices.Delete(owners, i, i+1), nil
	})
	if err != nil {
		return err
	}
	return c.answer(http.StatusNoContent, nil)
}

// deletedItems lists nothing, and knows no object: what is deleted here is gone.
func (s *Service) deletedItems(c *call) error {
	if kind := c.PathValue("type"); strings.HasPrefix(kind, "microsoft.graph.") {
		return c.list("directoryObjects", []any{})
	}
	return notFound(c.PathValue("type"))
}
