package cloud

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/entra"
	"github.com/aro-rp/aro/local/cloud/resources"
)

const (
	clusterType = "Microsoft.RedHatOpenShift/openShiftClusters"
	// clusterVersion is the api-version of calls that the local Azure makes itself.
	clusterVersion  = "2023-11-22"
	providerTimeout = 60 * time.Second
	// providerIdle and providerIdleTime are of connections that wait for a request.
	providerIdle, providerIdleTime = 64, 2 * time.Second
	// deletionPoll is the time between two looks whether a cluster is gone.
	deletionPoll = time.Second
	// silentLooks is how many of them get no answer between two warnings.
	silentLooks = 10
)

// provider forwards requests to the resource provider of Microsoft.RedHatOpenShift. The engine
// keeps a shadow of each cluster, as ARM does, so that lists and the deletion of a group include
// it.
type provider struct {
	azure  *Azure
	scheme string
	proxy  *httputil.ReverseProxy
	http   *http.Client

	// introductions of subscriptions to it, by id in lower case.
	introductions sync.Map

	// proposed are the identities of clusters while the provider is being asked for
	// them, when it may work on them already: by key, what a body says.
	proposed sync.Map
}

func newProvider(a *Azure) *provider {
	transport := &http.Transport{
		TLSClientConfig: a.RPTLS, DialContext: a.RPDial, MaxIdleConnsPerHost: providerIdle,
		// Shorter than any drain: a connection is not used that the provider closes.
		IdleConnTimeout: providerIdleTime,
	}
	p := &provider{azure: a, scheme: "http", http: &http.Client{Timeout: providerTimeout, Transport: transport}}
	if a.RPTLS != nil {
		p.scheme = "https"
	}
	p.proxy = &httputil.ReverseProxy{
		Transport:      transport,
		Rewrite:        func(*httputil.ProxyRequest) {},
		ModifyResponse: p.mirror,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			if refusal := (*resources.Error)(nil); errors.As(err, &refusal) {
				resources.WriteError(w, refusal)
				return
			}
			a.Log.Warn("the resource provider does not answer", "error", err)
			resources.WriteError(w, resources.Refuse(http.StatusServiceUnavailable, "ServiceUnavailable", "The resource provider of Microsoft.RedHatOpenShift does not answer."))
		},
	}
	return p
}

// isForwarded reports whether the resource provider answers a path.
func isForwarded(path string) bool {
	lower := resources.Key(path)
	i := strings.LastIndex(lower, "/providers/")
	about := strings.HasSuffix(lower, "/register") || strings.HasSuffix(lower, "/unregister") || strings.Contains(lower, "/providers/microsoft.features/")
	return i >= 0 && strings.HasPrefix(lower[i+len("/providers/"):], providerNamespace+"/") && !about
}

// isCluster reports whether a path is that of one cluster.
func isCluster(path string) bool {
	id, err := resources.Parse(path)
	return err == nil && !id.Collection() && arm.EqualFold(id.Type(), clusterType)
}

func (p *provider) register() {
	a := p.azure
	a.Engine.Register(clusterType, resources.Behaviour{Stateless: true, Delete: p.deleteCluster})
}

// serve forwards a call with the headers that ARM sets.
func (p *provider) serve(w http.ResponseWriter, r *http.Request, call *resources.Call) error {
	if subscription := resources.Subscription(call.Path); subscription != "" {
		if err := p.introduce(r.Context(), subscription); err != nil {
			refusal := resources.Refuse(http.StatusServiceUnavailable, "ServiceUnavailable", "The resource provider of Microsoft.RedHatOpenShift does not answer yet.")
			refusal.RetryAfter = 2
			return refusal
		}
	}
	if group := resources.GroupID(call.Path); group != "" {
		if _, err := p.azure.Engine.Get(r.Context(), group); err != nil {
			return err
		}
	}
	out := r.Clone(r.Context())
	out.URL = &url.URL{Scheme: p.scheme, Host: p.azure.RPAddress, Path: call.Path, RawQuery: forwardedQuery(r.URL)}
	out.Host = p.azure.RPAddress
	if err := p.headers(out, call); err != nil {
		return err
	}
	if identity := resources.Object(call.Body["identity"]); identity != nil {
		key := resources.Key(call.Path)
		p.proposed.Store(key, identity)
		defer p.proposed.Delete(key)
	}
	p.proxy.ServeHTTP(w, out)
	if call.Method == http.MethodPut || call.Method == http.MethodDelete {
		p.azure.Log.Debug("forwarded", "method", call.Method, "path", call.Path)
	}
	return nil
}

