// Package sshproxy is the SSH server of the portal: it takes passwords that the portal gave out, each
// once, and connects their holders with a machine of a cluster's control plane as the user core, by
// the cluster's key, which people never get.
//
// It interprets nothing of what people do on a machine, and records who connected to which one.
package sshproxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/ssh"

	"github.com/aro-rp/aro/access"
	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

const (
	// loginLimit bounds a connection until its user has logged in, and dialLimit the way to the
	// machine.
	loginLimit = 30 * time.Second
	dialLimit  = 30 * time.Second
	// sessionLimit is how long a connection may last.
	sessionLimit = time.Hour
	// aliveEvery is the time between two questions whether an end still answers, and how long the
	// answer may take.
	aliveEvery = 30 * time.Second
	// tries is how many passwords a connection may try.
	tries = 3
	// most and mostOfPerson bound the connections at the same time, mostLogins those without a user.
	most, mostOfPerson, mostLogins = 200, 10, 50
	// mostChannels bounds the channels of a connection.
	mostChannels = 20
	// firstPort of a cluster's private endpoint leads to the first machine of its control plane, the
	// next port to the next.
	firstPort = 2200
	// machineUser is the user of machines who may become root.
	machineUser = "core"
)

// Config is what a Server needs. Store, Now and Key are required.
type Config struct {
	Store *store.Store
	// Key has the key of the server.
	Key func(context.Context) (*tls.Certificate, error)
	// Logger and Audit default to silence, Dial to the network of this machine, Now to the clock.
	Logger, Audit *slog.Logger
	Dial          func(ctx context.Context, network, address string) (net.Conn, error)
	Now           func() time.Time
	// Metrics gets the metrics of connections; nil measures nothing.
	Metrics prometheus.Registerer
	// Limit is how long a connection may last; default an hour.
	Limit time.Duration
}

// Server connects people with machines.
type Server struct {
	Config
	accesses access.Accesses
	measures *measures
	logins   chan struct{}

	mu      sync.Mutex
	all     int
	persons map[string]int // connections by object id
}

// New checks the configuration and completes it.
func New(cfg Config) (*Server, error) {
	if cfg.Store == nil || cfg.Key == nil {
		return nil, errors.New("the SSH server needs a store and a key")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Audit == nil {
		cfg.Audit = cfg.Logger
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Limit == 0 {
		cfg.Limit = sessionLimit
	}
	measures, err := newMeasures(cfg.Metrics)
	if err != nil {
		return nil, fmt.Errorf("metrics of SSH: %w", err)
	}
	return &Server{Config: cfg, measures: measures, accesses: access.Accesses{Documents: cfg.Store.Portal, Now: cfg.Now}, logins: make(chan struct{}, mostLogins), persons: map[string]int{}}, nil
}

// algorithms are those of FIPS 140 that are not old: what clients have had for years.
func algorithms() ssh.Config {
	return ssh.Config{
		KeyExchanges: []string{ssh.KeyExchangeMLKEM768X25519, ssh.KeyExchangeECDHP256, ssh.KeyExchangeECDHP384, ssh.KeyExchangeECDHP521},
		Ciphers:      []string{ssh.CipherAES256GCM, ssh.CipherAES128GCM, ssh.CipherAES256CTR, ssh.CipherAES192CTR, ssh.CipherAES128CTR},
		MACs:         []string{ssh.HMACSHA256ETM, ssh.HMACSHA512ETM, ssh.HMACSHA256, ssh.HMACSHA512},
	}
}

// Serve answers on l until ctx ends. Connections end with it.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	var work sync.WaitGroup
	defer work.Wait()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	for {
		conn, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			if temporary, ok := errors.AsType[net.Error](err); ok && temporary.Timeout() {
				continue
			}
			return fmt.Errorf("listen on %s: %w", l.Addr(), err)
		}
		select {
		case s.logins <- struct{}{}:
			work.Go(func() { s.serve(ctx, conn) })
		default: // those who log in now will have ended in loginLimit
			s.measures.count(endBusy)
			_ = conn.Close()
		}
	}
}

