package cluster

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/model"
)

// certificateNames are the names in DNS that each certificate of a cluster is for.
func (s *steps) certificateNames(c *model.Cluster) map[string]string {
	domain := s.Env.FullDomain(c.Properties.ClusterProfile.Domain)
	return map[string]string{c.Internal.UID + apiCertificate: "api." + domain, c.Internal.UID + ingressCertificate: "*.apps." + domain}
}

// orderCertificates has the vault ask the issuer for the cluster's certificates
// that are missing, or will not serve for much longer although the vault was to
// renew them. They are awaited where they are used: the issuer takes minutes.
func (s *steps) orderCertificates(ctx context.Context, w *Work) error {
	vault, err := s.Azure.Certificates(s.Env.ClusterVault, s.vaultCredential())
	if err != nil {
		return err
	}
	for name, dns := range s.certificateNames(w.Resource()) {
		ordered, err := s.isOrdered(ctx, vault, name)
		if err != nil {
			return err
		}
		if ordered {
			continue
		}
		err = s.order(ctx, vault, name, s.certificatePolicy(dns))
		if azure.Conflict(err) {
			err = s.reclaim(ctx, w, vault, name, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isOrdered reports whether a certificate is about to be issued, or has been and
// lasts.
func (s *steps) isOrdered(ctx context.Context, vault *azcertificates.Client, name string) (bool, error) {
	operation, err := vault.GetCertificateOperation(ctx, name, nil)
	if err == nil && arm.EqualFold(deref(operation.Status), "inProgress") {
		return true, nil
	}
	if err != nil && !azure.NotFound(err) {
		return false, err
	}
	newest, err := vault.GetCertificate(ctx, name, "", nil)
	if azure.NotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	a := newest.Attributes
	return a != nil && a.Expires != nil && (a.Enabled == nil || *a.Enabled) && s.Now().Add(orderBeforeDead).Before(*a.Expires), nil
}

// reclaim makes the name of a certificate free that was deleted in the vault, which
// keeps it: the certificate is recovered or, without the right to do that, purged.
// refusal is what the vault said to the order.
func (s *steps) reclaim(ctx context.Context, w *Work, vault *azcertificates.Client, name string, refusal error) error {
	_, err := vault.GetDeletedCertificate(ctx, name, nil)
	if azure.NotFound(err) { // it is on its way back, or something else is in the way
		return refusal
	}
	if err != nil {
		return err
	}
	again := "the deleted certificate " + name + " to be recovered"
	_, err = vault.RecoverDeletedCertificate(ctx, name, nil)
	if azure.Forbidden(err) {
		again = "the deleted certificate " + name + " to be purged"
		_, err = vault.PurgeDeletedCertificate(ctx, name, nil)
	}
	switch {
	case azure.Forbidden(err):
		return arm.ComponentNotReady.Errorf("The certificate %q was deleted in the vault, which keeps its name, and the service may neither recover nor purge it. "+
			"Those who run the service have to do either, or give it the right to.", name).Because(err)
	case err != nil && !azure.NotFound(err) && !azure.Conflict(err):
		return err
	}
	return later(w, again)
}

const (
	maxCommonName       = 64 // X.509
	validMonths         = 3
	renewDaysBeforeDead = 30
	// orderBeforeDead is when a renewal by the vault has failed, so that an update
	// orders the certificate anew.
	orderBeforeDead = 14 * 24 * time.Hour
	// servesAtLeast is how long a certificate must last that is put into a cluster.
	servesAtLeast = 24 * time.Hour
	// clockSkew is by how much clocks of the issuer and the service may differ.
	clockSkew = 10 * time.Minute
)

func (s *steps) certificatePolicy(dns string) *azcertificates.CertificatePolicy {
	common := dns
	if len(common) > maxCommonName {
		common = "reserved." + s.Env.Domain
	}
	return &azcertificates.CertificatePolicy{
		IssuerParameters: &azcertificates.IssuerParameters{Name: &s.Env.CertificateIssuer},
		KeyProperties: &azcertificates.KeyProperties{
			Exportable: new(true), KeyType: new(azcertificates.KeyTypeRSA), KeySize: new(int32(2048)), ReuseKey: new(false),
		},
		SecretProperties: &azcertificates.SecretProperties{ContentType: new("application/x-pem-file")},
		X509CertificateProperties: &azcertificates.X509CertificateProperties{
			Subject:                 new("CN=" + common),
			SubjectAlternativeNames: &azcertificates.SubjectAlternativeNames{DNSNames: []*string{&dns}},
			EnhancedKeyUsage:        []*string{new("1.3.6.1.5.5.7.3.1")},
			KeyUsage:                []*azcertificates.KeyUsageType{new(azcertificates.KeyUsageTypeDigitalSignature), new(azcertificates.KeyUsageTypeKeyEncipherment)},
			ValidityInMonths:        new(int32(validMonths)),
		},
		LifetimeActions: []*azcertificates.LifetimeAction{{
			Action:  &azcertificates.LifetimeActionType{ActionType: new(azcertificates.CertificatePolicyActionAutoRenew)},
			Trigger: &azcertificates.LifetimeActionTrigger{DaysBeforeExpiry: new(int32(renewDaysBeforeDead))},
		}},
	}
}

// removeCertificates takes the certificates out of the vault.
func (s *steps) removeCertificates(ctx context.Context, w *Work) error {
	vault, err := s.Azure.Certificates(s.Env.ClusterVault, s.vaultCredential())
	if err != nil {
		return err
	}
	for name := range s.certificateNames(w.Resource()) {
		if _, err := vault.DeleteCertificate(ctx, name, nil); err != nil && !azure.NotFound(err) {
			return err
		}
	}
	return nil
}