// forwardedQuery is a query with the name of the api-version as providers read it.
func forwardedQuery(u *url.URL) string {
	query := u.Query()
	for name, values := range query {
		if arm.EqualFold(name, "api-version") && name != "api-version" {
			delete(query, name)
			query["api-version"] = values
			return query.Encode()
		}
	}
	return u.RawQuery
}

// do forwards a call that was made in this process.
func (p *provider) do(ctx context.Context, call *resources.Call) (*resources.Answer, error) {
	content := []byte{}
	if call.Body != nil {
		var err error
		if content, err = json.Marshal(call.Body); err != nil {
			return nil, err
		}
	}
	r, err := http.NewRequestWithContext(ctx, call.Method, p.azure.Origin+call.Path+"?"+call.Query.Encode(), bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(correlationIDHeader, call.Header.Get(correlationIDHeader))
	identify(&captured{header: http.Header{}}, r)
	w := &captured{header: http.Header{}}
	if err := p.serve(w, r, call); err != nil {
		return nil, err
	}
	var body map[string]any
	if err := json.Unmarshal(w.content.Bytes(), &body); err != nil && w.content.Len() > 0 {
		return nil, fmt.Errorf("answer of the resource provider: %w", err)
	}
	if w.status >= http.StatusBadRequest {
		refusal := resources.Refuse(w.status, "ResourceProviderFailed", "The resource provider answered %d.", w.status)
		if inner, err := json.Marshal(body["error"]); err == nil {
			_ = json.Unmarshal(inner, refusal) // else its status has to do
		}
		return nil, refusal
	}
	return &resources.Answer{Status: w.status, Header: w.header, Body: body}, nil
}

// validate has the resource provider validate the clusters of a deployment.
func (p *provider) validate(ctx context.Context, namespace, deployment string, planned []any) error {
	if namespace != providerNamespace {
		return nil
	}
	first, _ := resources.Object(planned[0])["id"].(string)
	if subscription := resources.Subscription(first); subscription != "" {
		if err := p.introduce(ctx, subscription); err != nil {
			return err
		}
	}
	var verdict struct {
		Status string           `json:"status"`
		Error  *resources.Error `json:"error"`
	}
	target := resources.GroupID(first) + "/providers/Microsoft.RedHatOpenShift/deployments/" + url.PathEscape(deployment) + "/preflight?api-version=" + clusterVersion
	status, err := p.call(ctx, http.MethodPost, target, map[string]any{"resources": planned}, &verdict)
	if err != nil || status != http.StatusOK || verdict.Status != resources.Failed || verdict.Error == nil {
		return err // who cannot be asked has no objection
	}
	verdict.Error.Status = http.StatusBadRequest
	return verdict.Error
}

// captured is an answer that stays in this process.
type captured struct {
	header  http.Header
	status  int
	content bytes.Buffer
}

func (c *captured) Header() http.Header { return c.header }

func (c *captured) WriteHeader(status int) { c.status = status }

func (c *captured) Write(content []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	return c.content.Write(content)
}

// headers replaces the client's headers about itself by ARM's.
func (p *provider) headers(out *http.Request, call *resources.Call) error {
	h := out.Header
	for name := range h {
		if isOurs(strings.ToLower(name)) {
			h.Del(name)
		}
	}
	out.ContentLength = -1
	if out.Body != nil {
		content, err := io.ReadAll(out.Body)
		if err != nil {
			return err
		}
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
	}
	h.Set("Referer", p.azure.Origin+call.Path+"?"+out.URL.RawQuery)
	h.Set("X-Ms-Client-Principal-Name", call.Caller.AppID)
	h.Set("X-Ms-Client-Principal-Id", call.Caller.ObjectID)
	h.Set("X-Ms-Client-Object-Id", call.Caller.ObjectID)
	h.Set("X-Ms-Client-App-Id", call.Caller.AppID)
	tenant := cmp.Or(call.Caller.TenantID, TenantID)
	h.Set("X-Ms-Client-Tenant-Id", tenant)
	h.Set("X-Ms-Home-Tenant-Id", tenant)
	h.Set("X-Ms-Arm-Request-Tracking-Id", h.Get(correlationIDHeader))
	shadow, found, err := p.azure.Engine.Find(out.Context(), call.Path)
	if err != nil {
		found = false // collections and actions have no shadow
	}
	if call.Method == http.MethodPut || call.Method == http.MethodPatch {
		content, err := json.Marshal(p.systemData(call, found))
		if err != nil {
			return err
		}
		h.Set("X-Ms-Arm-Resource-System-Data", string(content))
	}
	if isCluster(call.Path) &&
		(resources.Object(call.Body["identity"]) != nil || found && shadow.Identity != nil) {
		h.Set("X-Ms-Identity-Url", p.azure.Origin+entra.MSIPrefix+call.Path+"?arpid=local&tid="+TenantID)
		h.Set("X-Ms-Identity-Principal-Id", call.Caller.ObjectID)
	}
	return nil
}

// assigned reports whether a cluster has a managed identity, or is getting it.
func (p *provider) assigned(ctx context.Context, cluster, identity string) (bool, error) {
	if proposed, ok := p.proposed.Load(resources.Key(cluster)); ok && hasIdentity(resources.Object(proposed), identity) {
		return true, nil
	}
	if !isCluster(cluster) {
		return false, nil
	}
	shadow, found, err := p.azure.Engine.Find(ctx, cluster)
	return found && hasIdentity(shadow.Identity, identity), err
}

func hasIdentity(identity map[string]any, id string) bool {
	for name := range resources.Object(identity["userAssignedIdentities"]) {
		if resources.Key(name) == resources.Key(id) {
			return true
		}
	}
	return false
}

// isOurs reports whether clients may not set a header.
func isOurs(lower string) bool {
	switch lower {
	case "authorization", "referer":
		return true
	case clientIDHeader, returnIDHeader, correlationIDHeader:
		return false
	}
	return strings.HasPrefix(lower, "x-ms-")
}

func (p *provider) systemData(call *resources.Call, exists bool) map[string]any {
	now := p.azure.Now().UTC().Format(time.RFC3339Nano)
	data := map[string]any{"lastModifiedBy": call.Caller.AppID, "lastModifiedByType": "Application", "lastModifiedAt": now}
	if !exists {
		data["createdBy"], data["createdByType"], data["createdAt"] = call.Caller.AppID, "Application", now
	}
	return data
}

// mirror keeps the shadow of a cluster like what the resource provider answered.
func (p *provider) mirror(response *http.Response) error {
	r := response.Request
	// The answer has ours by now.
	for _, name := range []string{requestIDHeader, correlationIDHeader, clientIDHeader, "Cache-Control", "Pragma", "Strict-Transport-Security", "X-Content-Type-Options"} {
		response.Header.Del(name)
	}
	if !isCluster(r.URL.Path) {
		return nil
	}
	ctx := context.WithoutCancel(r.Context())
	switch {
	case r.Method == http.MethodGet && response.StatusCode == http.StatusNotFound:
		return p.azure.Engine.Forget(ctx, r.URL.Path)
	case r.Method == http.MethodDelete && response.StatusCode == http.StatusAccepted:
		return p.watchDeletion(ctx, r.URL.Path)
	case (r.Method == http.MethodPut || r.Method == http.MethodPatch) && response.StatusCode < http.StatusMultipleChoices:
		content, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
		if err != nil {
			return err
		}
		if err := response.Body.Close(); err != nil {
			return err
		}
		response.Body = io.NopCloser(bytes.NewReader(content))
		var body map[string]any
		if json.Unmarshal(content, &body) != nil {
			return nil //nolint:nilerr // what the provider says is between it and the client
		}
		delete(body, "properties") // ARM keeps no more than the envelope
		if response.StatusCode == http.StatusCreated {
			p.azure.Engine.Cancel(r.URL.Path) // the watch over the deletion of one with this name
			if err := p.azure.Engine.Forget(ctx, r.URL.Path); err != nil {
				return err
			}
		}
		if body["identity"] == nil { // an api-version without it, or one that nothing changes
			shadow, found, err := p.azure.Engine.Find(ctx, r.URL.Path)
			if err != nil {
				return err
			}
			if found && shadow.Identity != nil {
				body["identity"] = shadow.Identity
			}
		}
		_, err = p.azure.Engine.Create(ctx, r.URL.Path, body)
		return err
	}
	return nil
}

// asked marks a shadow whose cluster the resource provider is deleting.
const asked = "asked"

// watchDeletion keeps the shadow until the cluster is gone.
func (p *provider) watchDeletion(ctx context.Context, path string) error {
	err := p.azure.Engine.Change(ctx, path, func(r *resources.Resource) error {
		r.Local = map[string]any{asked: true}
		return nil
	})
	if resources.NotFound(err) {
		return nil // there never was one
	}
	if err == nil {
		_, err = p.azure.Engine.Serve(ctx, &resources.Call{Method: http.MethodDelete, Path: path})
	}
	return err
}

// deleteCluster has the resource provider delete a cluster and waits for the end.
func (p *provider) deleteCluster(ctx context.Context, r *resources.Resource) error {
	asked, _ := r.Local[asked].(bool)
	for silent := 0; ; {
		status, state, err := p.look(ctx, r.ID)
		switch {
		case err != nil:
			// One that stops with the local Azure, or is started again, is silent for a moment.
			if silent++; silent%silentLooks == 0 {
				p.azure.Log.Warn("the resource provider does not answer", "error", err)
			}
		case status == http.StatusNotFound:
			return nil
		case state == "Failed" && asked:
			return resources.Refuse(http.StatusConflict, "ResourceDeletionFailed", "The cluster '%s' could not be deleted.", r.Name)
		case state != "Deleting" && !asked:
			if err := p.ask(ctx, r.ID); err != nil {
				return err
			}
			asked = true
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(deletionPoll):
		}
	}
}

// look reads the state of a cluster.
func (p *provider) look(ctx context.Context, path string) (status int, state string, err error) {
	var body struct {
		Properties struct {
			ProvisioningState string `json:"provisioningState"`
		} `json:"properties"`
	}
	status, err = p.call(ctx, http.MethodGet, path+"?api-version="+clusterVersion, nil, &body)
	return status, body.Properties.ProvisioningState, err
}

func (p *provider) ask(ctx context.Context, path string) error {
	status, err := p.call(ctx, http.MethodDelete, path+"?api-version="+clusterVersion, nil, nil)
	if err == nil && status >= http.StatusBadRequest && status != http.StatusNotFound {
		err = resources.Refuse(status, "ResourceDeletionFailed", "The resource provider refused to delete '%s'.", path)
	}
	return err
}

// call makes a call of the local Azure itself.
func (p *provider) call(ctx context.Context, method, target string, body, result any) (int, error) {
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			return 0, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, p.scheme+"://"+p.azure.RPAddress+target, &content)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Referer", p.azure.Origin+target)
	req.Header.Set("X-Ms-Home-Tenant-Id", TenantID)
	resp, err := p.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	if result == nil || resp.StatusCode >= http.StatusMultipleChoices {
		_, err = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode, err
	}
	return resp.StatusCode, json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(result)
}
