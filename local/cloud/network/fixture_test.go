package network

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"

	"github.com/aro-rp/aro/local/cloud/resources"
	"github.com/aro-rp/aro/local/cloud/state"
)

const (
	customer = "00000000-0000-0000-0000-0000000000a1"
	provider = "00000000-0000-0000-0000-0000000000a0"
	group    = "net"
	location = "eastus"
)

// fixture is a network with the official clients of its customer, and with machines
// that are listeners of this process.
type fixture struct {
	*armnetwork.ClientFactory
	t       *testing.T
	path    string
	engine  *resources.Engine
	network *Network
	fleet   *fleet
	log     lines
	public  netip.Prefix // of this test alone
	private netip.Prefix // of its private endpoints
	close   func()
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	w := &fixture{t: t, path: filepath.Join(t.TempDir(), "state.db"), fleet: &fleet{ports: map[string]string{}}}
	own := func() netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{127, byte(128 + rand.IntN(100)), byte(rand.IntN(256)), 0}), 24)
	}
	w.public, w.private = own(), own()
	w.open()
	for _, subscription := range []string{customer, provider} {
		w.create("/subscriptions/"+subscription, object{})
		w.create("/subscriptions/"+subscription+"/resourceGroups/"+group, object{"location": location})
	}
	return w
}

// open starts the engine on what is kept, and the data plane.
func (w *fixture) open() {
	w.t.Helper()
	db, err := state.Open(w.path)
	w.must(err)
	w.engine = resources.New(resources.Options{State: db, Origin: "https://localhost:8443", Grace: 5 * time.Second})
	w.network = New(w.engine, slog.New(slog.NewTextHandler(&w.log, nil)))
	w.network.Public = w.public
	w.must(w.engine.Start(context.Background()))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.network.Run(ctx, w.fleet)
	}()
	engine := w.engine
	w.close = sync.OnceFunc(func() {
		cancel()
		<-done
		engine.Close()
		_ = db.Close()
	})
	w.t.Cleanup(w.close)
	w.ClientFactory = w.clients(customer)
}

// clients are the SDK's of a subscription.
func (w *fixture) clients(subscription string) *armnetwork.ClientFactory {
	w.t.Helper()
	factory, err := armnetwork.NewClientFactory(subscription, anyToken{}, w.options())
	w.must(err)
	return factory
}

func (w *fixture) options() *arm.ClientOptions {
	return &arm.ClientOptions{DisableRPRegistration: true, ClientOptions: policy.ClientOptions{
		Transport: wire{w.engine}, Retry: policy.RetryOptions{MaxRetries: -1}, InsecureAllowCredentialWithHTTP: true,
	}}
}

func (w *fixture) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *fixture) create(path string, body object) *resources.Resource {
	w.t.Helper()
	r, err := w.engine.Create(context.Background(), path, body)
	w.must(err)
	return r
}

// refused wants an error of ARM with that code.
func (w *fixture) refused(err error, code string) {
	w.t.Helper()
	var refusal *azcore.ResponseError
	if !errors.As(err, &refusal) || refusal.ErrorCode != code {
		w.t.Errorf("got %v, want a refusal with code %s", err, code)
	}
}

// finish waits for a poller of the SDK.
func finish[T any](poller *runtime.Poller[T], err error) (T, error) {
	if err != nil {
		return *new(T), err
	}
	return poller.PollUntilDone(context.Background(), &runtime.PollUntilDoneOptions{Frequency: 10 * time.Millisecond})
}

// done is finish for who expects no error.
func done[T any](w *fixture, poller *runtime.Poller[T], err error) T {
	w.t.Helper()
	result, err := finish(poller, err)
	w.must(err)
	return result
}

// wire carries requests of the SDK to the engine.
type wire struct{ engine *resources.Engine }

