package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/aro-rp/aro/azure"
)

// Options of a deployment.
type Options struct {
	Region *Region
	// Build is the tag of the image that the region is to run.
	Build string
	Cloud azure.Cloud
	// Credential of who deploys, and Transport of the requests.
	Credential azcore.TokenCredential
	Transport  *http.Client
	// Progress gets a line for everything that begins or ends.
	Progress io.Writer
	// DryRun shows what would change, and changes nothing.
	DryRun bool
	// Poll is the time between two looks at what takes long; 10 s if 0.
	Poll time.Duration
}

const defaultPoll = 10 * time.Second

// rollout is a deployment that runs.
type rollout struct {
	Options
	*clients
	// outputs of the templates that were deployed, by name.
	outputs map[string]any
	began   time.Time
}

// step of a deployment. Each looks at what is there and makes what is missing.
type step struct {
	name string
	run  func(ctx context.Context) error
}

// errUnknown ends a dry run before a step whose parameters are only known once an earlier
// one has run.
var errUnknown = errors.New("its parameters are known once what is before it is deployed")

// Run deploys a build to a region, or continues a deployment that was interrupted. At the
// end the machines of the build serve, and no others.
func Run(ctx context.Context, o Options) error {
	switch {
	case o.Build == "" || o.Build == "unknown" || o.Build == "(devel)":
		return errors.New("the build to deploy is not known: name one")
	case strings.HasSuffix(o.Build, "-dirty") && !o.Cloud.Custom:
		return fmt.Errorf("the build %s has changes that are not committed, and would be no build that can be found again", o.Build)
	}
	if o.Poll == 0 {
		o.Poll = defaultPoll
	}
	c, err := newClients(&o)
	if err != nil {
		return err
	}
	r := &rollout{Options: o, clients: c, outputs: map[string]any{}, began: time.Now()}
	steps := r.steps()
	for i, s := range steps {
		began := time.Now()
		r.say("[%2d/%d] %s", i+1, len(steps), s.name)
		err := s.run(ctx)
		if o.DryRun && errors.Is(err, errUnknown) {
			r.say("        %v", errUnknown)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		r.say("        done after %s", time.Since(began).Round(100*time.Millisecond))
	}
	return nil
}

// say writes a line of progress. An error of the writer does not stop a deployment.
func (r *rollout) say(format string, args ...any) {
	_, _ = fmt.Fprintf(r.Progress, "%7s  "+format+"\n", append([]any{time.Since(r.began).Round(100 * time.Millisecond)}, args...)...)
}

func (r *rollout) steps() []step {
	return []step{
		{"resource groups", r.groups},
		{"what regions of the subscription share", r.subscription},
		{"identity of the machines", r.identities},
		{"what all regions share", r.global},
		{"replication of the registry", r.replication},
		{"networks", r.network},
		{"key vaults", r.vaults},
		{"secrets and certificates", r.secrets},
		{"load balancer, database, zones, alerts", r.region},
		{"names of the region", r.records},
		{"machines of " + r.Build, r.machines},
		{"health of the new machines", r.awaitHealthy},
		{"hand over, and removal of the old machines", r.retire},
		{"record of the version", r.recordVersion},
	}
}

// text is an output of a template that was deployed.
func (r *rollout) text(name string) string {
	s, _ := r.outputs[name].(string)
	return s
}

// wait pauses between two looks.
func (r *rollout) wait(ctx context.Context) error {
	timer := time.NewTimer(r.Poll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
