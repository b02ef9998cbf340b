package apipage

import (
	"context"
	"io"
	"net/http"
	"time"
)

const (
	// demoTimeout bounds how long a description waits for the cluster.
	demoTimeout = 3 * time.Second
	// maxDemo bounds a cluster in bytes.
	maxDemo = 1 << 20
)

// demo reads the cluster that `aro-local cluster create demo` creates. A PUT of what
// a GET returned always works, which no fixed example does: a cluster needs a network
// and an identity of its own. It returns nil if the cluster cannot be read.
func (p *Page) demo(ctx context.Context, version string) *object {
	ctx, cancel := context.WithTimeout(ctx, demoTimeout)
	defer cancel()
	token, err := p.Token(ctx)
	if err != nil {
		return nil
	}
	url := p.Origin + "/subscriptions/" + p.Subscription + "/resourceGroups/demo/providers/Microsoft.RedHatOpenShift/openShiftClusters/demo?api-version=" + version
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := p.Client.Do(request)
	if err != nil {
		return nil
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxDemo))
	if err != nil || answer.StatusCode != http.StatusOK {
		return nil
	}
	value, _ := decode(content)
	cluster, _ := value.(*object)
	return cluster
}
