package rp

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"
)

// followPoll is the time between two looks at the clusters.
const followPoll = time.Second

// healthEvery is the number of looks at the clusters between two at the provider's
// health, which costs it a write to its database.
const healthEvery = 10

// progress is the progress of a cluster's operation, from the admin API.
type progress struct {
	ResourceID string     `json:"resourceId"`
	Name       string     `json:"name"`
	State      string     `json:"provisioningState"`
	Operation  *operation `json:"operation"`
}

type operation struct {
	Kind            string    `json:"kind"`
	Step            string    `json:"step"`
	PercentComplete int       `json:"percentComplete"`
	StartedAt       time.Time `json:"startedAt"`
	WaitingFor      string    `json:"waitingFor"`
}

// Follow writes a line to out whenever a cluster changes its state or its step,
// and when the provider stops being ready or is ready again, until ctx ends.
func (r *RP) Follow(ctx context.Context, out io.Writer) {
	seen, trouble := map[string]progress{}, ""
	tick := time.NewTicker(followPoll)
	defer tick.Stop()
	for looks := 1; ; looks++ {
		if now, err := r.clusters(ctx); err == nil {
			for _, line := range changes(seen, now, time.Now()) {
				_, _ = fmt.Fprintln(out, line)
			}
			seen = now
		}
		if looks%healthEvery == 0 {
			trouble = r.health(ctx, out, trouble)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// health writes whether the provider is ready if that changed, and returns why it is not.
func (r *RP) health(ctx context.Context, out io.Writer, before string) string {
	now := ""
	if err := r.ready(ctx); err != nil {
		now = err.Error()
	}
	if now == before || ctx.Err() != nil {
		return before
	}
	text := "the resource provider is ready again"
	if now != "" {
		text = "the resource provider is not ready: " + now
	}
	_, _ = fmt.Fprintf(out, "%s  %s\n", time.Now().Format(time.TimeOnly), text)
	return now
}

func (r *RP) clusters(ctx context.Context) (map[string]progress, error) {
	var list struct {
		Value []progress `json:"value"`
	}
	if err := r.call(ctx, http.MethodGet, "/admin/clusters", nil, &list); err != nil {
		return nil, err
	}
	clusters := map[string]progress{}
	for _, p := range list.Value {
		clusters[p.ResourceID] = p
	}
	return clusters, nil
}

// Step is what the operation of a cluster is at.
type Step struct {
	Name            string
	PercentComplete int
	// WaitingFor and LastError are why it has not ended; they may be empty.
	WaitingFor, LastError string
}

// Step returns the current step of the operation of a cluster, by the cluster's resource id; zero
// if none runs.
func (r *RP) Step(ctx context.Context, cluster string) (Step, error) {
	var explained struct {
		Operation   operation
		CurrentStep struct{ Name, WaitingFor, LastError string }
	}
	if err := r.call(ctx, http.MethodGet, "/admin"+cluster+"/explain", nil, &explained); err != nil {
		return Step{}, err
	}
	s := explained.CurrentStep
	return Step{Name: s.Name, PercentComplete: explained.Operation.PercentComplete, WaitingFor: s.WaitingFor, LastError: s.LastError}, nil
}

// changes are the lines that describe how after differs from before.
func changes(before, after map[string]progress, now time.Time) []string {
	var lines []string
	say := func(name, what string) {
		lines = append(lines, fmt.Sprintf("%s  %s: %s", now.Format(time.TimeOnly), name, what))
	}
	for _, id := range slices.Sorted(maps.Keys(after)) {
		if p, old := after[id], before[id]; p.describe() != old.describe() {
			say(p.Name, p.describe()+p.elapsed(now))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		if _, there := after[id]; !there {
			say(before[id].Name, "gone")
		}
	}
	return lines
}

// describe leaves out what changes all the time.
func (p progress) describe() string {
	if p.Operation == nil {
		return p.State
	}
	text := fmt.Sprintf("%s, %d %%", p.State, p.Operation.PercentComplete)
	if p.Operation.Step != "" {
		text += ", " + p.Operation.Step
	}
	if p.Operation.WaitingFor != "" {
		text += ": " + p.Operation.WaitingFor
	}
	return text
}

func (p progress) elapsed(now time.Time) string {
	if p.Operation == nil || p.Operation.StartedAt.IsZero() {
		return ""
	}
	return fmt.Sprintf(" (%s)", now.Sub(p.Operation.StartedAt).Truncate(time.Second))
}
