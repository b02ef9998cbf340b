package deploy

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// The names of what the service vault keeps.
const (
	encryptionKeys        = "encryption-keys"
	serverCertificate     = "rp-server"
	firstPartyCertificate = "rp-firstparty"
	portalCertificate     = "portal-server"
	portalClient          = "portal-client"
	portalSSH             = "portal-ssh" // its key is that of the SSH server
)

const (
	// keySize is that of an encryption key, in bytes.
	keySize = 32
	// grantPatience is how long a role assignment may take to be known to a vault.
	grantPatience = 10 * time.Minute
	hoursOfDay    = 24
	// certificateMonths and renewAt are of certificates: how long they hold, and at which
	// share of that time, in percent, the vault gets the next.
	certificateMonths, renewAt = 12, 70
)

// secrets creates what is missing in the service vault, and a further encryption key if the newest
// is too old. Running processes find new versions themselves.
func (r *rollout) secrets(ctx context.Context) error {
	if r.DryRun {
		r.say("        what the vault lacks is made, and the encryption key rotated after %d days", r.Region.RotateKeysAfter)
		return nil
	}
	vault := r.text("serviceVault")
	keys, err := r.secretsOf(vault)
	if err != nil {
		return err
	}
	if err := r.granted(ctx, func() error { return r.rotate(ctx, keys) }); err != nil {
		return fmt.Errorf("%s: %w", encryptionKeys, err)
	}
	certificates, err := r.certificatesOf(vault)
	if err != nil {
		return err
	}
	wanted := map[string]string{serverCertificate: r.host(), firstPartyCertificate: r.Region.FirstPartySubject}
	if r.Region.PortalClientID != "" {
		wanted[portalCertificate], wanted[portalClient], wanted[portalSSH] = r.portalHost(), r.Region.PortalSubject, r.portalHost()
	}
	for name, host := range wanted {
		if err := r.granted(ctx, func() error { return r.ensureCertificate(ctx, certificates, name, host) }); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// host is the name at which the region serves.
func (r *rollout) host() string { return "rp." + r.Region.Location + "." + r.Region.ServiceDomain }

func (r *rollout) portalHost() string {
	return "portal." + r.Region.Location + "." + r.Region.ServiceDomain
}

// granted repeats a call while the vault does not know the deployer's new role.
func (r *rollout) granted(ctx context.Context, call func() error) error {
	for began := time.Now(); ; {
		err := call()
		if !hasStatus(err, http.StatusForbidden) || time.Since(began) > grantPatience {
			return err
		}
		if err := r.wait(ctx); err != nil {
			return err
		}
	}
}

// rotate puts a new key before those that there are, if there are none or the newest is
// too old. The older keys stay: documents are encrypted with them until they are written.
func (r *rollout) rotate(ctx context.Context, vault *azsecrets.Client) error {
	older := ""
	have, err := vault.GetSecret(ctx, encryptionKeys, "", nil)
	switch {
	case err == nil:
		age := time.Since(*have.Attributes.Created)
		if age < time.Duration(r.Region.RotateKeysAfter)*hoursOfDay*time.Hour {
			return nil
		}
		older = *have.Value
		r.say("        the newest encryption key is %d days old and gets a successor", int(age.Hours()/hoursOfDay))
	case !missing(err):
		return err
	}
	key := make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	_, err = vault.SetSecret(ctx, encryptionKeys, azsecrets.SetSecretParameters{Value: to.Ptr(base64.StdEncoding.EncodeToString(key) + "\n" + older), ContentType: to.Ptr("text/plain")}, nil)
	return err
}

// ensureCertificate has the vault get a certificate, and renew it before it expires.
func (r *rollout) ensureCertificate(ctx context.Context, vault *azcertificates.Client, name, host string) error {
	_, err := vault.GetCertificate(ctx, name, "", nil)
	if err != nil && !missing(err) {
		return err
	}
	if err != nil {
		r.say("        certificate %s for %s", name, host)
		_, err := vault.CreateCertificate(ctx, name, azcertificates.CreateCertificateParameters{CertificatePolicy: &azcertificates.CertificatePolicy{
			IssuerParameters: &azcertificates.IssuerParameters{Name: to.Ptr(r.Region.CertificateIssuer)},
			KeyProperties:    &azcertificates.KeyProperties{Exportable: to.Ptr(true), KeyType: to.Ptr(azcertificates.KeyTypeRSA), KeySize: to.Ptr(int32(2048)), ReuseKey: to.Ptr(false)},
			SecretProperties: &azcertificates.SecretProperties{ContentType: to.Ptr("application/x-pem-file")},
			X509CertificateProperties: &azcertificates.X509CertificateProperties{
				Subject: to.Ptr("CN=" + host), SubjectAlternativeNames: &azcertificates.SubjectAlternativeNames{DNSNames: []*string{to.Ptr(host)}},
				ValidityInMonths: to.Ptr(int32(certificateMonths)), EnhancedKeyUsage: []*string{to.Ptr("1.3.6.1.5.5.7.3.1"), to.Ptr("1.3.6.1.5.5.7.3.2")},
			},
			LifetimeActions: []*azcertificates.LifetimeAction{{Trigger: &azcertificates.LifetimeActionTrigger{LifetimePercentage: to.Ptr(int32(renewAt))},
				Action: &azcertificates.LifetimeActionType{ActionType: to.Ptr(azcertificates.CertificatePolicyActionAutoRenew)}}},
		}}, nil)
		if err != nil {
			return err
		}
	}
	for {
		operation, err := vault.GetCertificateOperation(ctx, name, nil)
		if missing(err) {
			return nil // it was imported
		}
		if err != nil {
			return err
		}
		switch status := *operation.Status; status {
		case "completed":
			return nil
		case "inProgress":
		default:
			return fmt.Errorf("the vault did not get it: %s", status)
		}
		if err := r.wait(ctx); err != nil {
			return err
		}
	}
}
