package cosmos_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/aro-rp/aro/store"
)

// fault answers a request in the server's place, or after it.
type fault func(next policy.Transporter, r *http.Request) (*http.Response, error)

// status refuses the request without passing it on.
func status(code int, header ...string) fault {
	return func(_ policy.Transporter, r *http.Request) (*http.Response, error) {
		h := http.Header{"Content-Type": {"application/json"}}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: code, Status: http.StatusText(code), Header: h, Request: r,
			Body: io.NopCloser(strings.NewReader(`{"code":"Fault","message":"canary: injected"}`))}, nil
	}
}

func broken(cause error) error { return &net.OpError{Op: "read", Net: "tcp", Err: cause} }

// before breaks the connection before the server got the request.
func before(cause error) fault {
	return func(policy.Transporter, *http.Request) (*http.Response, error) { return nil, broken(cause) }
}

// after breaks the connection when the server has done its work, and runs also.
func after(cause error, also func()) fault {
	return func(next policy.Transporter, r *http.Request) (*http.Response, error) {
		answer, err := next.Do(r)
		if err != nil {
			return nil, err
		}
		_ = answer.Body.Close()
		if also != nil {
			also()
		}
		return nil, broken(cause)
	}
}

// half breaks the connection in the middle of the answer.
func half(next policy.Transporter, r *http.Request) (*http.Response, error) {
	answer, err := next.Do(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), failing{}))
	return answer, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, broken(syscall.ECONNRESET) }

// faulty passes requests for documents to what pick returns; nil lets them pass.
type faulty struct {
	next policy.Transporter
	pick atomic.Pointer[func(*http.Request) fault]
}

func (f *faulty) Do(r *http.Request) (*http.Response, error) {
	if pick := f.pick.Load(); pick != nil && strings.Contains(r.URL.Path, "/docs") {
		if inject := (*pick)(r); inject != nil {
			return inject(f.next, r)
		}
	}
	return f.next.Do(r)
}

func (f *faulty) set(pick func(*http.Request) fault) { f.pick.Store(&pick) }

// times injects a fault into the next n requests.
func (f *faulty) times(n int32, inject fault) {
	var left atomic.Int32
	left.Store(n)
	f.set(func(*http.Request) fault {
		if left.Add(-1) >= 0 {
			return inject
		}
		return nil
	})
}

// rig is a database behind a connection that fails on demand, and another way to it.
type rig struct {
	faults *faulty
	*store.Store
	clean *store.Store
}

func newRig(t *testing.T, a account) *rig {
	t.Helper()
	keys, err := store.ParseKeyring([]byte(store.NewKey()))
	must(t, err)
	f := &faulty{next: &http.Client{}}
	k := a.open(t, f)
	r := &rig{faults: f, Store: store.New(k, keys)}
	r.clean = store.New(directly{k, f}, keys)
	return r
}

// directly runs a driver's reads and writes without faults, in between.
type directly struct {
	store.Driver
	faults *faulty
}

func (d directly) Read(ctx context.Context, c *store.Container, partition, id string) (store.Record, error) {
	defer d.pass()()
	return d.Driver.Read(ctx, c, partition, id)
}

func (d directly) Replace(ctx context.Context, c *store.Container, r store.Record) (store.Record, error) {
	defer d.pass()()
	return d.Driver.Replace(ctx, c, r)
}

func (d directly) pass() (restore func()) {
	pick := d.faults.pick.Swap(nil)
	return func() { d.faults.pick.Store(pick) }
}

func document(id string) *store.ClusterDocument {
	return &store.ClusterDocument{Meta: store.Meta{Partition: "p", ID: id}}
}

func count(c *store.ClusterDocument) error { c.Cluster.Internal.Revision++; return nil }

