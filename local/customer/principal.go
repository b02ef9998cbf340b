package customer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// principal is an application with a password, and its service principal.
type principal struct{ clientID, secret, objectID string }

// application returns the name of the cluster's application in the directory.
func (t Target) application() string { return "aro-" + t.Group + "-" + t.Name }

type directoryObject struct {
	ID    string `json:"id"`
	AppID string `json:"appId"`
}

// principal makes the application that a new cluster acts as. One that an earlier
// attempt left is replaced: its password is not known any more.
func (c *Customer) principal(ctx context.Context, t Target) (principal, error) {
	if _, err := c.removePrincipal(ctx, t); err != nil {
		return principal{}, err
	}
	c.say("service principal %s", t.application())
	var application, object directoryObject
	if err := c.session.Directory(ctx, http.MethodPost, "/applications", map[string]any{"displayName": t.application()}, &application); err != nil {
		return principal{}, fmt.Errorf("create the application: %w", err)
	}
	var password struct {
		SecretText string `json:"secretText"`
	}
	if err := c.session.Directory(ctx, http.MethodPost, "/applications/"+application.ID+"/addPassword", map[string]any{"passwordCredential": map[string]any{"displayName": "cluster"}}, &password); err != nil {
		return principal{}, fmt.Errorf("add a password: %w", err)
	}
	if err := c.session.Directory(ctx, http.MethodPost, "/servicePrincipals", map[string]any{"appId": application.AppID}, &object); err != nil {
		return principal{}, fmt.Errorf("create the service principal: %w", err)
	}
	return principal{clientID: application.AppID, secret: password.SecretText, objectID: object.ID}, nil
}

// principalOf returns the object id of an application's service principal, or "".
func (c *Customer) principalOf(ctx context.Context, application string) (string, error) {
	found, err := c.find(ctx, "/servicePrincipals"+filter("appId", application))
	return found.ID, err
}

// find returns the one object that a query finds, if any.
func (c *Customer) find(ctx context.Context, path string) (directoryObject, error) {
	var list struct {
		Value []directoryObject `json:"value"`
	}
	if err := c.session.Directory(ctx, http.MethodGet, path, nil, &list); err != nil {
		return directoryObject{}, fmt.Errorf("ask the directory: %w", err)
	}
	switch len(list.Value) {
	case 0:
		return directoryObject{}, nil
	case 1:
		return list.Value[0], nil
	}
	return directoryObject{}, errors.New("the directory has several applications of that name")
}

// removePrincipal deletes the application, and its service principal with it, and
// reports whether there was one.
func (c *Customer) removePrincipal(ctx context.Context, t Target) (removed bool, err error) {
	application, err := c.find(ctx, "/applications"+filter("displayName", t.application()))
	if err != nil || application.ID == "" {
		return false, err
	}
	c.say("deleting the service principal %s", t.application())
	return true, c.session.Directory(ctx, http.MethodDelete, "/applications/"+application.ID, nil, nil)
}
