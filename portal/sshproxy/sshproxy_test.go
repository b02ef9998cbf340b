package sshproxy_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/aro-rp/aro/access"
	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/portal/sshproxy"
	"github.com/aro-rp/aro/store"
	"github.com/aro-rp/aro/store/sqlite"
)

const patience = 30 * time.Second

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// fixture is an SSH server of a portal before one machine, master-1 of a cluster.
type fixture struct {
	*testing.T
	issuer  access.Issuer
	cluster *model.Cluster
	log     *lockedBuffer
	metrics *prometheus.Registry
	address string
	host    ssh.PublicKey
	late    atomic.Int64 // how far the clock of the server is ahead
}

func newFixture(t *testing.T, limit time.Duration) *fixture {
	t.Helper()
	w := &fixture{T: t, log: &lockedBuffer{}, metrics: prometheus.NewRegistry()}
	driver, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aro.db"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	if err != nil {
		t.Fatal(err)
	}
	documents := store.New(driver, keys)
	t.Cleanup(func() { _ = documents.Close() })
	key := newKey(t)
	id := arm.ClusterID{SubscriptionID: "11111111-1111-4111-8111-111111111111", ResourceGroup: "shop", Name: "shop"}
	doc := store.NewCluster(id)
	doc.Cluster.ID, doc.Cluster.Name = id.String(), id.Name
	doc.Cluster.Internal.PrivateEndpointIP = "127.0.0.1"
	doc.Cluster.Internal.SSHKey = model.Secret(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	if err := documents.Clusters.Create(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
	w.cluster = &doc.Cluster
	machine := startMachine(t, key)
	serving := &tls.Certificate{PrivateKey: newKey(t)}
	certificate := func(context.Context) (*tls.Certificate, error) { return serving, nil }
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.address = listener.Addr().String()
	signer, err := access.HostKey(t.Context(), certificate)
	if err != nil {
		t.Fatal(err)
	}
	w.host = signer.PublicKey()
	now := func() time.Time { return time.Now().Add(time.Duration(w.late.Load())) }
	w.issuer = access.Issuer{Accesses: access.Accesses{Documents: documents.Portal, Now: time.Now}, Origin: "https://localhost", Certificate: certificate, SSHAddress: w.address, SSHKey: certificate}
	server, err := sshproxy.New(sshproxy.Config{Store: documents, Key: certificate, Logger: slog.New(slog.NewJSONHandler(w.log, nil)), Now: now, Limit: limit, Metrics: w.metrics,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != "127.0.0.1:2201" {
				return nil, errors.New("connection refused")
			}
			return new(net.Dialer).DialContext(ctx, network, machine)
		}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return w
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// startMachine is a machine that the key of a cluster opens.
func startMachine(t *testing.T, key *rsa.PrivateKey) (address string) {
	t.Helper()
	permitted, err := ssh.NewPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(own)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &ssh.ServerConfig{PublicKeyCallback: func(who ssh.ConnMetadata, offered ssh.PublicKey) (*ssh.Permissions, error) {
		if who.User() != "core" || !bytes.Equal(offered.Marshal(), permitted.Marshal()) {
			return nil, errors.New("no")
		}
		return nil, nil
	}}
	cfg.AddHostKey(signer)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go machine(conn, cfg)
		}
	}()
	return listener.Addr().String()
}

// machine runs the commands of one connection.
func machine(conn net.Conn, cfg *ssh.ServerConfig) {
	client, channels, requests, err := ssh.NewServerConn(conn, cfg)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for asked := range channels {
		channel, requests, err := asked.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				var command struct{ Line string }
				_ = r.Reply(true, nil)
				if r.Type != "exec" || ssh.Unmarshal(r.Payload, &command) != nil {
					continue
				}
				code := runs(client, channel, command.Line)
				_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{code}))
				_ = channel.Close()
			}
		}()
	}
}

