package admin_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/aro-rp/aro/access"
	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/test/edge"
	"github.com/aro-rp/aro/test/harness"
)

// certified has a key, as the portal's certificates do.
func certified(t *testing.T) func(context.Context) (*tls.Certificate, error) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return func(context.Context) (*tls.Certificate, error) {
		return &tls.Certificate{Certificate: [][]byte{[]byte("der")}, PrivateKey: key}, nil
	}
}

func TestAdminGivesOutWaysThroughThePortal(t *testing.T) {
	t.Parallel()
	issuer := &access.Issuer{Origin: "https://portal.example.com", Certificate: certified(t), SSHAddress: "portal.example.com:22", SSHKey: certified(t)}
	w := newFixture(t, func(o *edge.Options) { o.Portal = issuer })
	cluster := "/admin" + w.Ready(harness.Newest, "shop").String()
	for path, elevated := range map[string]bool{"/kubeconfig/new": false, "/kubeconfig/newelevated": true} {
		r := w.Want(200, w.Send("POST", cluster+path, "", nil, "X-Ms-Client-Principal-Name", "ann@example.com"))
		config, err := clientcmd.Load(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		if server := config.Clusters["cluster"].Server; !strings.HasPrefix(server, "https://portal.example.com/subscriptions/") || !strings.HasSuffix(server, "/kubeconfig/proxy") {
			t.Errorf("%s leads to %s", path, server)
		}
		found, err := issuer.Find(t.Context(), config.AuthInfos["user"].Token, model.PortalKubeconfig)
		if err != nil || found == nil || found.Elevated != elevated || found.Username != "ann@example.com" {
			t.Errorf("%s is good for %+v, %v", path, found, err)
		}
	}
	r := w.Want(200, w.Send("POST", cluster+"/ssh/newelevated", "", harness.Object{"master": 2}, "X-Ms-Client-Principal-Name", "ann@example.com"))
	if command := r.Text("command"); !strings.Contains(command, "-p 22 ann@portal.example.com") || !strings.Contains(command, "echo 'portal.example.com ecdsa-sha2-nistp256 ") {
		t.Errorf("the command is %s", command)
	}
	found, err := issuer.Redeem(t.Context(), r.Text("password"), model.PortalSSH, func(*model.PortalAccess) bool { return true })
	if err != nil || found == nil || found.Master != 2 {
		t.Errorf("the password is good for %+v, %v", found, err)
	}
	for what, body := range map[string]any{"{}": harness.Object{}, "3": harness.Object{"master": 3}, "-1": harness.Object{"master": -1}} {
		if r := w.WantError(arm.InvalidParameter, w.Send("POST", cluster+"/ssh/newelevated", "", body)); r.Text("error.target") != "master" {
			t.Errorf("%s: %s", what, r.Body)
		}
	}
	w.WantError(arm.ResourceNotFound, w.Send("POST", "/admin"+edge.ClusterID("absent").String()+"/kubeconfig/new", "", nil))
}

func TestAdminWithoutAPortalSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	cluster := "/admin" + w.Ready(harness.Newest, "shop").String()
	for path, body := range map[string]any{"/kubeconfig/new": nil, "/kubeconfig/newelevated": nil, "/ssh/newelevated": harness.Object{"master": 0}} {
		w.WantError(arm.RequestNotAllowed, w.Send("POST", cluster+path, "", body))
	}
}
