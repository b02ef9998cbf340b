package portal

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	api "github.com/aro-rp/aro/generated/portal"
)

// clustersPage is how many clusters a page has.
const clustersPage = 100

// listing is the filter, order and page of the list of clusters.
type listing struct {
	Filter, State, Sort, Order string
	Page                       int
}

func listingOf(filter, state *string, sort, order string, page *int32) listing {
	l := listing{Filter: text(filter), State: text(state), Sort: sort, Order: order, Page: 1}
	if page != nil && *page > 1 {
		l.Page = int(*page)
	}
	return l
}

// found is a page of clusters.
type found struct {
	listing
	Rows     []*row
	Total    int
	Complete bool
	States   []stateCount
}

// stateCount is how many clusters are in a state.
type stateCount struct {
	State string
	Count int
}

// by compares rows by a column.
var by = map[string]func(a, b *row) int{
	"name":         func(a, b *row) int { return strings.Compare(a.Name, b.Name) },
	"state":        func(a, b *row) int { return strings.Compare(a.State, b.State) },
	"version":      compareVersions,
	"created":      func(a, b *row) int { return a.Created.Compare(b.Created) },
	"subscription": func(a, b *row) int { return strings.Compare(a.Subscription, b.Subscription) },
}

// compareVersions compares x.y.z by numbers.
func compareVersions(a, b *row) int {
	v, w := strings.Split(a.Version, "."), strings.Split(b.Version, ".")
	for i := range min(len(v), len(w)) {
		x, errX := strconv.Atoi(v[i])
		y, errY := strconv.Atoi(w[i])
		if errX != nil || errY != nil {
			return strings.Compare(a.Version, b.Version)
		}
		if x != y {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(len(v), len(w))
}

// sorted sorts rows by the column, and those that are equal by their ids.
func (o order) sorted(rows []*row) []*row {
	compare, direction := by[o.column], 1
	if o.descending {
		direction = -1
	}
	slices.SortFunc(rows, func(a, b *row) int { return cmp.Or(direction*compare(a, b), strings.Compare(a.Key, b.Key)) })
	return rows
}

// choose filters and pages rows, which are sorted.
func (l listing) choose(rows []*row) found {
	out := found{listing: l}
	words := strings.Fields(arm.ToLower(l.Filter))
	counts := map[string]int{}
	matching := make([]*row, 0, len(rows))
	for _, r := range rows {
		if slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(r.words, word) }) {
			continue
		}
		counts[r.State]++
		if l.State == "" || arm.EqualFold(l.State, r.State) {
			matching = append(matching, r)
		}
	}
	for state, n := range counts {
		out.States = append(out.States, stateCount{state, n})
	}
	slices.SortFunc(out.States, func(a, b stateCount) int { return strings.Compare(a.State, b.State) })
	out.Total = len(matching)
	out.Page = min(l.Page, max(1, (out.Total+clustersPage-1)/clustersPage))
	from := (out.Page - 1) * clustersPage
	out.Rows = matching[from:min(from+clustersPage, out.Total)]
	return out
}

// Link is the page with one thing changed.
func (f found) Link(name, value string) string {
	q := url.Values{}
	for n, v := range map[string]string{"filter": f.Filter, "state": f.State, "sort": f.Sort, "order": f.Order, name: value} {
		if v != "" {
			q.Set(n, v)
		}
	}
	if len(q) == 0 {
		return "/clusters"
	}
	return "/clusters?" + q.Encode()
}

// SortLink sorts by a column, or the other way if that is how it is sorted.
func (f found) SortLink(column string) string {
	g := f
	g.Order = ""
	if f.Sort == column && f.Order != "desc" {
		g.Order = "desc"
	}
	return g.Link("sort", column)
}

// AriaSort is the aria-sort attribute of a column.
func (f found) AriaSort(column string) string {
	switch {
	case f.Sort != column:
		return "none"
	case f.Order == "desc":
		return "descending"
	}
	return "ascending"
}

// First and Last are the numbers of the first and the last row that is shown.
func (f found) First() int { return min((f.Page-1)*clustersPage+1, f.Total) }

// Last is the number of the last row that is shown.
func (f found) Last() int { return min(f.Page*clustersPage, f.Total) }

// Before is the link to the page before, empty on the first.
func (f found) Before() string {
	if f.Page <= 1 {
		return ""
	}
	return f.Link("page", strconv.Itoa(f.Page-1))
}

// After is the link to the next page, empty on the last.
func (f found) After() string {
	if f.Last() >= f.Total {
		return ""
	}
	return f.Link("page", strconv.Itoa(f.Page+1))
}

func (p *Portal) find(c *call, l listing) found {
	if by[l.Sort] == nil {
		l.Sort = "name"
	}
	rows, complete := p.index.all(c.Ctx(), order{l.Sort, l.Order == "desc"})
	f := l.choose(rows)
	f.Complete = complete
	return f
}

// PortalShowClusters shows the clusters.
func (p *Portal) PortalShowClusters(ec echo.Context, q api.PortalShowClustersParams) error {
	c := ec.(*call)
	v := p.page(c, "Clusters")
	return v.show(c, v.clusters(p.find(c, listingOf(q.Filter, q.State, word(q.Sort), word(q.Order), q.Page))))
}

// PortalListClusters gives the clusters to scripts.
func (p *Portal) PortalListClusters(ec echo.Context, q api.PortalListClustersParams) error {
	c := ec.(*call)
	f := p.find(c, listingOf(q.Filter, q.State, word(q.Sort), word(q.Order), q.Page))
	list := api.ClusterList{Value: make([]api.ClusterItem, len(f.Rows)), Total: int32(f.Total), Complete: f.Complete}
	for i, r := range f.Rows {
		list.Value[i] = api.ClusterItem{Key: r.Key, Name: r.Name, Subscription: r.Subscription, ResourceGroup: r.ResourceGroup, ResourceID: r.ResourceID, ProvisioningState: r.State,
			FailedProvisioningState: present(r.Failed), Version: present(r.Version), Step: present(r.Step), ProvisionedBy: present(r.ProvisionedBy),
			CreatedAt: present(r.Created), LastModified: present(r.Modified)}
	}
	return c.JSONPretty(http.StatusOK, list, "    ")
}

// word is the value of an optional parameter of a few values.
func word[T ~string](s *T) string {
	if s == nil {
		return ""
	}
	return string(*s)
}

// present is nil for a zero value, which means absent.
func present[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
