package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	sdk "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/redhatopenshift/armredhatopenshift"
)

// TestTheSDKGetsARenewedKubeconfig with its own policy of retries, and no more calls of
// its user than one.
func TestTheSDKGetsARenewedKubeconfig(t *testing.T) {
	t.Parallel()
	ctx, options, planes := serveClusters(t)
	expired, fresh := kubeconfig(t, time.Now().Add(-time.Hour)), kubeconfig(t, time.Now().Add(365*24*time.Hour))
	planes.HandOut(expired)
	patient := *options
	patient.Retry, patient.Transport = policy.RetryOptions{}, http.DefaultClient
	hasty, err := sdk.NewOpenShiftClustersClient(subscription, token{}, options)
	if err != nil {
		t.Fatal(err)
	}
	clusters, err := sdk.NewOpenShiftClustersClient(subscription, token{}, &patient)
	if err != nil {
		t.Fatal(err)
	}
	const name = "expired"
	creating, err := hasty.BeginCreateOrUpdate(ctx, group, name, order(name), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := creating.PollUntilDone(ctx, &runtime.PollUntilDoneOptions{Frequency: time.Second}); err != nil {
		t.Fatal(err)
	}
	planes.HandOut(fresh)
	got, err := clusters.ListAdminCredentials(ctx, group, name, nil)
	if err != nil || got.Kubeconfig == nil || *got.Kubeconfig != base64.StdEncoding.EncodeToString([]byte(fresh)) {
		t.Fatalf("the SDK got %v, %v", got, err)
	}
	after, err := clusters.Get(ctx, group, name, nil)
	if err != nil || *after.Properties.ProvisioningState != sdk.ProvisioningStateSucceeded {
		t.Errorf("afterwards the cluster is %v, %v", after.Properties.ProvisioningState, err)
	}
}

// kubeconfig has a certificate that expires then.
func kubeconfig(t *testing.T, until time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	data := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return "apiVersion: v1\nkind: Config\nusers:\n- name: system:admin\n  user:\n    client-certificate-data: " + data + "\n"
}
