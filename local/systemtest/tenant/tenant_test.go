package tenant

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aro-rp/aro/azure/login"
	"github.com/aro-rp/aro/local/cloud"
	"github.com/aro-rp/aro/local/cloud/compute"
	"github.com/aro-rp/aro/local/cloud/network"
	"github.com/aro-rp/aro/local/customer"
)

const (
	limit = 4 * time.Minute
	grace = 20 * time.Second
)

// place is an Azure in this process, and the service as a program before it.
type place struct {
	*testing.T
	*cloud.Azure
	dir, provider string
}

// withoutMachines adds networks that carry nothing, and the rules of machines that
// the test does not start.
func withoutMachines(_ context.Context, a *cloud.Azure) error {
	wires := network.New(a.Engine, slog.New(slog.DiscardHandler))
	compute.New(compute.Options{Engine: a.Engine, Watch: wires.Watch, Origin: a.Origin, Offered: a.SizeOffered, Log: slog.New(slog.DiscardHandler)})
	return nil
}

// free is a port of loopback that is free now.
func free(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func start(t *testing.T) *place {
	t.Helper()
	listener, reserved := free(t), free(t)
	p := &place{T: t, dir: t.TempDir(), provider: reserved.Addr().String()}
	_ = reserved.Close()
	origin := fmt.Sprintf("https://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	azure, err := cloud.New(t.Context(), cloud.Options{Dir: filepath.Join(p.dir, "azure"), Origin: origin, RPAddress: p.provider, Unlimited: true,
		Plug: []func(context.Context, *cloud.Azure) error{withoutMachines}})
	if err != nil {
		t.Fatal(err)
	}
	p.Azure = azure
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- azure.Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		azure.Close()
	})
	p.startProvider()
	return p
}

func (p *place) startProvider() {
	p.Helper()
	bin, err := filepath.Abs(filepath.Join("..", "..", "..", "bin"))
	if err != nil {
		p.Fatal(err)
	}
	credentials, err := p.Credentials()
	if err != nil {
		p.Fatal(err)
	}
	vault := func(name string) string { return p.Origin + "/vaults/" + name }
	command := exec.Command(filepath.Join(bin, "aro"), "rp", "--listen", p.provider, "--store", "sqlite:"+filepath.Join(p.dir, "aro.db"),
		"--cloud", p.Origin, "--ca-file", p.authority(), "--installer", filepath.Join(bin, "aro-installer"), "--tenant", cloud.TenantID,
		"--subscription", cloud.ServiceSubscription, "--resource-group", cloud.ServiceGroup, "--location", "eastus", "--domain", "eastus.aroapp.test",
		"--client-id", credentials.Service.ClientID, "--first-party-client-id", cloud.FirstPartyApplication,
		"--service-vault", vault("aro-svc"), "--cluster-vault", vault("aro-cls"), "--identity-vault", vault("aro-msi"),
		"--oidc-storage", p.Origin+"/blob/aroidc/$web", "--oidc-issuer", p.Origin+"/blob/aroidc/$web")
	command.Env = append(os.Environ(), "ARO_CLIENT_SECRET="+credentials.Service.ClientSecret, `ARO_PULL_SECRET={"auths":{"r.io":{"auth":"bm9ib2R5Om5vdGhpbmc="}}}`)
	log, err := os.Create(filepath.Join(p.dir, "aro.log"))
	if err != nil {
		p.Fatal(err)
	}
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		p.Fatalf("%v; make build makes the programs", err)
	}
	p.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		time.AfterFunc(grace, func() { _ = command.Process.Kill() })
		_ = command.Wait()
		_ = log.Close()
		if text, err := os.ReadFile(log.Name()); err == nil && p.Failed() {
			p.Logf("the service ended its log with\n%s", text[max(0, len(text)-8000):])
		}
	})
	p.eventually("the service is ready", func() bool {
		answer, err := http.Get("http://" + p.provider + "/healthz/ready")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

func (p *place) authority() string { return filepath.Join(p.dir, "azure", "ca.pem") }

func (p *place) eventually(what string, done func() bool) {
	p.Helper()
	for deadline := time.Now().Add(limit); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.Fatalf("not within %s: %s", limit, what)
		}
	}
}

// customer has tokens of the tenant.
func (p *place) customer(tenant string) *customer.Customer {
	p.Helper()
	credentials, err := p.Credentials()
	if err != nil {
		p.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{"tenantId": tenant, "subscriptionId": cloud.CustomerSubscription,
		"clientId": credentials.Demo.ClientID, "clientSecret": credentials.Demo.ClientSecret})
	if err != nil {
		p.Fatal(err)
	}
	file := filepath.Join(p.TempDir(), "identity.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		p.Fatal(err)
	}
	session, err := login.Flags{Cloud: p.Origin, CA: p.authority(), Identity: file}.Open(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	c, err := customer.New(session, io.Discard, "%s")
	if err != nil {
		p.Fatal(err)
	}
	return c
}

// TestAHalfMadeClusterIsDeletedAfterItsSubscriptionMoved to a tenant in which the
// tokens of the former one are good for nothing.
func TestAHalfMadeClusterIsDeletedAfterItsSubscriptionMoved(t *testing.T) {
	p := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	// The first deployment is refused: until then there are roles, a group and names.
	if _, err := p.SetFault(ctx, cloud.Fault{Name: "no deployments", Match: cloud.FaultMatch{Method: "PUT", Type: "Microsoft.Resources/deployments"},
		Action: cloud.FaultAction{Kind: "policyDenied"}}); err != nil {
		t.Fatal(err)
	}
	former := p.customer(cloud.TenantID)
	order := customer.Create{Target: customer.Target{Name: "moved"}, Location: "eastus", Workers: 3, MasterSize: "Standard_D8s_v5", WorkerSize: "Standard_D4s_v5"}
	if err := order.Check(); err != nil {
		t.Fatal(err)
	}
	if err := former.Create(ctx, order); err == nil || !strings.Contains(err.Error(), "RequestDisallowedByPolicy") {
		t.Fatalf("the creation ended with %v", err)
	}
	if err := p.ClearFaults(ctx); err != nil {
		t.Fatal(err)
	}
	if err := p.MoveSubscription(ctx, cloud.CustomerSubscription, cloud.OtherTenantID); err != nil {
		t.Fatal(err)
	}
	if err := former.Delete(ctx, order.Target); err == nil || !strings.Contains(err.Error(), "InvalidAuthenticationTokenTenant") {
		t.Errorf("the former tenant's token got %v", err)
	}
	if err := p.customer(cloud.OtherTenantID).Delete(ctx, order.Target); err != nil {
		t.Fatalf("delete: %v", err)
	}
	left, err := p.Engine.Below(ctx, "/subscriptions/"+cloud.CustomerSubscription, "Microsoft.Resources/resourceGroups")
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range left {
		t.Errorf("the group %s is left", group.Name)
	}
}
