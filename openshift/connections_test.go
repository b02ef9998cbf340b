package openshift_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/aro-rp/aro/openshift"
)

// TestASlowAnswerKeepsNoOtherWaiting for longer than a second, although requests share a connection.
func TestASlowAnswerKeepsNoOtherWaiting(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	kubeconfig, address, _ := apiServer(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(asked)
			<-release
		}
	}, nil)
	access, err := openshift.ReadKubeconfig(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	api, err := access.Open(address, 2)
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) error {
		res, err := api.Client.Get(api.URL + path)
		if err == nil {
			err = res.Body.Close()
		}
		return err
	}
	slow := make(chan error, 1)
	go func() { slow <- get("/slow") }()
	<-asked
	fast := make(chan error, 1)
	go func() { fast <- get("/fast") }()
	select {
	case err = <-fast:
	case err = <-slow:
		t.Error("the slow request ended first")
	case <-time.After(30 * time.Second):
		t.Error("the other request waits for the slow one")
	}
	if err != nil {
		t.Error(err)
	}
	close(release)
	if err := <-slow; err != nil {
		t.Error(err)
	}
	api.Close()
}
