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
	buckets map[string]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimits(now func() time.Time) *limits { return &limits{now: now, buckets: map[string]*bucket{}} }

// take uses one token and tells what is left.
func (l *limits) take(h http.Header, call *resources.Call) error {
	kind, s := "writes", writeSize
	switch call.Method {
	case http.MethodGet, http.MethodHead:
		kind, s = "reads", readSize
	case http.MethodDelete:
		kind, s = "deletes", deleteSize
	}
	scope := "subscription"
	subscription := strings.ToLower(resources.Subscription(call.Path))
	if subscription == "" {
		scope = "tenant"
	}
	left, wait := l.use(kind+" "+subscription+" "+call.Caller.ObjectID, s)
	h.Set("x-ms-ratelimit-remaining-"+scope+"-"+kind, strconv.Itoa(left))
	if wait > 0 {
		refusal := resources.Refuse(http.StatusTooManyRequests, "SubscriptionRequestsThrottled", "Number of '%s' requests for subscription '%s' actor '%s' exceeded. Please try again after '%d' seconds.", strings.TrimSuffix(kind, "s"), subscription, call.Caller.ObjectID, wait)
		refusal.RetryAfter = wait
		return refusal
	}
	return nil
}

// use returns what is left of a bucket, and how many seconds to wait if it is empty.
func (l *limits) use(key string, s size) (left, wait int) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	now := l.now()
	b := l.buckets[key]
	if b == nil {
		if len(l.buckets) >= maxBuckets {
			clear(l.buckets)
		}
		b = &bucket{tokens: s.full, at: now}
		l.buckets[key] = b
	}
	b.tokens = math.Min(s.full, b.tokens+now.Sub(b.at).Seconds()*s.refill)
	b.at = now
	if b.tokens < 1 {
		return 0, max(1, int(math.Ceil((1-b.tokens)/s.refill)))
	}
	b.tokens--
	return int(b.tokens), 0
}
