package blob

import (
	"fmt"
	"net/http"
	"strings"
)

// authorize refuses a call that its proof does not allow.
func (s *Service) authorize(q *request, op operation) error {
	header := q.Header.Get("Authorization")
	switch {
	case strings.HasPrefix(header, "Bearer "):
		return s.byToken(q, op, strings.TrimPrefix(header, "Bearer "))
	case strings.HasPrefix(header, "SharedKey "):
		return s.bySharedKey(q, op, strings.TrimPrefix(header, "SharedKey "))
	case header != "":
		return refuse(http.StatusBadRequest, "InvalidAuthenticationInfo", "Authentication information is not given in the correct format. Check the value of Authorization header.")
	case q.query.Has("sig"):
		return s.bySignature(q, op)
	}
	return s.byNothing(q, op)
}

func (s *Service) byToken(q *request, op operation, token string) error {
	caller, err := s.Tokens.Verify(token)
	audience := strings.TrimSuffix(caller.Audience, "/")
	if err != nil || audience != Audience && audience != s.Origin+"/blob/"+q.name {
		s.challenge(q)
		return refuse(http.StatusUnauthorized, "InvalidAuthenticationInfo", "Server failed to authenticate the request. The token is invalid or expired, or its audience is not "+Audience+".")
	}
	q.caller = caller.ObjectID
	return s.byRole(q, op, caller.ObjectID)
}

func (s *Service) byRole(q *request, op operation, principal string) error {
	action := "Microsoft.Storage/storageAccounts/blobServices/" + op.action
	allowed, why, err := s.Access.Check(q.Context(), principal, action, q.scope())
	if err != nil || allowed {
		return err
	}
	return refuse(http.StatusForbidden, "AuthorizationPermissionMismatch", fmt.Sprintf("This request is not authorized to perform this operation using this permission: %s at %s: %s.", action, q.scope(), why))
}

// byNothing serves anonymous requests: static websites, and containers with public access.
func (s *Service) byNothing(q *request, op operation) error {
	if op.public == "blob" && q.container == "$web" {
		return nil
	}
	if op.public != "" && q.account.PublicAccess {
		c, found, err := s.container(q.Context(), q.name, q.container)
		if err != nil {
			return err
		}
		if found && (c.Public == op.public || c.Public == "container") {
			return nil
		}
	}
	s.challenge(q)
	return refuse(http.StatusUnauthorized, "NoAuthenticationInformation", "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.")
}

func (s *Service) challenge(q *request) {
	q.w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer authorization_uri=%s/%s/oauth2/authorize resource_id=%s", s.Origin, s.Tenant, Audience))
}
