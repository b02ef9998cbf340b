package portal

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/access"
	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/store"
)

// details is what the page of a cluster shows.
type details struct {
	ID          arm.ClusterID
	Cluster     *model.Cluster
	Modified    time.Time
	Owner       string
	Lost        int
	Installed   string
	Events      []event
	Kubeconfigs []kubeconfig
	Check       store.LastCheck
	History     []pastOperation
	Now         time.Time
}

// event is a line of the timeline.
type event struct {
	At time.Time
	// Kind is the style of the line: state, step, current or failure.
	Kind, What, Note string
	Took             time.Duration
	Attempts         int
	Waits            []wait
}

// wait is how long a step waited, and for what.
type wait struct {
	For string
	Was time.Duration
}

// kubeconfig is one that the reader has.
type kubeconfig struct {
	ID                 string
	Elevated           bool
	Created, ExpiresAt time.Time
}

// view reads the cluster of the path without its secrets.
func (p *Portal) view(c *call) (*store.ClusterDocument, error) {
	id := c.clusterID()
	doc, err := p.Store.Clusters.View(c.Ctx(), id.Partition(), id.Key())
	if errors.Is(err, store.ErrNotFound) {
		p.index.forget(id.Key())
		return nil, armhttp.NotFound(id)
	}
	return doc, err
}

// PortalShowCluster shows a cluster.
func (p *Portal) PortalShowCluster(ec echo.Context, _, _, _ string) error {
	c := ec.(*call)
	doc, err := p.view(c)
	if err != nil {
		return p.deleted(c, err)
	}
	d := details{ID: c.clusterID(), Cluster: &doc.Cluster, Modified: doc.WrittenAt, Owner: doc.Owner, Lost: doc.Lost, Installed: installStatus(&doc.Cluster),
		Events: timeline(&doc.Cluster), Now: p.Now()}
	if d.Kubeconfigs, err = p.kubeconfigs(c); err != nil {
		return err
	}
	if d.Check, err = p.Store.LastCheck(c.Ctx(), d.ID, doc.Cluster.Internal.UID); err != nil {
		return err
	}
	if d.History, err = p.history(c); err != nil {
		return err
	}
	v := p.page(c, doc.Cluster.Name)
	return v.show(c, v.cluster(d))
}

// deleted shows what happened to a cluster that is not there any more, or reason if nothing is known of it.
func (p *Portal) deleted(c *call, reason error) error {
	if !arm.ResourceNotFound.Is(reason) {
		return reason
	}
	past, err := p.history(c)
	if err != nil {
		return err
	}
	if len(past) == 0 {
		return reason
	}
	v := p.page(c, c.clusterID().Name)
	return v.show(c, v.deleted(details{ID: c.clusterID(), History: past}))
}

// fact is a line of the overview.
type fact struct {
	name, text string
	code       bool
}

// facts are the lines of the overview.
func (d details) facts() []fact {
	c, p, in := d.Cluster, &d.Cluster.Properties, &d.Cluster.Internal
	facts := []fact{
		{name: "Resource id", text: c.ID, code: true},
		{name: "Version", text: p.ClusterProfile.Version},
		{name: "Location", text: c.Location},
		{name: "Installation", text: d.Installed},
		{name: "API server", text: fmt.Sprintf("%s (%s)", cmp.Or(p.APIServerProfile.URL, "–"), cmp.Or(string(p.APIServerProfile.Visibility), "–"))},
		{name: "Console", text: p.ConsoleProfile.URL},
		{name: "Infra id", text: in.InfraID},
		{name: "Created", text: when(in.CreatedAt) + " by build " + cmp.Or(in.CreatedBy, "–")},
		{name: "Provisioned by", text: in.ProvisionedBy},
		{name: "Document written", text: when(d.Modified)},
		{name: "Last state", text: string(in.LastProvisioningState)},
		{name: "Maintenance", text: strings.TrimSuffix(cmp.Or(string(in.MaintenanceState), "None")+", "+string(in.MaintenanceTask), ", ")},
		{name: "Last maintenance error", text: in.LastAdminUpdateError},
		{name: "Lease", text: d.lease()},
	}
	if o := in.Observation; o != nil {
		facts = append(facts, fact{name: "Asked last", text: strings.TrimSuffix(when(o.TriedAt)+": "+o.Error, ": ")})
	}
	for i := range facts {
		facts[i].text = cmp.Or(facts[i].text, "–")
	}
	return facts
}

func (d details) lease() string {
	holder := cmp.Or(d.Owner, "no process")
	if d.Lost > 0 {
		holder += fmt.Sprintf(", lost %d times", d.Lost)
	}
	return holder
}

// monitored is which monitor checks the cluster.
func (d details) monitored() string {
	if d.Check.Monitor == "" {
		return "No monitor checks this cluster."
	}
	return "Monitor " + d.Check.Monitor + " checks it, last seen " + ago(d.Now.Sub(d.Check.SeenAt)) + " ago."
}

// dimensions are those of a problem, as one text.
func dimensions(p model.MonitorProblem) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(p.Dimensions)) {
		parts = append(parts, name+"="+p.Dimensions[name])
	}
	return strings.Join(parts, " ")
}

