package openshift_test

import (
	"testing"
	"time"

	"github.com/aro-rp/aro/openshift"
)

// BenchmarkOpen is Open with a kubeconfig as the service issues it.
func BenchmarkOpen(b *testing.B) {
	signer := newAuthority(b, time.Now().Add(365*24*time.Hour))
	issuer, err := openshift.NewIssuer(installers(b, signer, "6443"), signer.pair(), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	kubeconfig, err := issuer.Service()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		api, err := openshift.Open(kubeconfig, "127.0.0.1")
		if err != nil {
			b.Fatal(err)
		}
		api.Close()
	}
}
