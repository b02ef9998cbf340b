package operator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// requests are those that an operator sent.
type requests struct {
	mu  sync.Mutex
	all []request
	// created are those that made an object.
	created []request
	denied  []string
	// mortal operators die once so many writes have reached the server, before they hear of the
	// last.
	mortal bool
	left   int
	dead   chan struct{}
}

// errDead is what a dead operator hears.
var errDead = errors.New("killed")

// alive reports whether the operator may still send.
func (r *requests) alive() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.dead:
		return !r.mortal
	default:
		return true
	}
}

// die ends a mortal operator whose writes are used up.
func (r *requests) die() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left--; !r.mortal || r.left > 0 {
		return false
	}
	select {
	case <-r.dead:
	default:
		close(r.dead)
	}
	return true
}

type request struct{ method, path string }

func (r request) write() bool { return r.method != http.MethodGet }

// counting records the requests that it passes on.
type counting struct {
	next http.RoundTripper
	to   *requests
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Query().Get("watch") == "" {
		c.to.mu.Lock()
		c.to.all = append(c.to.all, request{r.Method, r.URL.Path})
		c.to.mu.Unlock()
	}
	if !c.to.alive() {
		return nil, errDead
	}
	answer, err := c.next.RoundTrip(r)
	if r.Method != http.MethodGet && c.to.die() {
		if err == nil {
			_ = answer.Body.Close()
		}
		return nil, errDead
	}
	if err == nil && answer.StatusCode == http.StatusCreated {
		c.to.mu.Lock()
		c.to.created = append(c.to.created, request{r.Method, r.URL.Path})
		c.to.mu.Unlock()
	}
	if err == nil && answer.StatusCode == http.StatusForbidden {
		c.to.mu.Lock()
		c.to.denied = append(c.to.denied, fmt.Sprintf("%s %s?%s", r.Method, r.URL.Path, r.URL.RawQuery))
		c.to.mu.Unlock()
	}
	return answer, err
}

func (r *requests) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.all)
}

func (r *requests) forbidden() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.denied...)
}

// writes are those since the n-th request.
func (r *requests) writes(since int) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, one := range r.all[since:] {
		if one.write() {
			all = append(all, one.method+" "+one.path)
		}
	}
	return all
}

// reads are the number of those since the n-th request of paths that begin so.
func (r *requests) reads(since int, prefix string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.all[since:] {
		if !one.write() && strings.HasPrefix(one.path, prefix) {
			n++
		}
	}
	return n
}

// lockedBuffer takes the log of an operator.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) tail(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.b.String()
	return text[max(0, len(text)-n):]
}

// errors are the lines of a program's log that tell of errors.
func (l *lockedBuffer) errors() string {
	var found []string
	for line := range strings.Lines(l.tail(1 << 20)) {
		if strings.Contains(line, `"level":"ERROR"`) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}

func brief(o client.Object) string {
	o.SetManagedFields(nil)
	text, err := json.Marshal(o)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[:min(len(text), 1500)]))
}

// logged is nil once the operator's log has a text.
func (w *fixture) logged(part string) error {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	if !strings.Contains(w.log.b.String(), part) {
		return fmt.Errorf("the log says nothing of %q", part)
	}
	return nil
}
