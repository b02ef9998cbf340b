package cosmos

import (
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// clock estimates the database's clock from the dates of its responses and the
// monotonic clock of this process. It does not depend on the wall clock of the
// machine.
type clock struct {
	begun time.Time

	mu sync.Mutex
	// The database's clock is ahead of the time since begun by at least `least` and at
	// most `most`.
	least, most time.Duration
	known       bool
}

func newClock() *clock { return &clock{begun: time.Now()} }

// resolution is that of the Date header.
const resolution = time.Second

// observe uses the date of a response to a request that was sent at the given time.
func (c *clock) observe(dated, sent time.Time) {
	since := time.Unix(0, 0)
	least := dated.Sub(since) - time.Since(c.begun)
	most := dated.Sub(since) + resolution - sent.Sub(c.begun)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known || least > c.most || most < c.least { // one of the clocks was set, or stopped
		c.least, c.most, c.known = least, most, true
		return
	}
	c.least, c.most = max(c.least, least), min(c.most, most)
}

// bounds returns the minimum and maximum of the database's clock now, in seconds
// since 1970; false before the first response.
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
			c.observe(dated, sent)
		}
	}
	return answer, err
}

// dueAt returns the time from which a document that is written now is due, if it
// may be claimed after that many seconds: never too early by the database's clock.
func (c *clock) dueAt(after float64) float64 {
	if after <= 0 {
		return 0
	}
	_, most, _ := c.bounds()
	return math.Ceil((most+after)*1000) / 1000
}
