package cloud

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aro-rp/aro/local/cloud/resources"
)

// bucket sizes and what comes back each second, per subscription and principal,
// as ARM publishes them.
type size struct{ full, refill float64 }

var (
	readSize   = size{250, 25}
	writeSize  = size{200, 10}
	deleteSize = size{200, 10}
)

// shared is how many times the size of a principal's bucket all principals together
// have in a subscription.
const shared = 15

// maxBuckets bounds memory; beyond it all callers start with a full bucket again.
const maxBuckets = 10000

// limits are the token buckets of the resource manager.
type limits struct {
	now     func() time.Time
	mutex   sync.Mutex
	buckets map[meter]*bucket
}

type bucket struct {
	size
	tokens float64
	at     time.Time
}

func newLimits(now func() time.Time) *limits {
	return &limits{now: now, buckets: map[meter]*bucket{}}
}

// meter is what a call is counted on.
type meter struct {
	size
	kind         string // of calls
	subscription string // empty for the tenant
	caller       string // empty for all together
}

// meterOf counts a call of its principal.
func meterOf(call *resources.Call) meter {
	m := meter{writeSize, "writes", strings.ToLower(resources.Subscription(call.Path)), call.Caller.ObjectID}
	switch call.Method {
	case http.MethodGet, http.MethodHead:
		m.size, m.kind = readSize, "reads"
	case http.MethodDelete:
		m.size, m.kind = deleteSize, "deletes"
	}
	return m
}

// ofAll is the meter that the calls of all principals are counted on.
func (m meter) ofAll() meter {
	m.size = size{shared * m.full, shared * m.refill}
	m.caller = ""
	return m
}

// take uses one token of each bucket of a call, none if one is empty, and returns what remains.
func (l *limits) take(h http.Header, call *resources.Call) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	on := meterOf(call)
	const remaining = "x-ms-ratelimit-remaining-"
	buckets := map[string]*bucket{remaining + "tenant-" + on.kind: l.filled(on)}
	if on.subscription != "" {
		buckets = map[string]*bucket{remaining + "subscription-" + on.kind: l.filled(on), remaining + "subscription-global-" + on.kind: l.filled(on.ofAll())}
	}
	wait := 0
	for _, b := range buckets {
		wait = max(wait, b.wait())
	}
	for header, b := range buckets {
		if wait == 0 {
			b.tokens--
		}
		h.Set(header, strconv.Itoa(int(b.tokens)))
	}
	if wait > 0 {
		refusal := resources.Refuse(http.StatusTooManyRequests, "SubscriptionRequestsThrottled", "Number of '%s' requests for subscription '%s' actor '%s' exceeded. Please try again after '%d' seconds.", strings.TrimSuffix(on.kind, "s"), on.subscription, on.caller, wait)
		refusal.RetryAfter = wait
		return refusal
	}
	return nil
}

// wait is how many seconds it takes until there is a token, 0 if there is one.
func (b *bucket) wait() int {
	if b.tokens >= 1 {
		return 0
	}
	return max(1, int(math.Ceil((1-b.tokens)/b.refill)))
}

// drain takes all that is in the bucket of a call's principal.
func (l *limits) drain(call *resources.Call) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.filled(meterOf(call)).tokens = 0
}

// filled is a bucket with what flowed in until now.
func (l *limits) filled(on meter) *bucket {
	now := l.now()
	b := l.buckets[on]
	if b == nil {
		if len(l.buckets) >= maxBuckets {
			clear(l.buckets)
		}
		b = &bucket{size: on.size, tokens: on.full, at: now}
		l.buckets[on] = b
	}
	b.tokens = math.Min(b.full, b.tokens+now.Sub(b.at).Seconds()*b.refill)
	b.at = now
	return b
}
