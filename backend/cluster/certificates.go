package cluster

import (
	"context"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"

	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/backend/pipeline"
	"github.com/aro-rp/aro/model"
)

// certificateNames are the names in DNS that each certificate of a cluster is for.
func (s *steps) certificateNames(c *model.Cluster) map[string]string {
	domain := s.Env.FullDomain(c.Properties.ClusterProfile.Domain)
	return map[string]string{c.Internal.UID + apiCertificate: "api." + domain, c.Internal.UID + ingressCertificate: "*.apps." + domain}
}

// orderCertificates has the vault ask the issuer for the cluster's certificates.
// They are awaited where they are used: the issuer takes minutes.
func (s *steps) orderCertificates(ctx context.Context, w *pipeline.Work) error {
	vault, err := s.Azure.Certificates(s.Env.ClusterVault, s.vaultCredential())
	if err != nil {
		return err
	}
	for name, dns := range s.certificateNames(w.Cluster()) {
		ordered, err := isOrdered(ctx, vault, name)
		if err != nil {
			return err
		}
		if ordered {
			continue
		}
		if err := s.order(ctx, vault, name, s.certificatePolicy(dns)); err != nil {
			return err
		}
	}
	return nil
}

// isOrdered tells whether a certificate exists or is about to.
func isOrdered(ctx context.Context, vault *azcertificates.Client, name string) (bool, error) {
	operation, err := vault.GetCertificateOperation(ctx, name, nil)
	if err == nil {
		status := strings.ToLower(deref(operation.Status))
		return status == "inprogress" || status == "completed", nil
	}
	if !azure.NotFound(err) {
		return false, err
	}
	_, err = vault.GetCertificate(ctx, name, "", nil)
	if azure.NotFound(err) {
		return false, nil
	}
	return err == nil, err
}

const (
	maxCommonName       = 64 // X.509
	validMonths         = 3
	renewDaysBeforeDead = 30
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
func (s *steps) removeCertificates(ctx context.Context, w *pipeline.Work) error {
	vault, err := s.Azure.Certificates(s.Env.ClusterVault, s.vaultCredential())
	if err != nil {
		return err
	}
	for name := range s.certificateNames(w.Cluster()) {
		if _, err := vault.DeleteCertificate(ctx, name, nil); err != nil && !azure.NotFound(err) {
			return err
		}
	}
	return nil
}
