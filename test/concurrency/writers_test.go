package concurrency

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/test/harness"
)

const (
	subscription = "00000000-0000-0000-0000-0000000000a1"
	location     = "eastus"
	writers      = 64
	// limit bounds a test.
	limit = 3 * time.Minute
)

// binary is built once by TestMain.
var binary string

func TestMain(m *testing.M) {
	os.Exit(harness.Main(m, func(path string) { binary = path }))
}

// subject is one ready cluster that several processes serve.
type subject struct {
	*testing.T
	ctx     context.Context
	path    string
	servers []*harness.Client
}

func newSubject(t *testing.T, processes int) *subject {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes")
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "writers", Name: "subject"}
	s := &subject{T: t, ctx: ctx, path: id.String()}
	planes := harness.NewControlPlanes(t, harness.Behaviour{})
	database := "sqlite:" + filepath.Join(t.TempDir(), "aro.db")
	for range processes {
		p := harness.Start(t, harness.Options{Binary: binary, Store: database, ControlPlanes: planes.Address, Poll: 100 * time.Millisecond})
		s.servers = append(s.servers, harness.NewClient(p.URL, nil))
	}
	s.want(s.send(harness.Request{Method: http.MethodPut, Path: "/subscriptions/" + subscription, Version: "2.0",
		Body: harness.Object{"state": "Registered", "properties": harness.Object{"tenantId": subscription}}}), http.StatusCreated, http.StatusOK)
	body := harness.Body(harness.Newest, id, location)
	body["tags"] = harness.Object{"counter": "0"}
	s.want(s.send(harness.Request{Method: http.MethodPut, Path: s.path, Version: harness.Newest, Body: body}), http.StatusCreated)
	s.settled()
	return s
}

// send sends a request to any of the processes.
func (s *subject) send(r harness.Request) *harness.Reply {
	s.Helper()
	reply, err := s.servers[rand.IntN(len(s.servers))].Do(s.ctx, r)
	if err != nil {
		s.Errorf("%v", err)
		return &harness.Reply{Request: r}
	}
	return reply
}

func (s *subject) want(reply *harness.Reply, any ...int) {
	s.Helper()
	for _, status := range any {
		if reply.Status == status {
			return
		}
	}
	s.Errorf("%s; want %v", reply, any)
}

func (s *subject) get() *harness.Reply {
	s.Helper()
	return s.send(harness.Request{Method: http.MethodGet, Path: s.path, Version: harness.Newest})
}

func (s *subject) patch(body harness.Object, ifMatch string) *harness.Reply {
	s.Helper()
	r := harness.Request{Method: http.MethodPatch, Path: s.path, Version: harness.Newest, Body: body}
	if ifMatch != "" {
		r.Header = map[string]string{"If-Match": ifMatch}
	}
	return s.send(r)
}

