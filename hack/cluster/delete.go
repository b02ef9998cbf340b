package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aro-rp/aro/hack/cluster/login"
)

type deleteCommand struct{ target }

// Run deletes the cluster first: the service needs the network to do so.
func (c deleteCommand) Run(ctx context.Context, s *login.Session) error {
	say("deleting the cluster %s", c.Name)
	header, err := s.Call(ctx, http.MethodDelete, c.id(s)+"?api-version="+newestAPI, nil, nil)
	if err != nil && !missing(err) {
		return fmt.Errorf("delete the cluster: %w", err)
	}
	if err := follow(ctx, s, header.Get(asyncOperation)); err != nil {
		return err
	}
	if err := c.removeGroup(ctx, s); err != nil {
		return err
	}
	return c.removePrincipal(ctx, s)
}

// removeGroup deletes network and identities with the group, if create made it.
func (c deleteCommand) removeGroup(ctx context.Context, s *login.Session) error {
	g, exists, err := c.readGroup(ctx, s)
	if err != nil || !exists {
		return err
	}
	if g.Tags[ownTag] != c.Name {
		say("resource group %s stays: it was not made for this cluster", c.group())
		return nil
	}
	say("resource group %s", c.group())
	if _, err := s.Call(ctx, http.MethodDelete, c.groupID(s)+"?api-version="+resourcesAPI, nil, nil); err != nil {
		return fmt.Errorf("delete the resource group: %w", err)
	}
	return until(ctx, func() (bool, error) {
		_, exists, err := c.readGroup(ctx, s)
		return !exists, err
	})
}