// serve is one connection.
func (s *Server) serve(ctx context.Context, conn net.Conn) {
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	c, channels, err := s.login(ctx, conn)
	<-s.logins
	if err != nil {
		s.measures.count(endNoLogin)
		s.Logger.DebugContext(ctx, "no SSH connection", "remote_addr", conn.RemoteAddr().String(), "error", err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.Limit)
	defer cancel()
	leave, ok := s.enter(c.who)
	if !ok {
		s.measures.count(endTooMany)
		c.refuse(ctx, channels, errors.New("too many SSH connections; end one first"))
		return
	}
	defer leave()
	machine, err := s.machine(ctx, c.who)
	if err != nil {
		s.measures.count(endUnreachable)
		s.Logger.WarnContext(ctx, "no SSH to a machine", "resource_id", c.who.ClusterID, "hostname", c.hostname(), "error", err)
		c.refuse(ctx, channels, err)
		return
	}
	s.measures.count(endConnected)
	s.measures.open.Inc()
	defer s.measures.open.Dec()
	c.record(ctx, "connected", nil)
	c.join(ctx, channels, machine)
	c.record(ctx, "disconnected", nil, "took", s.Now().Sub(c.began))
}

// enter counts a connection, unless there are too many.
func (s *Server) enter(who *model.PortalAccess) (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= most || s.persons[who.ObjectID] >= mostOfPerson {
		return nil, false
	}
	s.all++
	s.persons[who.ObjectID]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		if s.persons[who.ObjectID]--; s.persons[who.ObjectID] == 0 {
			delete(s.persons, who.ObjectID)
		}
	}, true
}

var errPassword = errors.New("the password is wrong, was used, or has expired")

// login asks for a password.
func (s *Server) login(ctx context.Context, conn net.Conn) (*connection, <-chan ssh.NewChannel, error) {
	key, err := access.HostKey(ctx, s.Key)
	if err != nil {
		s.Logger.ErrorContext(ctx, "the SSH server has no key", "error", err)
		return nil, nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(loginLimit)); err != nil {
		return nil, nil, err
	}
	c := &connection{server: s, began: s.Now(), remote: conn.RemoteAddr().String()}
	cfg := &ssh.ServerConfig{Config: algorithms(), MaxAuthTries: tries, ServerVersion: "SSH-2.0-ARO",
		PasswordCallback: func(meta ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			c.who = s.redeem(ctx, meta, string(password))
			if c.who == nil {
				return nil, errPassword
			}
			return nil, nil
		}}
	cfg.AddHostKey(key)
	client, channels, requests, err := ssh.NewServerConn(conn, cfg)
	if err != nil {
		return nil, nil, err
	}
	c.client = client
	go ssh.DiscardRequests(requests) // none is for the server; keepalives get their answer
	return c, channels, conn.SetDeadline(time.Time{})
}

// redeem returns what a password is for, nil if it is for nothing. Why is not said to the client.
func (s *Server) redeem(ctx context.Context, client ssh.ConnMetadata, password string) *model.PortalAccess {
	ctx, cancel := context.WithTimeout(ctx, loginLimit)
	defer cancel()
	found, err := s.accesses.Redeem(ctx, password, model.PortalSSH, func(a *model.PortalAccess) bool { return access.User(a.Username) == client.User() })
	if err != nil {
		s.Logger.ErrorContext(ctx, "a password for SSH was not checked", "error", err)
	}
	if found == nil {
		s.Audit.InfoContext(ctx, "audit", "operation", operation, "subject", "authentication", "ssh_user", arm.Plain(client.User(), maxUser), "remote_addr", client.RemoteAddr().String(), "outcome", "Failed")
	}
	return found
}

// machine is a connection to the machine of an access.
type machine struct {
	ssh.Conn
	channels <-chan ssh.NewChannel
	key      any // private, of the cluster
}

// machine logs in at the machine. Its own key is not checked: it makes one when it is installed,
// which the service does not get. What is at the address is what the cluster's private endpoint leads to.
func (s *Server) machine(ctx context.Context, who *model.PortalAccess) (*machine, error) {
	id, ok := arm.ParseClusterID(who.ClusterID)
	if !ok {
		return nil, errors.New("the password is for no cluster")
	}
	doc, err := s.Store.Clusters.Get(ctx, id.Partition(), id.Key())
	if errors.Is(err, store.ErrNotFound) {
		return nil, errors.New("the cluster does not exist any more")
	}
	if err != nil {
		return nil, errors.New("the cluster cannot be read now")
	}
	in := &doc.Cluster.Internal
	if in.SSHKey == "" || in.PrivateEndpointIP == "" {
		return nil, errors.New("the cluster has no key or no private endpoint yet")
	}
	key, err := ssh.ParseRawPrivateKey([]byte(in.SSHKey))
	if err != nil {
		return nil, errors.New("the cluster's key cannot be read")
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return nil, errors.New("the cluster's key cannot be used")
	}
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	conn, err := s.Dial(ctx, "tcp", net.JoinHostPort(in.PrivateEndpointIP, strconv.Itoa(firstPort+who.Master)))
	if err != nil {
		return nil, fmt.Errorf("master-%d does not answer: %w", who.Master, err)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	opened, channels, requests, err := ssh.NewClientConn(conn, conn.RemoteAddr().String(), &ssh.ClientConfig{
		Config: algorithms(), User: machineUser, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()}) //nolint:gosec // see above
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("master-%d does not let the cluster's key in: %w", who.Master, err)
	}
	go ssh.DiscardRequests(requests)
	return &machine{Conn: opened, channels: channels, key: key}, nil
}
