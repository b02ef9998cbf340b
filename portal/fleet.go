package portal

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	api "github.com/aro-rp/aro/generated/portal"
	"github.com/aro-rp/aro/model"
)

const (
	// stuckAfter is the time in one step after which an operation counts as stuck.
	stuckAfter = 30 * time.Minute
	// operationsShown bounds the operations on the page.
	operationsShown = 50
)

// fleet describes all clusters together.
type fleet struct {
	Total    int
	Complete bool
	// States, Versions and Failures are numbers of clusters, the largest first. Failures are
	// the error codes of the last operations that failed.
	States, Versions, Failures []share
	// Workers are the processes that hold operations, with their numbers.
	Workers []share
	// Running is the number of operations, Stuck how many of them are stuck, and Operations
	// those that are longest in their step.
	Running, Stuck int
	Operations     []*row
	Now            time.Time
}

// share is the number of clusters with something in common, and a link to them.
type share struct {
	Name  string
	Count int
	Link  string
}

// fleetOf summarizes rows.
func fleetOf(rows []*row, now time.Time) fleet {
	f := fleet{Total: len(rows), Now: now}
	states, versions, failures, workers := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for _, r := range rows {
		states[r.State]++
		versions[r.Version]++
		if r.State == string(model.Failed) {
			failures[r.Code]++
		}
		if r.Since.IsZero() {
			continue
		}
		f.Operations = append(f.Operations, r)
		workers[cmp.Or(r.Owner, "no worker")]++
		if r.stuck(now) {
			f.Stuck++
		}
	}
	f.Running = len(f.Operations)
	slices.SortFunc(f.Operations, func(a, b *row) int { return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.Key, b.Key)) })
	f.Operations = f.Operations[:min(len(f.Operations), operationsShown)]
	f.States = shares(states, func(state string) url.Values { return url.Values{"state": {state}} })
	f.Versions = shares(versions, func(version string) url.Values { return url.Values{"filter": {version}} })
	f.Failures = shares(failures, func(code string) url.Values {
		return url.Values{"state": {string(model.Failed)}, "filter": {code}}
	})
	f.Workers = shares(workers, nil)
	return f
}

// shares lists counts, the largest first, with links to the pages of clusters that query
// selects.
func shares(counts map[string]int, query func(string) url.Values) []share {
	list := make([]share, 0, len(counts))
	for name, n := range counts {
		s := share{Name: cmp.Or(name, "unknown"), Count: n}
		if query != nil && name != "" {
			s.Link = "/clusters?" + query(name).Encode()
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b share) int { return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name)) })
	return list
}

// stuck reports whether the cluster's operation is in one step for too long.
func (r *row) stuck(now time.Time) bool { return !r.Since.IsZero() && now.Sub(r.Since) >= stuckAfter }

// fleet reads the index. It needs no order.
func (p *Portal) fleet(c *call) fleet {
	rows, complete := p.index.all(c.Ctx(), order{column: "name"})
	f := fleetOf(rows, p.Now())
	f.Complete = complete
	return f
}

// PortalShowFleet shows all clusters together.
func (p *Portal) PortalShowFleet(ec echo.Context) error {
	c := ec.(*call)
	v := p.page(c, "Fleet")
	return v.show(c, v.fleet(p.fleet(c)))
}

// PortalGetFleet returns the same to scripts.
func (p *Portal) PortalGetFleet(ec echo.Context) error {
	c := ec.(*call)
	f := p.fleet(c)
	answer := api.Fleet{Total: int32(f.Total), Complete: f.Complete, Running: int32(f.Running), Stuck: int32(f.Stuck),
		States: counted(f.States), Versions: counted(f.Versions), Failures: counted(f.Failures), Workers: counted(f.Workers),
		Operations: make([]api.FleetOperation, len(f.Operations))}
	for i, r := range f.Operations {
		answer.Operations[i] = api.FleetOperation{ResourceID: r.ResourceID, Kind: r.Kind, Step: present(r.Step), Since: r.Since, Worker: present(r.Owner), Lost: int32(r.Lost), Stuck: r.stuck(f.Now)}
	}
	return c.JSONPretty(http.StatusOK, answer, "    ")
}

func counted(list []share) []api.Count {
	counts := make([]api.Count, len(list))
	for i, s := range list {
		counts[i] = api.Count{Name: s.Name, Count: int32(s.Count)}
	}
	return counts
}
