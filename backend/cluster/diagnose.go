package cluster

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources"

	"github.com/aro-rp/aro/azure"
	"github.com/aro-rp/aro/model"
	"github.com/aro-rp/aro/openshift"
)

// Bounds of what is stored, in bytes and machines.
const (
	maxFindings    = 64 << 10
	maxFinding     = 8 << 10
	maxSerialLog   = 4 << 10
	maxSerialRead  = 1 << 20
	maxShownErrors = 1 << 10
	maxMachines    = 8
)

// Diagnose returns a function that collects facts that explain why a step failed, while they can
// still be read. It queries all sources at once, until ctx ends, and never fails: an unavailable
// source is a finding too.
func Diagnose(d Dependencies) func(ctx context.Context, c *model.Cluster, step string, cause error) *model.Diagnostics {
	s := newSteps(d).diagnosis
	return func(ctx context.Context, c *model.Cluster, step string, cause error) *model.Diagnostics {
		found := &model.Diagnostics{At: s.now().UTC(), Findings: []model.Finding{{Name: "step", Text: step + ": " + cut(cause.Error(), maxShownErrors)}}}
		for _, part := range s.lookAround(ctx, c) {
			found.Findings = append(found.Findings, part...)
		}
		found.Findings = bounded(found.Findings)
		return found
	}
}

// diagnosis collects what explains a failure.
type diagnosis struct {
	azure *azureAccess
	now   func() time.Time
}

// lookAround queries Azure and the cluster, each with its own timeout.
func (s *diagnosis) lookAround(ctx context.Context, c *model.Cluster) [][]model.Finding {
	looks := []func(context.Context, *model.Cluster) []model.Finding{
		s.azureFindings(failedOperations), s.azureFindings(balancerFindings), s.azureFindings(s.machineFindings), clusterFindings,
	}
	parts := make([][]model.Finding, len(looks))
	var group sync.WaitGroup
	for i, look := range looks {
		group.Go(func() { parts[i] = look(ctx, c) })
	}
	group.Wait()
	return parts
}

type azureLook func(ctx context.Context, clients *azure.Clients, c *model.Cluster) ([]model.Finding, error)

func (s *diagnosis) azureFindings(look azureLook) func(context.Context, *model.Cluster) []model.Finding {
	return func(ctx context.Context, c *model.Cluster) []model.Finding {
		clients, err := s.azure.customer(c)
		if err != nil {
			return []model.Finding{unseen("Azure", err)}
		}
		found, err := look(ctx, clients, c)
		if err != nil {
			found = append(found, unseen("Azure", err))
		}
		return found
	}
}

func unseen(what string, err error) model.Finding {
	return model.Finding{Name: what, Text: "cannot be seen: " + cut(err.Error(), maxShownErrors)}
}

// failedOperations returns the deployment operations that failed.
func failedOperations(ctx context.Context, clients *azure.Clients, c *model.Cluster) ([]model.Finding, error) {
	var found []model.Finding
	for _, name := range deployments() {
		var lines []string
		for pages := clients.Operations.NewListPager(managedGroup(c), name, nil); pages.More(); {
			page, err := pages.NextPage(ctx)
			if azure.NotFound(err) {
				break
			}
			if err != nil {
				return found, err
			}
			for _, o := range page.Value {
				if line := failedOperation(o); line != "" {
					lines = append(lines, line)
				}
			}
		}
		if len(lines) > 0 {
			found = append(found, model.Finding{Name: "deployment " + name, Text: strings.Join(lines, "\n")})
		}
	}
	return found, nil
}

func failedOperation(o *armresources.DeploymentOperation) string {
	p := o.Properties
	if p == nil || deref(p.ProvisioningState) != "Failed" {
		return ""
	}
	var line strings.Builder
	if p.TargetResource != nil {
		line.WriteString(deref(p.TargetResource.ResourceName) + ": ")
	}
	line.WriteString(deref(p.StatusCode))
	if p.StatusMessage != nil && p.StatusMessage.Error != nil {
		e := p.StatusMessage.Error
		fmt.Fprintf(&line, " %s: %s", deref(e.Code), cut(deref(e.Message), maxShownErrors))
	}
	return line.String()
}

// balancerFindings are about the load balancers of the masters.
func balancerFindings(ctx context.Context, clients *azure.Clients, c *model.Cluster) ([]model.Finding, error) {
	lb, err := clients.LoadBalancers.Get(ctx, managedGroup(c), c.Internal.InfraID+"-internal", nil)
	if azure.NotFound(err) || err == nil && lb.Properties == nil {
		return []model.Finding{{Name: "internal load balancer", Text: "does not exist"}}, nil
	}
	if err != nil {
		return nil, err
	}
	lines := []string{"frontend " + frontendIP(&lb.LoadBalancer)}
	for _, pool := range lb.Properties.BackendAddressPools {
		lines = append(lines, "pool "+deref(pool.Name)+": "+strings.Join(members(pool), ", "))
	}
	return []model.Finding{{Name: "internal load balancer", Text: strings.Join(lines, "\n")}}, nil
}

