package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aro-rp/aro/hack/cluster/login"
)

// principal is an application with a password, and its service principal.
type principal struct{ clientID, secret, objectID string }

// application names the cluster's application in the directory.
func (t target) application() string { return "aro-" + t.group() + "-" + t.Name }

type directoryObject struct {
	ID    string `json:"id"`
	AppID string `json:"appId"`
}

// principal makes the application the cluster acts as, or gives the one that is
// there another password.
func (c createCommand) principal(ctx context.Context, s *login.Session) (principal, error) {
	application, err := find(ctx, s, "/applications"+filter("displayName", c.application()))
	if err != nil {
		return principal{}, err
	}
	say("service principal %s", c.application())
	if application.ID == "" {
		if err := s.Directory(ctx, http.MethodPost, "/applications", map[string]any{"displayName": c.application()}, &application); err != nil {
			return principal{}, fmt.Errorf("create the application: %w", err)
		}
	}
	var password struct {
		SecretText string `json:"secretText"`
	}
	if err := s.Directory(ctx, http.MethodPost, "/applications/"+application.ID+"/addPassword", map[string]any{"passwordCredential": map[string]any{"displayName": "cluster"}}, &password); err != nil {
		return principal{}, fmt.Errorf("add a password: %w", err)
	}
	object, err := principalOf(ctx, s, application.AppID)
	if err != nil {
		return principal{}, err
	}
	if object == "" {
		var made directoryObject
		if err := s.Directory(ctx, http.MethodPost, "/servicePrincipals", map[string]any{"appId": application.AppID}, &made); err != nil {
			return principal{}, fmt.Errorf("create the service principal: %w", err)
		}
		object = made.ID
	}
	return principal{clientID: application.AppID, secret: password.SecretText, objectID: object}, nil
}

// principalOf is the object id of an application's service principal, or empty.
func principalOf(ctx context.Context, s *login.Session, application string) (string, error) {
	found, err := find(ctx, s, "/servicePrincipals"+filter("appId", application))
	return found.ID, err
}

// find is the one object that a query finds, if any.
func find(ctx context.Context, s *login.Session, path string) (directoryObject, error) {
	var list struct {
		Value []directoryObject `json:"value"`
	}
	if err := s.Directory(ctx, http.MethodGet, path, nil, &list); err != nil {
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

// removePrincipal deletes the application, and its service principal with it.
func (t target) removePrincipal(ctx context.Context, s *login.Session) error {
	application, err := find(ctx, s, "/applications"+filter("displayName", t.application()))
	if err != nil || application.ID == "" {
		return err
	}
	say("service principal %s", t.application())
	return s.Directory(ctx, http.MethodDelete, "/applications/"+application.ID, nil, nil)
}