func TestPassingFaultsAreNotNoticed(t *testing.T) {
	account := startAccount(t)
	for name, inject := range map[string]fault{
		"429":                        status(429, "x-ms-retry-after-ms", "20"),
		"449":                        status(449),
		"503":                        status(503),
		"408":                        status(408),
		"410":                        status(410),
		"reset before it was done":   before(syscall.ECONNRESET),
		"reset after it was done":    after(syscall.ECONNRESET, nil),
		"timeout before it was done": before(context.DeadlineExceeded),
		"timeout after it was done":  after(context.DeadlineExceeded, nil),
		"reset within the answer":    half,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r := newRig(t, account)
			r.faults.times(2, inject)
			must(t, r.Clusters.Create(ctx, document("a")))
			wantConflict(t, r.Clusters.Create(ctx, document("a")))

			r.faults.times(2, inject)
			_, err := r.Clusters.Update(ctx, "p", "a", count)
			must(t, err)
			var doc *store.ClusterDocument
			for n := range int32(3) { // wherever in read and write the fault strikes
				r.faults.times(n, nil)
				skip := atomic.Int32{}
				r.faults.set(func(*http.Request) fault {
					if skip.Add(1) == n+1 {
						return inject
					}
					return nil
				})
				doc, err = r.Clusters.Update(ctx, "p", "a", count)
				must(t, err)
			}
			if doc.Cluster.Internal.Revision != 4 {
				t.Errorf("4 updates made revision %d", doc.Cluster.Internal.Revision)
			}
			r.faults.times(2, inject)
			got, err := r.Clusters.Get(ctx, "p", "a")
			must(t, err)
			if got.Cluster.Internal.Revision != 4 || got.ETag != doc.ETag {
				t.Errorf("stored revision %d", got.Cluster.Internal.Revision)
			}
			r.faults.times(2, inject)
			page, _, err := r.Clusters.List(ctx, store.Query{Partition: "p", Limit: 10})
			must(t, err)
			if len(page) != 1 {
				t.Errorf("%d documents are listed", len(page))
			}
			r.faults.times(2, inject)
			must(t, r.Clusters.Delete(ctx, got))
			if _, err := r.Clusters.Get(ctx, "p", "a"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("after the delete: %v", err)
			}
		})
	}
}

func wantConflict(t *testing.T, err error) {
	t.Helper()
	if !errors.As(err, new(*store.ConflictError)) {
		t.Errorf("got %v, want a conflict", err)
	}
}

// TestAWriteIsRecognisedUnderOthers loses the response to a write and lets another
// write follow before the retry.
func TestAWriteIsRecognisedUnderOthers(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r := newRig(t, startAccount(t))
	others := func(n int) func() {
		return func() {
			for range n {
				_, err := r.clean.Clusters.Update(ctx, "p", "a", count)
				must(t, err)
			}
		}
	}
	r.faults.times(1, after(syscall.ECONNRESET, others(2)))
	must(t, r.Clusters.Create(ctx, document("a")))

	doc, err := r.clean.Clusters.Get(ctx, "p", "a")
	must(t, err)
	var writes atomic.Int32
	r.faults.set(func(q *http.Request) fault {
		if q.Method == http.MethodPut && writes.Add(1) == 1 {
			return after(syscall.ECONNRESET, others(3))
		}
		return nil
	})
	_, err = r.Clusters.Update(ctx, "p", "a", count)
	must(t, err)
	r.faults.set(func(*http.Request) fault { return nil })
	got, err := r.Clusters.Get(ctx, "p", "a")
	must(t, err)
	if want := doc.Cluster.Internal.Revision + 4; got.Cluster.Internal.Revision != want {
		t.Errorf("4 updates made revision %d of %d: one was lost or done twice", got.Cluster.Internal.Revision, want)
	}
}

// TestAWriteThatCannotBeToldIsNotRepeated loses the answer to a write under more
// others than the document remembers.
func TestAWriteThatCannotBeToldIsNotRepeated(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const others = 40
	r := newRig(t, startAccount(t))
	must(t, r.Clusters.Create(ctx, document("a")))
	var writes atomic.Int32
	r.faults.set(func(q *http.Request) fault {
		if q.Method != http.MethodPut || writes.Add(1) > 1 {
			return nil
		}
		return after(syscall.ECONNRESET, func() {
			for range others {
				_, err := r.clean.Clusters.Update(ctx, "p", "a", count)
				must(t, err)
			}
		})
	})
	if _, err := r.Clusters.Update(ctx, "p", "a", count); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("the update ended with %v, want that its outcome is unknown", err)
	}
	got, err := r.clean.Clusters.Get(ctx, "p", "a")
	must(t, err)
	if n := got.Cluster.Internal.Revision; n != others+1 {
		t.Errorf("%d updates made revision %d", others+1, n)
	}
}