func members(pool *armnetwork.BackendAddressPool) []string {
	var names []string
	if pool.Properties == nil {
		return names
	}
	for _, m := range pool.Properties.BackendIPConfigurations {
		if parts := strings.Split(deref(m.ID), "/"); len(parts) > 2 {
			names = append(names, parts[len(parts)-3])
		}
	}
	return names
}

// machineFindings are the machines' states, and the last lines of their consoles.
func (s *diagnosis) machineFindings(ctx context.Context, clients *azure.Clients, c *model.Cluster) ([]model.Finding, error) {
	names, err := machineNames(ctx, clients, managedGroup(c))
	if azure.NotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names = names[:min(len(names), maxMachines)]
	found := make([]model.Finding, len(names))
	_ = inParallel(indices(names), func(i int) error {
		found[i] = s.machineFinding(ctx, clients, managedGroup(c), names[i])
		return nil
	})
	return found, nil
}

func (s *diagnosis) machineFinding(ctx context.Context, clients *azure.Clients, group, name string) model.Finding {
	f := model.Finding{Name: "machine " + name}
	view, err := clients.VirtualMachines.InstanceView(ctx, group, name, nil)
	if err != nil {
		return unseen(f.Name, err)
	}
	f.Text = "power state: " + powerState(&view.VirtualMachineInstanceView)
	console, err := s.serialLog(ctx, clients, group, name)
	if err != nil {
		f.Text += "\nits console cannot be seen: " + cut(err.Error(), maxShownErrors)
	}
	if console != "" {
		f.Text += "\n" + console
	}
	return f
}

// serialLog is the end of what a machine wrote to its console.
func (s *diagnosis) serialLog(ctx context.Context, clients *azure.Clients, group, name string) (string, error) {
	data, err := clients.VirtualMachines.RetrieveBootDiagnosticsData(ctx, group, name, &armcompute.VirtualMachinesClientRetrieveBootDiagnosticsDataOptions{})
	if err != nil {
		return "", err
	}
	service, container, blob, sas, ok := splitBlobURL(deref(data.SerialConsoleLogBlobURI))
	if !ok {
		return "", nil
	}
	blobs, err := s.azure.BlobsWithSAS(service, sas)
	if err != nil {
		return "", err
	}
	answer, err := blobs.DownloadStream(ctx, container, blob, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	return readTail(answer.Body)
}

func splitBlobURL(text string) (service, container, blob, sas string, ok bool) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "", "", "", "", false
	}
	path := strings.Split(u.Path, "/")
	if len(path) < 3 {
		return "", "", "", "", false
	}
	n := len(path)
	return u.Scheme + "://" + u.Host + strings.Join(path[:n-2], "/") + "/", path[n-2], path[n-1], u.RawQuery, true
}

// readTail reads to the end, keeps the last complete lines, and omits blank and repeated ones.
func readTail(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxSerialRead))
	if err != nil {
		return "", err
	}
	if len(text) > maxSerialLog {
		_, after, _ := strings.Cut(string(text[len(text)-maxSerialLog:]), "\n")
		text = []byte(after)
	}
	var kept []string
	for line := range strings.Lines(strings.ToValidUTF8(string(text), "")) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) != "" && (len(kept) == 0 || kept[len(kept)-1] != line) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n"), nil
}

// bounded keeps findings within what a document can hold.
func bounded(findings []model.Finding) []model.Finding {
	left := maxFindings
	for i := range findings {
		f := &findings[i]
		f.Text = cut(f.Text, min(maxFinding, max(left, 0)))
		left -= len(f.Name) + len(f.Text)
		if left <= 0 {
			return append(findings[:i+1:i+1], model.Finding{Name: "more", Text: "was found than can be kept"})
		}
	}
	return findings
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// clusterFindings are what the cluster reports about itself.
func clusterFindings(ctx context.Context, c *model.Cluster) []model.Finding {
	kube, err := reach(c)
	if err != nil {
		return []model.Finding{{Name: "API server", Text: "not asked: " + err.Error()}}
	}
	defer kube.Close()
	if err := kube.Answers(ctx); err != nil {
		return []model.Finding{{Name: "API server", Text: "does not answer: " + openshift.Why(err)}}
	}
	findings := []model.Finding{{Name: "API server", Text: "answers"}}
	for _, f := range kube.Findings(ctx) {
		findings = append(findings, model.Finding{Name: f.Name, Text: f.Text})
	}
	return findings
}
