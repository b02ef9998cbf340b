package model

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aro-rp/aro/arm"
)

// IdentityHosts are the hosts at which the service fetches credentials of clusters'
// identities, and so shows its own. One that begins with a dot is every name below it.
// Without a port it is for 443 alone.
type IdentityHosts []string

// maxIdentityURL is far more than Azure's are long.
const maxIdentityURL = 2048

// Check says why credentials are not fetched at an address.
func (h IdentityHosts) Check(address string) error {
	u, err := url.Parse(address)
	switch {
	case len(address) > maxIdentityURL:
		return fmt.Errorf("it is longer than %d bytes", maxIdentityURL)
	case err != nil || u.Scheme != "https" || u.Host == "" || u.Opaque != "":
		return errors.New("it must be an https URL")
	case u.User != nil:
		return errors.New("it must not hold a user or a password")
	case !h.has(u.Host):
		return errors.New("its host is not one of the managed identity service that this service is configured for (--identity-hosts)")
	}
	return nil
}

func (h IdentityHosts) has(host string) bool {
	host = arm.ToLower(strings.TrimSuffix(host, ":443"))
	for _, own := range h {
		own = arm.ToLower(strings.TrimSuffix(own, ":443"))
		below, wide := strings.CutSuffix(host, own)
		if host == own && own != "" || wide && below != "" && strings.HasPrefix(own, ".") {
			return true
		}
	}
	return false
}