// settled waits until nothing is under way and returns the cluster.
func (s *subject) settled() *harness.Reply {
	s.Helper()
	for {
		reply := s.get()
		if state := reply.Text("properties.provisioningState"); state == "Succeeded" {
			return reply
		}
		if s.ctx.Err() != nil {
			s.Fatalf("not settled within %s: %s", limit, reply)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// together runs f for each writer at once.
func together(f func(writer int)) {
	var group sync.WaitGroup
	start := make(chan struct{})
	for i := range writers {
		group.Add(1)
		go func() {
			defer group.Done()
			<-start
			f(i)
		}()
	}
	close(start)
	group.Wait()
}

// until repeats try, which reports whether it won, until it wins. It returns how
// often it lost.
func (s *subject) until(try func() bool) (lost int) {
	for !try() {
		if lost++; s.ctx.Err() != nil || s.Failed() {
			s.Errorf("a writer did not win in %d tries within %s", lost, limit)
			return lost
		}
		time.Sleep(rand.N(200 * time.Millisecond))
	}
	return lost
}

func TestIncrementsUnderIfMatchAreNeverLost(t *testing.T) {
	t.Parallel()
	s := newSubject(t, 2)
	var lost atomic.Int64
	together(func(int) {
		lost.Add(int64(s.until(func() bool {
			now := s.get()
			n, err := strconv.Atoi(now.Text("tags.counter"))
			if err != nil {
				t.Errorf("counter: %s", now)
				return true
			}
			reply := s.patch(harness.Object{"tags": harness.Object{"counter": strconv.Itoa(n + 1)}}, now.Header.Get("ETag"))
			s.want(reply, http.StatusOK, http.StatusPreconditionFailed, http.StatusConflict)
			if got := reply.Text("tags.counter"); reply.Status == http.StatusOK && got != strconv.Itoa(n+1) {
				t.Errorf("a writer was told its write is %s, it wrote %d", got, n+1)
			}
			return reply.Status == http.StatusOK
		})))
	})
	if got := s.settled().Text("tags.counter"); got != strconv.Itoa(writers) {
		t.Errorf("the counter is %s after %d successful increments", got, writers)
	}
	if lost.Load() == 0 {
		t.Error("no increment was refused: nothing was contested")
	}
	t.Logf("%d increments won, %d were refused before", writers, lost.Load())
}

func TestWritersWithoutIfMatchEndWithOneOfTheirWrites(t *testing.T) {
	t.Parallel()
	s := newSubject(t, 2)
	var acknowledged sync.Map
	together(func(writer int) {
		value := fmt.Sprint("writer-", writer)
		reply := s.patch(harness.Object{"tags": harness.Object{"who": value, "twin": value}}, "")
		switch reply.Status {
		case http.StatusOK:
			acknowledged.Store(value, true)
		case http.StatusConflict:
		default:
			t.Errorf("%s; want 200 or 409", reply)
		}
	})
	end := s.settled()
	who := end.Text("tags.who")
	if who != end.Text("tags.twin") || end.Text("tags.counter") != "" {
		t.Errorf("tags are torn: %v", end.JSON["tags"])
	}
	if _, ok := acknowledged.Load(who); !ok {
		t.Errorf("the cluster has the tag %q, whose write was not acknowledged", who)
	}
}

// TestMixedWritersNeverLoseWhatOthersWrote lets some change tags and others what
// makes a worker act; the one must not undo the other.
func TestMixedWritersNeverLoseWhatOthersWrote(t *testing.T) {
	t.Parallel()
	s := newSubject(t, 2)
	const path = "properties.networkProfile.loadBalancerProfile.managedOutboundIps.count"
	together(func(writer int) {
		body := harness.Object{"tags": harness.Object{"counter": fmt.Sprint(writer + 100)}}
		if writer%8 == 0 {
			body = harness.Object{"properties": harness.Object{"networkProfile": harness.Object{"loadBalancerProfile": harness.Object{
				"managedOutboundIps": harness.Object{"count": 2 + writer/8}}}}}
		}
		s.until(func() bool {
			now := s.get()
			reply := s.patch(body, now.Header.Get("ETag"))
			s.want(reply, http.StatusOK, http.StatusConflict, http.StatusPreconditionFailed)
			if reply.Status != http.StatusOK {
				return false
			}
			// What the other kind of writers wrote before is still there.
			for _, kept := range []string{"tags.counter", path} {
				if harness.At(body, kept) == nil && reply.Text(kept) != now.Text(kept) {
					t.Errorf("%s was %q when read, and %q after a write that did not touch it", kept, now.Text(kept), reply.Text(kept))
				}
			}
			return true
		})
	})
	s.settled()
}

func TestOneOfManyCreatesWins(t *testing.T) {
	t.Parallel()
	s := newSubject(t, 2)
	id := arm.ClusterID{SubscriptionID: subscription, ResourceGroup: "writers", Name: "contested"}
	var created atomic.Int64
	together(func(int) {
		reply := s.send(harness.Request{Method: http.MethodPut, Path: id.String(), Version: harness.Newest, Body: harness.Body(harness.Newest, id, location),
			Header: map[string]string{"If-None-Match": "*"}})
		s.want(reply, http.StatusCreated, http.StatusPreconditionFailed, http.StatusConflict)
		if reply.Status == http.StatusCreated {
			created.Add(1)
		}
	})
	if created.Load() != 1 {
		t.Errorf("%d of %d creates of one cluster were told that they created it", created.Load(), writers)
	}
}

func TestManyDeletesAreOneDelete(t *testing.T) {
	t.Parallel()
	s := newSubject(t, 2)
	var accepted atomic.Int64
	together(func(int) {
		reply := s.send(harness.Request{Method: http.MethodDelete, Path: s.path, Version: harness.Newest})
		s.want(reply, http.StatusAccepted, http.StatusNoContent)
		if reply.Status == http.StatusAccepted {
			accepted.Add(1)
		}
	})
	if accepted.Load() == 0 {
		t.Error("no delete was accepted")
	}
	for s.get().Status != http.StatusNotFound {
		if s.ctx.Err() != nil {
			t.Fatal("the cluster is still there")
		}
		time.Sleep(20 * time.Millisecond)
	}
}
