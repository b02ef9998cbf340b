package cosmos

import (
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// clock knows what the database's clock shows, from the dates of its answers and from
// the monotonic clock of this process. What the wall clock of the machine shows does
// not matter.
type clock struct {
	begun time.Time

	mu sync.Mutex
	// The database's clock is ahead of the time since begun by at least and at most this.
	least, most time.Duration
	known       bool
}

func newClock() *clock { return &clock{begun: time.Now()} }

// resolution is that of dates in answers.
const resolution = time.Second

// note learns from the answer to a request that was sent then: it was dated in between.
func (c *clock) note(dated, sent time.Time) {
	since := time.Unix(0, 0)
	least := dated.Sub(since) - time.Since(c.begun)
	most := dated.Sub(since) + resolution - sent.Sub(c.begun)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known || least > c.most || most < c.least { // either clock was set, or stood still
		c.least, c.most, c.known = least, most, true
		return
	}
	c.least, c.most = max(c.least, least), min(c.most, most)
}

// bounds are what the database's clock shows now, in seconds since 1970: at least and
// at most. false as long as the database has not answered.
func (c *clock) bounds() (least, most float64, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Since(c.begun)
	return (now + c.least).Seconds(), (now + c.most).Seconds(), c.known
}

// Do implements policy.Policy.
func (c *clock) Do(r *policy.Request) (*http.Response, error) {
	sent := time.Now()
	answer, err := r.Next()
	if err == nil {
		if dated, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
			c.note(dated, sent)
		}
	}
	return answer, err
}

// dueAt is when a document is due that is written now and may be claimed after that
// many seconds: never too early, by the database's clock.
func (c *clock) dueAt(after float64) float64 {
	if after <= 0 {
		return 0
	}
	_, most, _ := c.bounds()
	return math.Ceil((most+after)*1000) / 1000
}