func runs(client *ssh.ServerConn, channel ssh.Channel, line string) (code uint32) {
	switch line {
	case "cat":
		_, _ = io.Copy(channel, channel)
		_, _ = io.WriteString(channel.Stderr(), "done\n")
		return 3
	case "agent":
		lent, requests, err := client.OpenChannel("auth-agent@openssh.com", nil)
		if err != nil {
			return 1
		}
		go ssh.DiscardRequests(requests)
		keys := agent.NewClient(lent)
		list, err := keys.List()
		if err != nil || len(list) != 1 {
			return 2
		}
		public, err := ssh.ParsePublicKey(list[0].Marshal())
		if err != nil {
			return 3
		}
		signature, err := keys.SignWithFlags(public, []byte("text"), agent.SignatureFlagRsaSha512)
		if err != nil || signature.Format != ssh.KeyAlgoRSASHA512 || public.Verify([]byte("text"), signature) != nil {
			return 4
		}
		if keys.RemoveAll() == nil || keys.Lock([]byte("x")) == nil {
			return 5
		}
	}
	return 0
}

// login is a password for a machine.
func (w *fixture) login(user string, master int) *access.Login {
	w.Helper()
	login, err := w.issuer.SSH(w.Context(), access.Person{ObjectID: user, Name: user}, w.cluster, master)
	if err != nil {
		w.Fatal(err)
	}
	return login
}

func (w *fixture) dial(user, password string, change ...func(*ssh.ClientConfig)) (*ssh.Client, error) {
	cfg := &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{ssh.Password(password)}, HostKeyCallback: ssh.FixedHostKey(w.host), Timeout: patience}
	for _, f := range change {
		f(cfg)
	}
	return ssh.Dial("tcp", w.address, cfg)
}

func (w *fixture) open(user string, master int) *ssh.Client {
	w.Helper()
	client, err := w.dial(access.User(user), w.login(user, master).Password)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = client.Close() })
	return client
}

// run runs a command and returns its output and exit code.
func run(t *testing.T, client *ssh.Client, line, stdin string) (stdout, stderr string, code int) {
	t.Helper()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	var out, problems bytes.Buffer
	session.Stdin, session.Stdout, session.Stderr = strings.NewReader(stdin), &out, &problems
	err = session.Run(line)
	if ended, ok := errors.AsType[*ssh.ExitError](err); ok {
		return out.String(), problems.String(), ended.ExitStatus()
	}
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return out.String(), problems.String(), 0
}

func TestAPasswordIsGoodForOneLogin(t *testing.T) {
	t.Parallel()
	w := newFixture(t, 0)
	const user = "Ann.Other@example.com"
	login := w.login(user, 1)
	if !strings.Contains(login.Command, " Ann.Other@127.0.0.1") || strings.Contains(login.Command, login.Password) {
		t.Errorf("the command is %s", login.Command)
	}
	kubeconfig, err := w.issuer.Grant(t.Context(), model.PortalAccess{Kind: model.PortalKubeconfig, ObjectID: user, Username: user, ClusterID: w.cluster.ID, ExpiresAt: time.Now().Add(time.Hour)}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for what, attempt := range map[string][2]string{
		"another user": {"other", login.Password}, "no password": {"Ann.Other", ""}, "another password": {"Ann.Other", login.Password + "A"}, "a kubeconfig": {"Ann.Other", kubeconfig},
	} {
		if _, err := w.dial(attempt[0], attempt[1]); err == nil || !strings.Contains(err.Error(), "unable to authenticate") {
			t.Errorf("%s: %v", what, err)
		}
	}
	opened := make(chan *ssh.Client, 8)
	var all sync.WaitGroup
	for range cap(opened) {
		all.Go(func() {
			if client, err := w.dial("Ann.Other", login.Password); err == nil {
				opened <- client
			}
		})
	}
	all.Wait()
	if len(opened) != 1 {
		t.Fatalf("the password opened %d connections of %d", len(opened), cap(opened))
	}
	client := <-opened
	if stdout, stderr, code := run(t, client, "cat", "typed\n"); stdout != "typed\n" || stderr != "done\n" || code != 3 {
		t.Errorf("the command wrote %q and %q, and ended with %d", stdout, stderr, code)
	}
	_ = client.Close()
	w.logs(`"principal":"`+user+`","path":"`+w.cluster.ID+`","subject":"master-1 connected"`, `"subject":"master-1 channel opened"`, `"subject":"master-1 channel closed"`,
		`"subject":"master-1 disconnected"`, `"subject":"authentication","ssh_user":"other"`)
	if strings.Contains(w.log.String(), login.Password) || strings.Contains(w.log.String(), kubeconfig) {
		t.Error("the log has a password")
	}
}

// logs waits until the log has words.
func (w *fixture) logs(words ...string) {
	w.Helper()
	for _, word := range words {
		for deadline := time.Now().Add(patience); !strings.Contains(w.log.String(), word); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				w.Fatalf("%s is not in %s", word, w.log)
			}
		}
	}
}

