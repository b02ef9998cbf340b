package sshproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/aro-rp/aro/httpserver"
	"github.com/aro-rp/aro/model"
)

// operation is the name of the server's work in the audit.
const operation = "Portal_SSH"

// maxUser bounds names that clients send, in the audit.
const maxUser = 64

// The types of channels and requests of the protocol that are treated differently.
const (
	sessionChannel = "session"
	// forwardChannel carries a connection that begins at the person's machine.
	forwardChannel = "direct-tcpip"
	agentChannel   = "auth-agent@openssh.com"
	agentRequest   = "auth-agent-req@openssh.com"
	x11Request     = "x11-req"
	aliveRequest   = "keepalive@openssh.com"
)

// connection is one of a person.
type connection struct {
	server *Server
	client *ssh.ServerConn
	who    *model.PortalAccess
	began  time.Time
	remote string

	channels atomic.Int32
}

func (c *connection) hostname() string { return fmt.Sprintf("master-%d", c.who.Master) }

// record writes what happened into the audit.
func (c *connection) record(ctx context.Context, event string, err error, more ...any) {
	outcome := "Succeeded"
	if err != nil {
		outcome = "Failed"
	}
	c.server.Audit.InfoContext(ctx, "audit", append([]any{"operation", operation, "principal", httpserver.ShortText(c.who.Username), "path", c.who.ClusterID,
		"subject", c.hostname() + " " + event, "remote_addr", c.remote, "outcome", outcome}, more...)...)
}

// refuse tells a person on the first session why there is none, as the protocol has no other place
// that clients show.
func (c *connection) refuse(ctx context.Context, channels <-chan ssh.NewChannel, why error) {
	c.record(ctx, "connected", why)
	select {
	case first, ok := <-channels:
		if !ok {
			return
		}
		channel, requests, err := first.Accept()
		if err != nil {
			return
		}
		awaitCommand(requests)
		_, _ = fmt.Fprintf(channel.Stderr(), "ARO portal: %v.\r\n", why)
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{255}))
		_ = channel.Close()
		_ = c.client.Close()
	case <-time.After(loginLimit):
	case <-ctx.Done():
	}
}

// awaitCommand agrees to everything until the client has said what is to run, and listens.
func awaitCommand(requests <-chan *ssh.Request) {
	for r := range requests {
		if r.WantReply {
			_ = r.Reply(true, nil)
		}
		if r.Type == "shell" || r.Type == "exec" || r.Type == "subsystem" {
			break
		}
	}
	go ssh.DiscardRequests(requests)
}

// join connects a person with a machine until one of them or ctx ends.
func (c *connection) join(ctx context.Context, channels <-chan ssh.NewChannel, m *machine) {
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	end := func() {
		_ = c.client.Close()
		_ = m.Close()
	}
	work.Go(func() {
		<-ctx.Done()
		end()
	})
	for _, side := range []ssh.Conn{c.client, m} {
		work.Go(func() {
			_ = side.Wait()
			cancel()
		})
		work.Go(func() {
			keepAlive(ctx, side)
			cancel()
		})
	}
	work.Go(func() { serveAgent(&work, m) })
	for asked := range channels {
		if kind := asked.ChannelType(); kind != sessionChannel && kind != forwardChannel {
			_ = asked.Reject(ssh.UnknownChannelType, "the portal carries sessions and forwarded connections only")
			continue
		}
		if c.channels.Add(1) > mostChannels {
			c.channels.Add(-1)
			_ = asked.Reject(ssh.ResourceShortage, fmt.Sprintf("a connection has at most %d channels", mostChannels))
			continue
		}
		work.Go(func() {
			defer c.channels.Add(-1)
			c.carry(ctx, asked, m)
		})
	}
}

// keepAlive returns when the other side answers no more, or ctx ends.
func keepAlive(ctx context.Context, conn ssh.Conn) {
	tick := time.NewTicker(aliveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		answered := make(chan error, 1)
		go func() {
			_, _, err := conn.SendRequest(aliveRequest, true, nil)
			answered <- err
		}()
		select {
		case err := <-answered:
			if err != nil {
				return
			}
		case <-time.After(aliveEvery):
			return
		case <-ctx.Done():
			return
		}
	}
}