func installStatus(c *model.Cluster) string {
	if op := c.Internal.Operation; op != nil && op.Kind == model.Create {
		return "Installing"
	}
	if c.Internal.FailedProvisioningState == model.Creating {
		return "Failed"
	}
	return "Installed"
}

// timeline returns the cluster's operations and steps, the newest first.
func timeline(c *model.Cluster) []event {
	var events []event
	in := &c.Internal
	for _, t := range in.Transitions {
		what := "became " + string(t.To)
		if t.From != "" {
			what = string(t.From) + " → " + string(t.To)
		}
		e := event{At: t.At, Kind: "state", What: what}
		if t.Reason != "" {
			e.Kind, e.Note = "failure", t.Reason
		}
		events = append(events, e)
	}
	if op := in.Operation; op != nil {
		for i := range op.Finished {
			events = append(events, stepEvent(&op.Finished[i], "step"))
		}
		if op.Current != nil {
			events = append(events, stepEvent(op.Current, "current"))
		}
	}
	if f := in.LastFailure; f != nil {
		events = append(events, event{At: f.At, Kind: "failure", What: strings.TrimSpace("failed " + f.Step), Note: f.Error.Code + ": " + f.Error.Message})
	}
	slices.SortStableFunc(events, func(a, b event) int { return b.At.Compare(a.At) })
	return events
}

func stepEvent(s *model.Step, kind string) event {
	e := event{At: s.StartedAt, Kind: kind, What: s.Name, Attempts: s.Attempts, Note: s.LastError}
	if !s.EndedAt.IsZero() {
		e.Took = s.EndedAt.Sub(s.StartedAt)
	}
	if kind == "current" && s.WaitingFor != "" {
		e.Note = strings.TrimSuffix("waiting for "+s.WaitingFor+"; "+s.LastError, "; ")
	}
	for who, seconds := range s.Waited {
		e.Waits = append(e.Waits, wait{who, time.Duration(seconds * float64(time.Second))})
	}
	slices.SortFunc(e.Waits, func(a, b wait) int { return cmp.Or(cmp.Compare(b.Was, a.Was), strings.Compare(a.For, b.For)) })
	return e
}

// kubeconfigs are those that the reader has for the cluster of the path.
func (p *Portal) kubeconfigs(c *call) ([]kubeconfig, error) {
	var all []kubeconfig
	q := store.Query{Partition: access.Holder(c.session.ObjectID), Limit: indexPage}
	for {
		docs, next, err := p.Store.Portal.List(c.Ctx(), q)
		if err != nil {
			return nil, err
		}
		for _, doc := range docs {
			a := &doc.Portal
			if a.Kind == model.PortalKubeconfig && arm.ToLower(a.ClusterID) == arm.ToLower(c.clusterID().String()) && a.ExpiresAt.After(p.Now()) {
				all = append(all, kubeconfig{ID: doc.ID, Elevated: a.Elevated, Created: a.CreatedAt, ExpiresAt: a.ExpiresAt})
			}
		}
		if q.Continuation = next; next == "" {
			break
		}
	}
	slices.SortFunc(all, func(a, b kubeconfig) int { return b.Created.Compare(a.Created) })
	return all, nil
}

// historyShown bounds the ended operations on the page of a cluster.
const historyShown = 50

// history reads the operations of the cluster of the path that have ended, the newest first.
func (p *Portal) history(c *call) ([]pastOperation, error) {
	docs, _, err := p.Store.History.List(c.Ctx(), store.Query{Partition: store.HistoryPartition(c.clusterID()), Limit: historyShown})
	entries := make([]pastOperation, len(docs))
	for i, doc := range docs {
		entries[i] = pastOperation{doc.Entry}
	}
	return entries, err
}

// pastOperation is an operation that has ended.
type pastOperation struct{ model.HistoryEntry }

// name is the operation in a few words.
func (o pastOperation) name() string {
	name := string(o.Kind)
	if o.MaintenanceTask != "" {
		name += " (" + string(o.MaintenanceTask) + ")"
	}
	return name + ", " + when(o.StartedAt)
}

// facts are who asked for the operation, and how.
func (o pastOperation) facts() []fact {
	return []fact{
		{name: "Requested by", text: orDash(o.RequestedBy)},
		{name: "api-version", text: orDash(o.APIVersion)},
		{name: "Correlation id", text: orDash(o.CorrelationID), code: true},
		{name: "Operation", text: o.OperationID, code: true},
		{name: "Took", text: took(o.EndedAt.Sub(o.StartedAt))},
	}
}

// orDash is a value, or a dash for none.
func orDash(value string) string { return cmp.Or(value, "–") }

// events are the steps, in order.
func (o pastOperation) events() []event {
	events := make([]event, len(o.Steps))
	for i := range o.Steps {
		kind := "step"
		if i == len(o.Steps)-1 && o.State != model.Succeeded {
			kind = "failure"
		}
		events[i] = stepEvent(&o.Steps[i], kind)
	}
	return events
}
