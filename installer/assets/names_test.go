package assets_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// The names of a cluster are looked up in a real dnsmasq that runs the file of
// the ignition, before name servers of the network that behave in four ways.

const (
	ofTheCluster = "demo.eastus.aroapp.test"
	httpsRecord  = dnsmessage.Type(65)
	// prompt bounds a response that needs no upstream on a busy machine; a
	// resolver without a response waits five seconds.
	prompt = 2 * time.Second
)

// upstream is a name server of the customer's network.
type upstream struct {
	socket net.PacketConn
	does   func(q dnsmessage.Question) (rcode dnsmessage.RCode, answers bool, silent bool)

	mu    sync.Mutex
	asked []string
}

func newUpstream(t *testing.T, does string) *upstream {
	t.Helper()
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &upstream{socket: socket}
	switch does {
	case "answers":
		u.does = func(q dnsmessage.Question) (dnsmessage.RCode, bool, bool) {
			return dnsmessage.RCodeSuccess, q.Type == dnsmessage.TypeA, false
		}
	case "SERVFAIL":
		u.does = func(dnsmessage.Question) (dnsmessage.RCode, bool, bool) {
			return dnsmessage.RCodeServerFailure, false, false
		}
	case "REFUSED":
		u.does = func(dnsmessage.Question) (dnsmessage.RCode, bool, bool) { return dnsmessage.RCodeRefused, false, false }
	default:
		u.does = func(dnsmessage.Question) (dnsmessage.RCode, bool, bool) { return 0, false, true }
	}
	t.Cleanup(func() { _ = socket.Close() })
	go u.serve()
	return u
}

func (u *upstream) serve() {
	buffer := make([]byte, 4096)
	for {
		n, from, err := u.socket.ReadFrom(buffer)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		q := m.Questions[0]
		u.mu.Lock()
		u.asked = append(u.asked, q.Name.String())
		u.mu.Unlock()
		rcode, answers, silent := u.does(q)
		if silent {
			continue
		}
		reply := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionDesired: true, RecursionAvailable: true, RCode: rcode}, Questions: m.Questions}
		if answers {
			reply.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60},
				Body: &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}}}
		}
		if text, err := reply.Pack(); err == nil {
			_, _ = u.socket.WriteTo(text, from)
		}
	}
}

// heard returns the names of the cluster for which it was queried.
func (u *upstream) heard() (names []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, name := range u.asked {
		if strings.HasSuffix(name, ofTheCluster+".") {
			names = append(names, name)
		}
	}
	return names
}

// dnsmasqProgram finds the program, or gets it as the checks of the API's page get
// their browser.
func dnsmasqProgram(t *testing.T) string {
	t.Helper()
	find := func() string {
		for _, path := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin") {
			if path = filepath.Join(path, "dnsmasq"); exec.Command(path, "--version").Run() == nil {
				return path
			}
		}
		return ""
	}
	if path := find(); path != "" {
		return path
	}
	if _, err := exec.LookPath("apt-get"); err != nil || os.Getuid() != 0 {
		t.Fatal("there is no dnsmasq: install it, such as by 'sudo apt-get install dnsmasq-base'")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for _, command := range []string{"apt-get -qq update", "apt-get -qq install -y --no-install-recommends dnsmasq-base"} {
		parts := strings.Fields(command)
		cmd := exec.CommandContext(ctx, parts[0], parts[1:]...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("there is no dnsmasq, and %q fails: %v: %s", command, err, out)
		}
	}
	return find()
}

// nameServer runs dnsmasq with the file of the ignition, and returns its address.
// It changes only the address, the upstream servers and the user.
func nameServer(t *testing.T, program, config string, upstreams ...*upstream) string {
	t.Helper()
	free, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.LocalAddr().String()
	_, port, _ := net.SplitHostPort(address)
	_ = free.Close()

	var lines []string
	for line := range strings.Lines(config) {
		switch name, _, _ := strings.Cut(strings.TrimSpace(line), "="); name {
		case "resolv-file":
			lines = append(lines, "no-resolv\n")
			for _, u := range upstreams {
				_, port, _ := net.SplitHostPort(u.socket.LocalAddr().String())
				lines = append(lines, "server=127.0.0.1#"+port+"\n")
			}
		case "user", "group":
		default:
			lines = append(lines, line)
		}
	}
	file := filepath.Join(t.TempDir(), "dnsmasq.conf")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "")), 0o644); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	cmd := exec.CommandContext(t.Context(), program, "--keep-in-foreground", "--conf-file="+file, "--port="+port, "--listen-address=127.0.0.1",
		"--bind-interfaces", "--pid-file=", "--log-facility=-", "--user=", "--group=")
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for deadline := time.Now().Add(20 * time.Second); ; {
		if _, err := ask(address, "api."+ofTheCluster+".", dnsmessage.TypeA, 200*time.Millisecond); err == nil {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("dnsmasq ended: %v: %s", err, said.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("dnsmasq does not answer")
		}
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	return address
}

// ask sends one query, once.
func ask(server, name string, kind dnsmessage.Type, wait time.Duration) (*dnsmessage.Message, error) {
	question := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}}}
	text, err := question.Pack()
	if err != nil {
		return nil, err
	}
	conn, err := net.DialTimeout("udp4", server, wait)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(wait))
	if _, err := conn.Write(text); err != nil {
		return nil, err
	}
	buffer := make([]byte, 4096)
	n, err := conn.Read(buffer)
	if err != nil {
		return nil, err
	}
	var reply dnsmessage.Message
	return &reply, reply.Unpack(buffer[:n])
}