// serveAgent answers the machine's questions for keys with the cluster's, by which people go on to
// the other machines of the cluster. The machine cannot read the key.
func serveAgent(work *sync.WaitGroup, m *machine) {
	keys, usable := agent.NewKeyring().(agent.ExtendedAgent) // which makes the newer signatures of RSA
	usable = usable && keys.Add(agent.AddedKey{PrivateKey: m.key, Comment: "key of the cluster"}) == nil
	for asked := range m.channels {
		if asked.ChannelType() != agentChannel || !usable {
			_ = asked.Reject(ssh.UnknownChannelType, "")
			continue
		}
		channel, requests, err := asked.Accept()
		if err != nil {
			continue
		}
		go ssh.DiscardRequests(requests)
		work.Go(func() {
			_ = agent.ServeAgent(readOnly{keys}, channel)
			_ = channel.Close()
		})
	}
}

var errReadOnly = errors.New("the portal's agent has the cluster's key only")

// readOnly signs and lists.
type readOnly struct{ agent.ExtendedAgent }

func (readOnly) Add(agent.AddedKey) error   { return errReadOnly }
func (readOnly) Remove(ssh.PublicKey) error { return errReadOnly }
func (readOnly) RemoveAll() error           { return errReadOnly }
func (readOnly) Lock([]byte) error          { return errReadOnly }
func (readOnly) Unlock([]byte) error        { return errReadOnly }

// carry opens at the machine what the person asked for, and copies both ways.
func (c *connection) carry(ctx context.Context, asked ssh.NewChannel, m *machine) {
	kind := asked.ChannelType()
	there, fromMachine, err := m.OpenChannel(kind, asked.ExtraData())
	if err != nil {
		reason, text := ssh.ConnectionFailed, "the machine does not answer"
		if refused, ok := errors.AsType[*ssh.OpenChannelError](err); ok {
			reason, text = refused.Reason, refused.Message
		}
		_ = asked.Reject(reason, text)
		return
	}
	here, fromPerson, err := asked.Accept()
	if err != nil {
		_ = there.Close()
		go ssh.DiscardRequests(fromMachine)
		return
	}
	c.record(ctx, "channel opened", nil, "channel", kind)
	defer c.record(ctx, "channel closed", nil, "channel", kind)
	if kind == sessionChannel {
		_, _ = there.SendRequest(agentRequest, true, nil) // a machine that forbids it works without
	}
	exchange(here, there, fromPerson, fromMachine)
}

// exchange copies until the machine has closed the channel and all of its output is written, or the
// person has closed it.
func exchange(here, there ssh.Channel, fromPerson, fromMachine <-chan *ssh.Request) {
	var toMachine, toPerson sync.WaitGroup
	toMachine.Go(func() {
		_, _ = io.Copy(there, here)
		_ = there.CloseWrite()
	})
	toMachine.Go(func() {
		pass(fromPerson, there, agentRequest, x11Request)
		_ = there.Close() // the person has closed the channel
	})
	var output sync.WaitGroup
	output.Go(func() { _, _ = io.Copy(here, there) })
	output.Go(func() { _, _ = io.Copy(here.Stderr(), there.Stderr()) })
	toPerson.Go(func() {
		output.Wait()
		_ = here.CloseWrite()
	})
	toPerson.Go(func() { pass(fromMachine, here) })
	toPerson.Wait()
	_ = here.Close()
	_ = there.Close()
	toMachine.Wait()
}

// pass sends requests on and their answers back, except for some types.
func pass(requests <-chan *ssh.Request, to ssh.Channel, refused ...string) {
	for r := range requests {
		ok := false
		if !slices.Contains(refused, r.Type) {
			ok, _ = to.SendRequest(r.Type, r.WantReply, r.Payload)
		}
		if r.WantReply {
			_ = r.Reply(ok, nil)
		}
	}
}