func (x wire) Do(r *http.Request) (*http.Response, error) {
	call := &resources.Call{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header}
	if r.Body != nil {
		content, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if len(content) > 0 {
			if err := json.Unmarshal(content, &call.Body); err != nil {
				return nil, err
			}
		}
	}
	var status int
	header, body := http.Header{}, any(nil)
	answer, err := x.engine.Serve(r.Context(), call)
	if err != nil {
		refusal := resources.AsError(err)
		status, body = refusal.Status, object{"error": refusal}
	} else {
		status, body = answer.Status, answer.Body
		if answer.Header != nil {
			header = answer.Header
		}
	}
	header.Set("Content-Type", "application/json")
	content, err := json.Marshal(body)
	if body == nil {
		content = nil
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(content)), Request: r}, err
}

type anyToken struct{}

func (anyToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "t", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// fleet are machines whose ports are listeners of this process.
type fleet struct {
	mu    sync.Mutex
	ports map[string]string // "id:port" in lower case
}

func (f *fleet) Dial(ctx context.Context, id string, port int) (net.Conn, error) {
	f.mu.Lock()
	address := f.ports[resources.Key(id)+":"+strconv.Itoa(port)]
	f.mu.Unlock()
	if address == "" {
		return nil, errNobody
	}
	return new(net.Dialer).DialContext(ctx, "tcp", address)
}

// serve makes a machine answer a port with its name.
func (f *fleet) serve(t *testing.T, id string, port int) (stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, nameOf(id))
			_ = conn.Close()
		}
	}()
	key := resources.Key(id) + ":" + strconv.Itoa(port)
	f.mu.Lock()
	f.ports[key] = listener.Addr().String()
	f.mu.Unlock()
	stop = sync.OnceFunc(func() {
		f.mu.Lock()
		delete(f.ports, key)
		f.mu.Unlock()
		_ = listener.Close()
	})
	t.Cleanup(stop)
	return stop
}

// says is what the address answers, empty if it does not answer.
func says(address string) string {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return ""
	}
	return heard(conn)
}

