package cloud

import (
	"context"
	"errors"
	"net/url"

	"github.com/aro-rp/aro/local/cloud/entra"
)

// The application by which users log in to the service's portal, and the groups that have access.
const (
	PortalApplication   = "00000000-0000-0000-0000-0000000000e2"
	PortalGroup         = "00000000-0000-0000-0000-0000000000b0"
	PortalElevatedGroup = "00000000-0000-0000-0000-0000000000b1"
)

// The certificates of the portal in the vault aro-svc: the one that its server has, the one by which
// its application proves itself, and the one with the key of its SSH server.
const (
	PortalServerCertificate = "portal-server"
	PortalClientCertificate = "portal-client"
	PortalSSHCertificate    = "portal-ssh"
)

// PortalSubject is the name in the certificate of the portal's application.
const PortalSubject = "portal.aroapp.test"

// users are the users of the directory.
func users() []entra.User {
	return []entra.User{
		{ObjectID: "00000000-0000-0000-0000-0000000000c0", Name: "sre@aroapp.test", DisplayName: "May log in to the portal", Groups: []string{PortalGroup}},
		{ObjectID: "00000000-0000-0000-0000-0000000000c1", Name: "admin@aroapp.test", DisplayName: "May also act as an administrator of clusters", Groups: []string{PortalGroup, PortalElevatedGroup}},
		{ObjectID: "00000000-0000-0000-0000-0000000000c2", Name: "guest@aroapp.test", DisplayName: "Not allowed to log in to the portal"},
	}
}

// seedPortal makes what the portal needs, unless it is there: a directory of an earlier
// release has none of it.
func (a *Azure) seedPortal(ctx context.Context) error {
	if a.Portal == "" {
		return nil
	}
	origin, err := url.Parse(a.Portal)
	if err != nil {
		return err
	}
	if _, err := a.Entra.CreateApplication(ctx, PortalApplication, "ARO portal"); err != nil {
		return err
	}
	if _, err := a.Entra.CreateServicePrincipal(ctx, PortalApplication); err != nil && !errors.Is(err, entra.ErrExists) {
		return err
	}
	if err := a.Entra.AddReplyURL(ctx, PortalApplication, a.Portal+"/callback"); err != nil {
		return err
	}
	if err := a.Entra.AddCertificate(ctx, PortalApplication, PortalSubject); err != nil {
		return err
	}
	if a.Empty {
		return nil // the deployer has the vault get the certificates
	}
	if err := a.Vault.EnsureCertificate(ctx, "aro-svc", PortalClientCertificate, PortalSubject, PortalSubject); err != nil {
		return err
	}
	for _, name := range []string{PortalServerCertificate, PortalSSHCertificate} {
		if err := a.Vault.EnsureCertificate(ctx, "aro-svc", name, origin.Hostname(), origin.Hostname()); err != nil {
			return err
		}
	}
	return nil
}