// address is the one of an answer; none without a record.
func address(reply *dnsmessage.Message) string {
	for _, answer := range reply.Answers {
		if a, ok := answer.Body.(*dnsmessage.AResource); ok {
			return net.IP(a.A[:]).String()
		}
	}
	return ""
}

func TestTheClustersNamesNeedNobodyElse(t *testing.T) {
	program, config := dnsmasqProgram(t), exampleCluster(t, withSecret).files["/etc/dnsmasq.conf"]
	names := map[string]string{"api": "10.0.0.4", "api-int": "10.0.0.4", "console-openshift-console.apps": "127.96.0.7", "a.b.apps": "127.96.0.7"}
	for _, behaviour := range []string{"answers", "SERVFAIL", "REFUSED", "silent"} {
		t.Run(behaviour, func(t *testing.T) {
			others := newUpstream(t, behaviour)
			server := nameServer(t, program, config, others)
			slowest := time.Duration(0)
			for name, want := range names {
				for _, kind := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA, httpsRecord, dnsmessage.TypeTXT} {
					began := time.Now()
					reply, err := ask(server, name+"."+ofTheCluster+".", kind, prompt)
					slowest = max(slowest, time.Since(began))
					if err != nil || reply.RCode != dnsmessage.RCodeSuccess {
						t.Errorf("%v of %s: %v, %+v", kind, name, err, reply)
						continue
					}
					if kind == dnsmessage.TypeA && address(reply) != want || kind != dnsmessage.TypeA && len(reply.Answers) > 0 {
						t.Errorf("%v of %s: got %+v", kind, name, reply.Answers)
					}
				}
			}
			resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "udp4", server)
			}}
			began := time.Now()
			found, err := resolver.LookupHost(t.Context(), "api-int."+ofTheCluster+".")
			took := time.Since(began)
			if err != nil || !slices.Equal(found, []string{"10.0.0.4"}) || took > prompt {
				t.Errorf("Go's resolver found %v (%v) after %s", found, err, took)
			}
			if heard := others.heard(); len(heard) > 0 {
				t.Errorf("the network was asked for %v", heard)
			}
			t.Logf("slowest answer %s, Go's resolver %s", slowest.Round(10*time.Microsecond), took.Round(10*time.Microsecond))
		})
	}
}

func TestOtherNamesAreTheNetworks(t *testing.T) {
	program, config := dnsmasqProgram(t), exampleCluster(t, withSecret).files["/etc/dnsmasq.conf"]
	for _, test := range []struct {
		upstreams []string
		rcode     dnsmessage.RCode
		address   string
	}{
		{[]string{"answers"}, dnsmessage.RCodeSuccess, "192.0.2.1"},
		{[]string{"SERVFAIL"}, dnsmessage.RCodeServerFailure, ""},
		{[]string{"REFUSED"}, dnsmessage.RCodeRefused, ""},
		{[]string{"silent", "answers"}, dnsmessage.RCodeSuccess, "192.0.2.1"},
	} {
		t.Run(fmt.Sprint(test.upstreams), func(t *testing.T) {
			var all []*upstream
			for _, behaviour := range test.upstreams {
				all = append(all, newUpstream(t, behaviour))
			}
			server := nameServer(t, program, config, all...)
			for _, name := range []string{"registry.example.com.", ofTheCluster + ".", "other." + ofTheCluster + "."} {
				began := time.Now()
				reply, err := ask(server, name, dnsmessage.TypeA, prompt)
				if err != nil || reply.RCode != test.rcode || address(reply) != test.address {
					t.Errorf("%s: %v, %+v", name, err, reply)
				}
				t.Logf("%s after %s", name, time.Since(began).Round(10*time.Microsecond))
			}
		})
	}
}
