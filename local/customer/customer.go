// Package customer does what a customer of managed OpenShift does with az: it
// creates, lists, shows, watches and deletes clusters through Azure Resource
// Manager, with the resource group, network and identities that they need, and
// fetches their kubeconfigs.
//
// It knows the public API of Azure and of the service and nothing else, so it
// works against the local Azure and a real one alike. Resources that it creates
// carry its tag, and it deletes only what carries it.
package customer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/azure/login"
	"github.com/aro-rp/aro/clients/go/aro20250725"
)

// ErrNotFound is returned for a cluster that does not exist.
var ErrNotFound = errors.New("the cluster does not exist")

// Customer acts in one subscription, and prints progress.
type Customer struct {
	session  *login.Session
	clusters *aro20250725.OpenShiftClustersClient
	out      io.Writer
	// watchAgain is the command with which to watch a cluster again; %s is its name.
	watchAgain   string
	pollInterval time.Duration
	// Steps returns the progress of a cluster's operation. The public API shows it only to the
	// client that began the operation; nil is for a service that shows it to no other client.
	Steps func(ctx context.Context, cluster string) (Progress, error)
}

// New returns a customer that is logged in as session. Progress is written to
// out. watchAgain is the command that shows the progress of a cluster again; %s
// stands for the cluster's name and flags.
func New(session *login.Session, out io.Writer, watchAgain string) (*Customer, error) {
	clusters, err := aro20250725.NewOpenShiftClustersClient(session.SubscriptionID, session.Credential, session.ARM())
	if err != nil {
		return nil, err
	}
	return &Customer{session: session, clusters: clusters, out: out, watchAgain: watchAgain, pollInterval: pollInterval}, nil
}

// Target is one cluster and what belongs to it.
type Target struct {
	Name  string `arg:"" help:"Name of the cluster, or its resource id."`
	Group string `short:"g" help:"Resource group of the cluster, its network and its identities. Default: the cluster's name."`
}

// The names that Azure takes: of a cluster, and of a resource group, which may
// have letters of any script but no dot at its end.
var (
	clusterName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
	groupName   = regexp.MustCompile(`^[\p{L}\p{Nd}_().-]{0,89}[\p{L}\p{Nd}_()-]$`)
	clusterID   = regexp.MustCompile(`(?i)^/subscriptions/[^/]+/resourceGroups/([^/]+)/providers/Microsoft\.RedHatOpenShift/openShiftClusters/([^/]+)$`)
)

// Check resolves a resource id into name and group, applies the default group
// and validates both names, before anything is created.
func (t *Target) Check() error {
	if m := clusterID.FindStringSubmatch(t.Name); m != nil {
		if t.Group != "" && !arm.EqualFold(t.Group, m[1]) {
			return fmt.Errorf("--group: the resource id %s is in the group %s", t.Name, m[1])
		}
		t.Group, t.Name = m[1], m[2]
	}
	if !clusterName.MatchString(t.Name) {
		return fmt.Errorf("%q is not a valid cluster name: use 1 to 63 letters, digits and hyphens, with a letter or digit at both ends", t.Name)
	}
	if t.Group == "" {
		t.Group = t.Name
	}
	if !groupName.MatchString(t.Group) {
		return fmt.Errorf("--group: %q is not a valid resource group name: use up to 90 letters, digits, underscores, hyphens, parentheses and periods, without a period at the end", t.Group)
	}
	return nil
}

// Arguments returns the arguments with which the target is named again.
func (t Target) Arguments() string {
	if t.Group == t.Name {
		return t.Name
	}
	return t.Name + " --group '" + t.Group + "'"
}

// managedGroup returns the name of the resource group that the service makes for
// the cluster. It contains the group, so that clusters of one name differ.
func (t Target) managedGroup() string {
	if t.Group == t.Name {
		return "aro-" + t.Name
	}
	return "aro-" + strings.TrimRight(t.Group[:min(len(t.Group), 60)], ".") + "-" + t.Name[:min(len(t.Name), 25)]
}

func (c *Customer) groupID(group string) string {
	return "/subscriptions/" + c.session.SubscriptionID + "/resourceGroups/" + url.PathEscape(group)
}

func (c *Customer) say(format string, args ...any) {
	_, _ = fmt.Fprintf(c.out, "      "+format+"\n", args...)
}

// read reads a resource into a value, and reports whether it exists.
func (c *Customer) read(ctx context.Context, id, version string, into any) (exists bool, err error) {
	_, err = c.session.Call(ctx, http.MethodGet, id+"?api-version="+version, nil, into)
	if missing(err) {
		return false, nil
	}
	return err == nil, err
}

// cluster reads the cluster; it returns nil if there is none.
func (c *Customer) cluster(ctx context.Context, t Target) (*aro20250725.OpenShiftCluster, error) {
	answer, err := c.clusters.Get(ctx, t.Group, t.Name, nil)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the cluster: %w", err)
	}
	return &answer.OpenShiftCluster, nil
}

func state(cl *aro20250725.OpenShiftCluster) aro20250725.ProvisioningState {
	if cl == nil || cl.Properties == nil || cl.Properties.ProvisioningState == nil {
		return ""
	}
	return *cl.Properties.ProvisioningState
}

// code returns the error code of Azure's answer.
func code(err error) string {
	if refused, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return refused.ErrorCode
	}
	return ""
}

func missing(err error) bool {
	refused, ok := errors.AsType[*azcore.ResponseError](err)
	return ok && refused.StatusCode == http.StatusNotFound
}
