package cosmos

import (
	"testing"
	"time"
)

// TestTheClockFollowsTheDatabases: leases end neither early nor much too late, whatever
// the database's clock does.
func TestTheClockFollowsTheDatabases(t *testing.T) {
	c := newClock()
	if _, _, known := c.bounds(); known {
		t.Error("the time is known before the database told it")
	}
	shown := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	for what, ahead := range map[string]time.Duration{"at first": 0, "set back": -time.Hour, "set forward": 3 * time.Hour} {
		truth := shown.Add(ahead)
		c.observe(truth.Truncate(time.Second), time.Now().Add(-50*time.Millisecond))
		least, most, _ := c.bounds()
		if now := float64(truth.Unix()); least < now || least > now+5 || most < now+1 || most > now+6 {
			t.Errorf("%s: from %.3f to %.3f, want about %.0f", what, least, most, now)
		}
		if due := c.dueAt(60); due < most+60 || due > most+61 {
			t.Errorf("%s: a minute later is %.3f", what, due)
		}
	}
	if c.dueAt(0) != 0 || c.dueAt(-1) != 0 {
		t.Error("what is due at once is not due at once")
	}
}

// TestAnswersNarrowTheClock: dates are whole seconds, but several of them give a
// better estimate.
func TestAnswersNarrowTheClock(t *testing.T) {
	c := newClock()
	begin := time.Now()
	truth := func(at time.Time) time.Time { return time.Unix(1_800_000_000, 0).Add(at.Sub(begin)) }
	for at := range 100 {
		now := begin.Add(time.Duration(at) * 10 * time.Millisecond)
		sent := time.Now()
		c.observe(truth(now).Truncate(time.Second).Add(sent.Sub(now)), sent) // as if it were that much later
	}
	least, most, _ := c.bounds()
	if most-least > 0.05 {
		t.Errorf("known to %.3f s", most-least)
	}
}