func TestPasswordsExpire(t *testing.T) {
	t.Parallel()
	w := newFixture(t, 0)
	login := w.login("ann@example.com", 1)
	w.late.Store(int64(time.Minute))
	if _, err := w.dial("ann", login.Password); err == nil {
		t.Error("the password is good after a minute")
	}
}

func TestMachinesUseTheKeyOfTheClusterAndDoNotChangeIt(t *testing.T) {
	t.Parallel()
	w := newFixture(t, 0)
	if _, _, code := run(t, w.open("ann@example.com", 1), "agent", ""); code != 0 {
		t.Errorf("the machine's use of the agent failed at %d", code)
	}
}

func TestOldAlgorithmsAreRefused(t *testing.T) {
	t.Parallel()
	w := newFixture(t, 0)
	for what, change := range map[string]func(*ssh.ClientConfig){
		"key exchange": func(c *ssh.ClientConfig) { c.KeyExchanges = []string{ssh.InsecureKeyExchangeDH14SHA1} },
		"cipher":       func(c *ssh.ClientConfig) { c.Ciphers = []string{ssh.InsecureCipherAES128CBC} },
		"MAC":          func(c *ssh.ClientConfig) { c.Ciphers, c.MACs = []string{ssh.CipherAES128CTR}, []string{ssh.HMACSHA1} },
		"host key":     func(c *ssh.ClientConfig) { c.HostKeyAlgorithms = []string{ssh.KeyAlgoRSA} },
	} {
		if _, err := w.dial("ann", "x", change); err == nil || !strings.Contains(err.Error(), "no common algorithm") {
			t.Errorf("an old %s: %v", what, err)
		}
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	w := newFixture(t, 0)
	for range 10 {
		w.open("ann@example.com", 1)
	}
	if _, stderr, code := run(t, w.open("ann@example.com", 1), "cat", ""); code != 255 || !strings.Contains(stderr, "too many SSH connections") {
		t.Errorf("the eleventh connection: %q, %d", stderr, code)
	}
	if stdout, _, _ := run(t, w.open("bob@example.com", 1), "cat", "in"); stdout != "in" {
		t.Errorf("another person's connection shows %q", stdout)
	}
	w.measures("aro_ssh_attempts_total connected", 11)
	w.measures("aro_ssh_attempts_total too_many", 1)
	w.measures("aro_ssh_connections", 10, 11) // the last one may have ended
}

// measures waits for a metric, which a client may see the cause of sooner.
func (w *fixture) measures(name string, want ...float64) {
	w.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		families, err := w.metrics.Gather()
		if err != nil {
			w.Fatal(err)
		}
		has := map[string]float64{}
		for _, family := range families {
			for _, m := range family.Metric {
				full := family.GetName()
				for _, label := range m.Label {
					full += " " + label.GetValue()
				}
				has[full] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
		if slices.Contains(want, has[name]) {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("%s is not %v in %v", name, want, has)
		}
	}
}

func TestConnectionsEndAfterTheLimit(t *testing.T) {
	t.Parallel()
	w := newFixture(t, 100*time.Millisecond)
	client := w.open("ann@example.com", 1)
	ended := make(chan error, 1)
	go func() { ended <- client.Wait() }()
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("the connection does not end")
	}
}

func TestAMachineThatDoesNotAnswerIsNamed(t *testing.T) {
	t.Parallel()
	w := newFixture(t, 0)
	if _, stderr, code := run(t, w.open("ann@example.com", 2), "cat", ""); code != 255 || !strings.Contains(stderr, "ARO portal: master-2 does not answer") {
		t.Errorf("it shows %q, %d", stderr, code)
	}
	w.logs(`"subject":"master-2 connected"`)
	w.measures("aro_ssh_attempts_total unreachable", 1)
	w.measures("aro_ssh_connections", 0)
}