func TestLastingFaultsEndAsUnavailable(t *testing.T) {
	account := startAccount(t)
	for name, test := range map[string]struct {
		inject     fault
		retryAfter time.Duration
		cause      error
	}{
		"429 for a minute": {status(429, "x-ms-retry-after-ms", "60000"), time.Minute, nil},
		"429":              {status(429, "x-ms-retry-after-ms", "30"), 30 * time.Millisecond, nil},
		"503":              {status(503), 0, nil},
		"reset":            {before(syscall.ECONNRESET), 0, syscall.ECONNRESET},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r := newRig(t, account)
			kept := document("kept")
			must(t, r.Clusters.Create(ctx, kept))
			r.faults.set(func(*http.Request) fault { return test.inject })
			begin := time.Now()
			for what, err := range map[string]error{
				"create": r.Clusters.Create(ctx, document("new")),
				"delete": r.Clusters.Delete(ctx, kept),
				"ping":   r.Ping(ctx),
			} {
				var unavailable *store.UnavailableError
				if !errors.As(err, &unavailable) || !errors.Is(err, store.ErrUnavailable) {
					t.Fatalf("%s: %v", what, err)
				}
				if unavailable.RetryAfter != test.retryAfter {
					t.Errorf("%s: retry after %v, want %v", what, unavailable.RetryAfter, test.retryAfter)
				}
				if test.cause != nil && !errors.Is(err, test.cause) {
					t.Errorf("%s: %v does not tell its cause %v", what, err, test.cause)
				}
				if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s: the answer's text is in the error: %v", what, err)
				}
			}
			if took := time.Since(begin); took > 30*time.Second {
				t.Errorf("giving up three times took %v", took)
			}
			r.faults.set(func(*http.Request) fault { return nil })
			if _, err := r.Clusters.Get(ctx, "p", "new"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("a refused create left %v", err)
			}
			if got, err := r.Clusters.Get(ctx, "p", "kept"); err != nil || got.ETag != kept.ETag {
				t.Errorf("a refused delete left %v, %v", got, err)
			}
		})
	}
}

func TestAMissingContainerIsNoMissingDocument(t *testing.T) {
	r := newRig(t, startAccount(t))
	r.faults.set(func(*http.Request) fault { return status(404, "x-ms-substatus", "1003") })
	_, err := r.Clusters.Get(t.Context(), "p", "a")
	if err == nil || errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "container is missing") {
		t.Errorf("got %v", err)
	}
}

func TestTheDatabaseIsGivenTheTimeItAsksFor(t *testing.T) {
	r := newRig(t, startAccount(t))
	r.faults.times(2, status(429, "x-ms-retry-after-ms", "400"))
	begin := time.Now()
	must(t, r.Clusters.Create(t.Context(), document("a")))
	if took := time.Since(begin); took < 800*time.Millisecond {
		t.Errorf("asked twice for 400 ms it got %v", took)
	}
}

func TestWritersUnderChaosLoseAndDoubleNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	r := newRig(t, startAccount(t))
	must(t, r.Clusters.Create(ctx, document("a")))
	faults := []fault{
		status(429, "x-ms-retry-after-ms", "5"), status(503), half,
		before(syscall.ECONNRESET), after(syscall.ECONNRESET, nil), after(context.DeadlineExceeded, nil),
	}
	r.faults.set(func(*http.Request) fault {
		if rand.N(4) > 0 {
			return nil
		}
		return faults[rand.N(len(faults))]
	})
	var done, unknown atomic.Int64
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			for range 8 {
				if _, err := r.Clusters.Update(ctx, "p", "a", count); err == nil {
					done.Add(1)
				} else if errors.Is(err, store.ErrUnavailable) {
					unknown.Add(1) // it may or may not have happened
				} else {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	r.faults.set(func(*http.Request) fault { return nil })
	got, err := r.Clusters.Get(ctx, "p", "a")
	must(t, err)
	if n := got.Cluster.Internal.Revision; n < done.Load() || n > done.Load()+unknown.Load() {
		t.Errorf("%d updates, and %d of unknown outcome, made revision %d", done.Load(), unknown.Load(), n)
	}
}