func heard(conn net.Conn) string {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	content, _ := io.ReadAll(conn)
	return string(content)
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// vnet makes 10.0.0.0/16 with the subnets a (10.0.0.0/24) and tiny (10.0.1.0/29).
func (w *fixture) vnet() (a, tiny *armnetwork.Subnet) {
	w.t.Helper()
	subnet := func(name, prefix string) *armnetwork.Subnet {
		return &armnetwork.Subnet{Name: to.Ptr(name), Properties: &armnetwork.SubnetPropertiesFormat{AddressPrefix: to.Ptr(prefix)}}
	}
	poller, err := w.NewVirtualNetworksClient().BeginCreateOrUpdate(context.Background(), group, "vnet", armnetwork.VirtualNetwork{
		Location: to.Ptr(location),
		Properties: &armnetwork.VirtualNetworkPropertiesFormat{
			AddressSpace: &armnetwork.AddressSpace{AddressPrefixes: []*string{to.Ptr("10.0.0.0/16")}},
			Subnets:      []*armnetwork.Subnet{subnet("a", "10.0.0.0/24"), subnet("tiny", "10.0.1.0/29")},
		},
	}, nil)
	made := done(w, poller, err)
	return made.Properties.Subnets[0], made.Properties.Subnets[1]
}

// nic makes an interface in a subnet and in pools.
func (w *fixture) nic(name string, subnet *string, pools ...*armnetwork.BackendAddressPool) *armnetwork.Interface {
	w.t.Helper()
	poller, err := w.NewInterfacesClient().BeginCreateOrUpdate(context.Background(), group, name, nicIn(subnet, pools...), nil)
	made := done(w, poller, err)
	return &made.Interface
}

func nicIn(subnet *string, pools ...*armnetwork.BackendAddressPool) armnetwork.Interface {
	return armnetwork.Interface{Location: to.Ptr(location), Properties: &armnetwork.InterfacePropertiesFormat{
		IPConfigurations: []*armnetwork.InterfaceIPConfiguration{{Name: to.Ptr("ip"), Properties: &armnetwork.InterfaceIPConfigurationPropertiesFormat{
			Subnet: &armnetwork.Subnet{ID: subnet}, LoadBalancerBackendAddressPools: pools,
		}}},
	}}
}

// machine is a virtual machine as far as networks see one.
func (w *fixture) machine(name string, nic *armnetwork.Interface) (id string) {
	w.t.Helper()
	r := w.create("/subscriptions/"+customer+"/resourceGroups/"+group+"/providers/"+virtualMachines+"/"+name, object{
		"location": location, "properties": object{"networkProfile": object{"networkInterfaces": []any{object{"id": *nic.ID}}}},
	})
	w.network.Changed()
	return r.ID
}

func (w *fixture) publicIP(name string) *armnetwork.PublicIPAddress {
	w.t.Helper()
	poller, err := w.NewPublicIPAddressesClient().BeginCreateOrUpdate(context.Background(), group, name, armnetwork.PublicIPAddress{
		Location: to.Ptr(location), SKU: &armnetwork.PublicIPAddressSKU{Name: to.Ptr(armnetwork.PublicIPAddressSKUNameStandard)},
		Properties: &armnetwork.PublicIPAddressPropertiesFormat{PublicIPAllocationMethod: to.Ptr(armnetwork.IPAllocationMethodStatic)},
	}, nil)
	made := done(w, poller, err)
	return &made.PublicIPAddress
}

// balancer makes one with a frontend, a pool, and a rule 6443 to 6443.
func (w *fixture) balancer(name string, frontend *armnetwork.FrontendIPConfigurationPropertiesFormat) *armnetwork.LoadBalancer {
	w.t.Helper()
	made, err := w.tryBalancer(name, frontend, 6443)
	w.must(err)
	return made
}

func (w *fixture) tryBalancer(name string, frontend *armnetwork.FrontendIPConfigurationPropertiesFormat, ports ...int32) (*armnetwork.LoadBalancer, error) {
	id := "/subscriptions/" + customer + "/resourceGroups/" + group + "/providers/" + loadBalancers + "/" + name
	sub := func(path string) *armnetwork.SubResource { return &armnetwork.SubResource{ID: to.Ptr(id + path)} }
	balancer := armnetwork.LoadBalancer{
		Location: to.Ptr(location), SKU: &armnetwork.LoadBalancerSKU{Name: to.Ptr(armnetwork.LoadBalancerSKUNameStandard)},
		Properties: &armnetwork.LoadBalancerPropertiesFormat{
			FrontendIPConfigurations: []*armnetwork.FrontendIPConfiguration{{Name: to.Ptr("front"), Properties: frontend}},
			BackendAddressPools:      []*armnetwork.BackendAddressPool{{Name: to.Ptr("pool")}},
			Probes: []*armnetwork.Probe{{Name: to.Ptr("probe"), Properties: &armnetwork.ProbePropertiesFormat{
				Port: to.Ptr[int32](6443), Protocol: to.Ptr(armnetwork.ProbeProtocolHTTPS), RequestPath: to.Ptr("/readyz")}}},
		},
	}
	for _, port := range ports {
		balancer.Properties.LoadBalancingRules = append(balancer.Properties.LoadBalancingRules, &armnetwork.LoadBalancingRule{
			Name: to.Ptr("rule-" + strconv.Itoa(len(balancer.Properties.LoadBalancingRules))), Properties: &armnetwork.LoadBalancingRulePropertiesFormat{
				FrontendIPConfiguration: sub("/frontendIPConfigurations/front"), BackendAddressPool: sub("/backendAddressPools/pool"), Probe: sub("/probes/probe"),
				Protocol: to.Ptr(armnetwork.TransportProtocolTCP), FrontendPort: to.Ptr(port), BackendPort: to.Ptr[int32](6443),
			},
		})
	}
	poller, err := w.NewLoadBalancersClient().BeginCreateOrUpdate(context.Background(), group, name, balancer, nil)
	made, err := finish(poller, err)
	return &made.LoadBalancer, err
}

func inSubnet(id *string) *armnetwork.FrontendIPConfigurationPropertiesFormat {
	return &armnetwork.FrontendIPConfigurationPropertiesFormat{Subnet: &armnetwork.Subnet{ID: id}}
}

func withPublic(ip *armnetwork.PublicIPAddress) *armnetwork.FrontendIPConfigurationPropertiesFormat {
	return &armnetwork.FrontendIPConfigurationPropertiesFormat{PublicIPAddress: &armnetwork.PublicIPAddress{ID: ip.ID}}
}

// lines are what was logged, for any goroutine.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
