package model

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aro-rp/aro/arm"
)

// IdentityHosts are the hosts at which the service fetches credentials of clusters'
// identities, presenting its own credentials. A name that begins with a dot matches
// every name below it. A host without a port matches port 443 only.
type IdentityHosts []string

// maxIdentityURL is well above the length of Azure's URLs.
const maxIdentityURL = 2048

// Check returns why credentials must not be fetched at an address, or nil.
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
