package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/aro-rp/aro/model"
)

// KubeconfigUntil returns a kubeconfig whose certificate expires at that time.
func KubeconfigUntil(t *testing.T, until time.Time) model.Secret {
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
	text, err := clientcmd.Write(clientcmdapi.Config{AuthInfos: map[string]*clientcmdapi.AuthInfo{"u": {
		ClientCertificateData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), ClientKeyData: []byte("k")}}})
	if err != nil {
		t.Fatal(err)
	}
	return model.Secret(text)
}

func TestTheExpiryOfAKubeconfigIsRead(t *testing.T) {
	want := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	if got, known := expiry(KubeconfigUntil(t, want)); !known || !got.Equal(want) {
		t.Errorf("got %v, %v, want %v", got, known, want)
	}
	for _, text := range []model.Secret{"", "kubeconfig", "client-certificate-data: e30="} {
		if _, known := expiry(text); known {
			t.Errorf("%q has an expiry", text)
		}
	}
}
