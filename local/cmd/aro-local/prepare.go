package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"

	"github.com/aro-rp/aro/local/azure"
)

// firstPartyCertificate is the name under which the service looks for the
// certificate of its first party application.
const firstPartyCertificate = "rp-firstparty"

// prepareTimeout bounds what is done before the provider starts.
const prepareTimeout = 30 * time.Second

// prepare has what a deployment of the service makes in Azure: the certificate
// of its first party application. Azure must be served.
func (c runCommand) prepare(ctx context.Context, l *localCloud) error {
	ctx, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()
	certificates, err := c.certificates(l)
	if err != nil {
		return err
	}
	_, err = certificates.GetCertificate(ctx, firstPartyCertificate, "", nil)
	var refused *azcore.ResponseError
	if err == nil || !errors.As(err, &refused) || refused.StatusCode != http.StatusNotFound {
		return err
	}
	_, err = certificates.CreateCertificate(ctx, firstPartyCertificate, azcertificates.CreateCertificateParameters{CertificatePolicy: &azcertificates.CertificatePolicy{
		IssuerParameters:          &azcertificates.IssuerParameters{Name: to.Ptr("OneCertV2-PrivateCA")},
		KeyProperties:             &azcertificates.KeyProperties{KeyType: to.Ptr(azcertificates.KeyTypeRSA), KeySize: to.Ptr[int32](2048), Exportable: to.Ptr(true)},
		SecretProperties:          &azcertificates.SecretProperties{ContentType: to.Ptr("application/x-pem-file")},
		X509CertificateProperties: &azcertificates.X509CertificateProperties{Subject: to.Ptr("CN=" + azure.FirstPartySubject), SubjectAlternativeNames: &azcertificates.SubjectAlternativeNames{DNSNames: []*string{to.Ptr(azure.FirstPartySubject)}}, ValidityInMonths: to.Ptr[int32](24)},
	}}, nil)
	if err != nil {
		return err
	}
	return issued(ctx, certificates)
}

// issued waits until the certificate is there.
func issued(ctx context.Context, certificates *azcertificates.Client) error {
	for {
		operation, err := certificates.GetCertificateOperation(ctx, firstPartyCertificate, nil)
		if err != nil {
			return err
		}
		if operation.Status != nil && *operation.Status == "completed" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("certificate %s: %w", firstPartyCertificate, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// certificates reaches the service's vault as the service.
func (c runCommand) certificates(l *localCloud) (*azcertificates.Client, error) {
	client := azcore.ClientOptions{
		Transport: l.azure.Client(),
		Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: c.origin(), Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
			cloud.ResourceManager: {Endpoint: c.origin(), Audience: c.origin()},
		}},
	}
	credential, err := azidentity.NewClientSecretCredential(l.identity.TenantID, l.identity.ClientID, l.identity.ClientSecret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: client, DisableInstanceDiscovery: true})
	if err != nil {
		return nil, err
	}
	return azcertificates.NewClient(c.origin()+"/vaults/aro-svc", credential,
		&azcertificates.ClientOptions{ClientOptions: client, DisableChallengeResourceVerification: true})
}
