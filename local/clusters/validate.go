package clusters

import (
	"fmt"
	"net/netip"
	"regexp"

	"github.com/aro-rp/aro/backend/controlplane"
	"github.com/aro-rp/aro/local/home"
)

// maxNodes is what one machine can pretend to have without slowing down.
const maxNodes = 500

var (
	uuid    = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	dnsName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$`)
)

// validate finds what would keep the cluster from ever starting. It also keeps
// the id, which becomes a path, a plain name.
func validate(spec controlplane.Spec) error {
	pods, podsErr := netip.ParsePrefix(spec.PodCIDR)
	services, servicesErr := netip.ParsePrefix(spec.ServiceCIDR)
	nodes := spec.Masters.Count
	smallest := spec.Masters.Count
	for _, pool := range spec.Workers {
		nodes += pool.Count
		smallest = min(smallest, pool.Count)
	}
	switch {
	case !uuid.MatchString(spec.ID):
		return fmt.Errorf("%w: id: want a UUID in lower case", ErrInvalid)
	case !dnsName.MatchString(spec.InfraID):
		return fmt.Errorf("%w: infraId: want a name of lower-case letters, digits and dashes", ErrInvalid)
	case spec.Domain == "":
		return fmt.Errorf("%w: domain: must not be empty", ErrInvalid)
	case podsErr != nil || !pods.Addr().Is4():
		return fmt.Errorf("%w: podCidr: want an IPv4 network in CIDR notation", ErrInvalid)
	case servicesErr != nil || !services.Addr().Is4():
		return fmt.Errorf("%w: serviceCidr: want an IPv4 network in CIDR notation", ErrInvalid)
	case smallest < 0 || nodes > maxNodes:
		return fmt.Errorf("%w: counts: want 0 to %d nodes in all", ErrInvalid, maxNodes)
	}
	return nil
}

// unchanged refuses what no running cluster can change.
func unchanged(h home.Home, spec controlplane.Spec) error {
	have, err := h.Spec()
	if err != nil {
		return err
	}
	if have.PodCIDR != spec.PodCIDR || have.ServiceCIDR != spec.ServiceCIDR ||
		have.Domain != spec.Domain || have.InfraID != spec.InfraID {
		return fmt.Errorf("%w: networks, domain and infraId of a cluster stay as they are", ErrInvalid)
	}
	return nil
}
