package azure

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aro-rp/aro/local/azure/resources"
)

// bucket sizes and what comes back each second, per subscription and principal,
// as ARM publishes them.
type size struct{ full, refill float64 }

var (
	readSize   = size{250, 25}
	writeSize  = size{200, 10}
	deleteSize = size{200, 10}
)

// maxBuckets bounds memory; beyond it everybody starts with a full bucket again.
const maxBuckets = 10000

// limits are the token buckets of the resource manager.
type limits struct {
	now     func() time.Time
	mutex   sync.Mutex
	buckets map[meter]*bucket
}

type bucket struct {
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
	caller       string
}

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

// take uses one token and tells what is left.
func (l *limits) take(h http.Header, call *resources.Call) error {
	on := meterOf(call)
	scope := "subscription"
	if on.subscription == "" {
		scope = "tenant"
	}
	left, wait := l.use(on)
	h.Set("x-ms-ratelimit-remaining-"+scope+"-"+on.kind, strconv.Itoa(left))
	if wait > 0 {
		refusal := resources.Refuse(http.StatusTooManyRequests, "SubscriptionRequestsThrottled", "Number of '%s' requests for subscription '%s' actor '%s' exceeded. Please try again after '%d' seconds.", strings.TrimSuffix(on.kind, "s"), on.subscription, on.caller, wait)
		refusal.RetryAfter = wait
		return refusal
	}
	return nil
}

// use returns what is left of a bucket, and how many seconds to wait if it is empty.
func (l *limits) use(on meter) (left, wait int) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	b := l.filled(on)
	if b.tokens < 1 {
		return 0, max(1, int(math.Ceil((1-b.tokens)/on.refill)))
	}
	b.tokens--
	return int(b.tokens), 0
}

// drain takes all that is in the bucket that a call is counted on.
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
		b = &bucket{tokens: on.full, at: now}
		l.buckets[on] = b
	}
	b.tokens = math.Min(on.full, b.tokens+now.Sub(b.at).Seconds()*on.refill)
	b.at = now
	return b
}
