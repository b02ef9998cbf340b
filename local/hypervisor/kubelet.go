package hypervisor

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/aro-rp/aro/local/hypervisor/pods"
	"github.com/aro-rp/aro/local/platform"
)

const (
	// renewEvery and leaseSeconds are the kubelet's: a node is considered dead when its lease was
	// not renewed for some 50 seconds.
	renewEvery   = 10 * time.Second
	leaseSeconds = int32(40)
	// reportEvery is how often a node repeats a status that did not change.
	reportEvery = time.Minute
	// callTimeout bounds one call of the API server.
	callTimeout = 10 * time.Second
	// farewell is how long a machine that is powered off may take to report it.
	farewell = 2 * time.Second
)

// kubelet is what of a node's agent the cluster can see.
type kubelet struct {
	machine   *machine
	vm        VM
	disk      disk
	boot      string // differs with every boot
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
	stopped   func() bool // distinguishes power off from the end of the host
	programs  pods.Programs
	container []string
	apiServer func() string        // where programs of this machine reach the cluster
	announce  func(address string) // reports the kubelet's address to the host

	version  string // of Kubernetes
	identity identity
	client   kubernetes.Interface
	close    func() // the client's connections
	renewed  time.Time
	reported time.Time
}

func newKubelet(h *Host, m *machine, vm VM, d disk) *kubelet {
	return &kubelet{
		machine: m, vm: vm, disk: d, boot: uuid.NewString(), close: func() {}, version: kubeletVersion(vm.ImageSKU),
		dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			return h.options.Network.Dial(ctx, vm, network, d.Hosts.resolve(address))
		},
		stopped:  func() bool { return h.ctx.Err() == nil },
		programs: h.options.Programs, container: h.options.Container,
		apiServer: func() string { return h.apiServerOf(vm) },
		announce: func(address string) {
			h.mu.Lock()
			defer h.mu.Unlock()
			m.kubelet = address
		},
	}
}

// run joins the cluster and stays a node of it until the machine is powered off.
func (k *kubelet) run(ctx context.Context) {
	defer func() { k.close() }()
	defer k.sayFarewell()
	steps := []struct {
		name string
		do   func(context.Context) error
	}{{"get a certificate", k.identify}, {"register the node", k.register}}
	for _, step := range steps {
		if k.insist(ctx, step.name, step.do) != nil {
			return
		}
	}
	k.machine.log.printf("kubelet: node %s is registered and ready", nodeName(k.vm))
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	stopPods := k.runPods(ctx)
	defer func() { stopPods() }()
	known := k.identity.NotAfter
	for said := ""; ; {
		if !known.Equal(k.identity.NotAfter) { // it has a new certificate
			stopPods()
			stopPods, known = k.runPods(ctx), k.identity.NotAfter
		}
		if err := k.beat(ctx); err != nil && ctx.Err() == nil {
			if line := err.Error(); line != said {
				k.machine.log.printf("kubelet: heartbeat: %v", err)
				said = line
			}
			k.close() // the next call finds its own way
		} else {
			said = ""
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// runPods runs the node's pods, under the node's current name, until it is stopped.
func (k *kubelet) runPods(ctx context.Context) (stop func()) {
	bootstrap, err := k.bootstrapConfig()
	if err != nil { // it was good when the machine joined
		k.machine.log.printf("kubelet: kubeconfig: %v", err)
		return func() {}
	}
	client, closeIdle, err := k.connect(k.identity.config(bootstrap), 0)
	if err != nil {
		k.machine.log.printf("kubelet: %v", err)
		return func() {}
	}
	node := &pods.Node{
		Name: nodeName(k.vm), Address: k.vm.PrivateIP, Client: client, Log: k.machine.log.printf,
		Dir: filepath.Join(k.machine.dir, "pods"), Programs: k.programs, Self: k.container, APIServer: k.apiServer(),
	}
	if k.disk.Role == roleMaster {
		node.Static = platform.Static(node.Name)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer closeIdle()
		var both sync.WaitGroup
		both.Go(func() { node.Run(ctx) })
		both.Go(func() { k.keepServing(ctx, client, node.Handler()) })
		both.Wait()
	}()
	return func() {
		cancel()
		<-done
	}
}

// insist repeats a step, ever slower, until it succeeds or ctx ends.
func (k *kubelet) insist(ctx context.Context, name string, do func(context.Context) error) error {
	begun, said := time.Now(), ""
	for {
		err := do(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if line := err.Error(); line != said {
			k.machine.log.printf("kubelet: cannot %s yet: %v", name, err)
			said = line
		}
		k.close()
		if err := sleep(ctx, pauseSince(begun)); err != nil {
			return err
		}
	}
}

// beat keeps the lease, the certificate and the status of the node fresh.
func (k *kubelet) beat(ctx context.Context) error {
	if k.identity.old(time.Now()) {
		if err := k.identify(ctx); err != nil {
			return err
		}
	}
	if err := k.renew(ctx); err != nil {
		return gone(err)
	}
	// A node that renews late may have been declared dead meanwhile.
	late := !k.renewed.IsZero() && time.Since(k.renewed) > 2*renewEvery
	k.renewed = time.Now()
	if !late && time.Since(k.reported) < reportEvery {
		return nil
	}
	return gone(k.report(ctx, true))
}

// gone words that a machine outlived its node: as a kubelet does, it makes no
// other until it starts again.
func gone(err error) error {
	if apierrors.IsNotFound(err) {
		return errors.New("the node was deleted; this machine registers again when it is restarted")
	}
	return err
}

// sayFarewell lets the cluster know of an orderly power off at once.
func (k *kubelet) sayFarewell() {
	if k.client == nil || !k.stopped() {
		return // it has no node yet, or everything stops
	}
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if err := k.report(ctx, false); err != nil && !apierrors.IsNotFound(err) {
		k.machine.log.printf("kubelet: could not report the power off to the cluster: %v", err)
	}
}

// bootstrapConfig is how the machine reaches the cluster before it has a name there.
func (k *kubelet) bootstrapConfig() (*rest.Config, error) {
	return clientcmd.RESTConfigFromKubeConfig(k.disk.Kubeconfig)
}

// connect makes a client with connections of its own, and a timeout for each call; 0 means none.
// client-go's cache would keep shared connections for ever.
func (k *kubelet) connect(config *rest.Config, timeout time.Duration) (client kubernetes.Interface, closeIdle func(), err error) {
	tlsConfig, err := rest.TLSConfigFor(config)
	if err != nil {
		return nil, nil, err
	}
	if tlsConfig == nil {
		tlsConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	transport := &http.Transport{
		DialContext:         k.dial,
		TLSClientConfig:     tlsConfig,
		TLSHandshakeTimeout: callTimeout,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        2,
		IdleConnTimeout:     3 * renewEvery,
	}
	plain := &rest.Config{
		Host: config.Host, BearerToken: config.BearerToken, Transport: transport,
		UserAgent: "kubelet", Timeout: timeout, QPS: -1,
	}
	client, err = kubernetes.NewForConfig(plain)
	return client, transport.CloseIdleConnections, err
}
