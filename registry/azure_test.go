package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// localAzure is a local Azure, a process of its own, whose registries this module keeps.
type localAzure struct {
	t      *testing.T
	demo   demo
	proxy  string // which finds the hosts of registries in it
	client *http.Client
	hosts  http.RoundTripper // connects to the hosts of registries through the proxy
	direct http.RoundTripper // connects to the local Azure, whatever the host
}

// demo is an owner of the customer's subscription.
type demo struct {
	Origin, CAFile, TenantID, SubscriptionID, ClientID, ClientSecret string
}

func startAzure(t *testing.T) *localAzure {
	t.Helper()
	program := must(filepath.Abs("../bin/aro-local"))
	for _, file := range []string{program, filepath.Join(filepath.Dir(program), "aro-registry")} {
		if _, err := os.Stat(file); err != nil {
			t.Fatalf("%v; build it: make build", err)
		}
	}
	data, azure := t.TempDir(), "localhost:"+freePort(t)
	ctx, cancel := context.WithCancel(context.Background())
	process := exec.CommandContext(ctx, program, "--data", data, "--listen", "127.0.0.1:"+freePort(t), "--azure", azure, "--portal", "none", "--rp", filepath.Join(built, "aro"), "--unlimited", "--addresses", "250")
	process.Cancel = func() error { return process.Process.Signal(syscall.SIGTERM) }
	process.WaitDelay = 20 * time.Second
	process.Env = append(os.Environ(), "ARO_LOCAL_MONITOR=false", "ARO_LOCAL_OPERATOR=false")
	var said bytes.Buffer
	process.Stdout, process.Stderr = &said, &said
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = process.Wait() })
	a := &localAzure{t: t}
	deadline := time.Now().Add(3 * time.Minute)
	for ; ; time.Sleep(100 * time.Millisecond) {
		if content, err := os.ReadFile(filepath.Join(data, "demo.json")); err == nil && json.Unmarshal(content, &a.demo) == nil {
			if pem, err := os.ReadFile(a.demo.CAFile); err == nil && a.reach(azure, pem) {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the local Azure does not answer:\n%s", said.String())
		}
	}
	return a
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// reach makes the clients, and reports whether the local Azure answers.
func (a *localAzure) reach(azure string, authority []byte) bool {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	if a.proxy == "" {
		proxy := httptest.NewServer(tunnelTo(azure))
		a.t.Cleanup(proxy.Close)
		a.proxy = proxy.URL
	}
	through, _ := url.Parse(a.proxy)
	a.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	a.hosts = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, Proxy: http.ProxyURL(through)}
	a.direct = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, azure)
	}}
	resp, err := a.client.Get(a.demo.Origin + "/metadata/endpoints?api-version=2022-09-01")
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// tunnelTo is a proxy that ends every tunnel at one address.
func tunnelTo(address string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		server, err := net.Dial("tcp", address)
		if err != nil || r.Method != http.MethodConnect {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		client, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			_, _ = io.Copy(server, buffered)
			_ = server.Close()
		}()
		_, _ = io.Copy(client, server)
		_ = client.Close()
	})
}

// arm sends a request to the resource manager, and decodes its answer.
func (a *localAzure) arm(method, path string, body, into any) int {
	a.t.Helper()
	resp, err := a.client.PostForm(a.demo.Origin+"/"+a.demo.TenantID+"/oauth2/v2.0/token", url.Values{"grant_type": {"client_credentials"},
		"client_id": {a.demo.ClientID}, "client_secret": {a.demo.ClientSecret}, "scope": {a.demo.Origin + "/.default"}})
	if err != nil {
		a.t.Fatal(err)
	}
	var token struct {
		Access string `json:"access_token"`
	}
	_ = json.NewDecoder(resp.Body).Decode(&token)
	_ = resp.Body.Close()
	content := must(json.Marshal(body))
	req := must(http.NewRequest(method, a.demo.Origin+"/subscriptions/"+a.demo.SubscriptionID+path, bytes.NewReader(content)))
	req.Header.Set("Authorization", "Bearer "+token.Access)
	req.Header.Set("Content-Type", "application/json")
	resp, err = a.client.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if into != nil {
		_ = json.NewDecoder(resp.Body).Decode(into)
	}
	return resp.StatusCode
}

func TestAReleaseIsMirroredIntoARegistryOfAzure(t *testing.T) {
	a, from := startAzure(t), startSite(t)
	const group, at = "/resourceGroups/images", "/providers/Microsoft.ContainerRegistry/registries/mirrored"
	if status := a.arm(http.MethodPut, group+"?api-version=2021-04-01", map[string]any{"location": "eastus"}, nil); status != http.StatusCreated {
		t.Fatal(status)
	}
	registry := map[string]any{"location": "eastus", "sku": map[string]any{"name": "Premium"}, "properties": map[string]any{"adminUserEnabled": true}}
	var made struct{ Properties struct{ LoginServer string } }
	if status := a.arm(http.MethodPut, group+at+"?api-version=2023-07-01", registry, &made); status >= http.StatusBadRequest {
		t.Fatal(status)
	}
	host := made.Properties.LoginServer
	var login struct {
		Username  string
		Passwords []struct{ Value string }
	}
	if status := a.arm(http.MethodPost, group+at+"/listCredentials?api-version=2023-07-01", nil, &login); status != http.StatusOK || len(login.Passwords) != 2 {
		t.Fatal(status, login)
	}
	environment := []string{"HTTPS_PROXY=" + a.proxy, "ARO_CLOUD=" + a.demo.Origin, "ARO_CA_FILE=" + a.demo.CAFile,
		"AZURE_TENANT_ID=" + a.demo.TenantID, "AZURE_CLIENT_ID=" + a.demo.ClientID, "AZURE_CLIENT_SECRET=" + a.demo.ClientSecret}
	graph, images := from.release(8)
	run := func(ctx context.Context, environment []string, args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
		defer cancel()
		command := exec.CommandContext(ctx, filepath.Join(built, "aro"), append([]string{"mirror", "--destination", host, "--pause", "10ms", "--tries", "2", "--no-images", "--graph", graph}, args...)...)
		command.Env = append(os.Environ(), environment...)
		out, err := command.CombinedOutput()
		return string(out), err
	}
	killed, kill := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer kill()
	_, _ = run(killed, environment, "4.19.24") // wherever it was
	if out, err := run(t.Context(), environment, "4.19.24"); err != nil || !strings.Contains(out, "4.19.24") {
		t.Fatalf("%v\n%s", err, out)
	}
	options := []remote.Option{remote.WithTransport(a.hosts), remote.WithAuth(&authn.Basic{Username: login.Username, Password: login.Passwords[1].Value})}
	for _, image := range images {
		_, path, _ := strings.Cut(image, "/")
		want := must(from.head(image))
		got, err := remote.Head(must(name.ParseReference(host+"/"+path)), options...)
		if err != nil || got.Digest != want.Digest || got.MediaType != want.MediaType {
			t.Errorf("%s: got %v, %v, want %v", image, got, err, want)
		}
	}
	if out, err := run(t.Context(), environment, "latest"); err != nil || !strings.Contains(out, "was complete") {
		t.Errorf("again: %v\n%s", err, out)
	}

	t.Log("hosts also have the port of the local Azure, for clients without a proxy")
	port := ":" + a.demo.Origin[strings.LastIndex(a.demo.Origin, ":")+1:]
	pushed, image := must(name.ParseReference(host+port+"/other/image:1")), must(random.Image(100, 1))
	options[0] = remote.WithTransport(a.direct)
	if err := remote.Push(pushed, image, options...); err != nil {
		t.Error(err)
	}
	if got, err := remote.Head(pushed, options...); err != nil || got.Digest != must(image.Digest()) {
		t.Errorf("got %v, %v", got, err)
	}
	t.Log("az lists tags by Azure's own API")
	var tags struct {
		Tags []struct{ Name, Digest string }
	}
	a.get("https://"+host+"/acr/v1/other/image/_tags?n=100", login.Username, login.Passwords[0].Value, http.StatusOK, &tags)
	if len(tags.Tags) != 1 || tags.Tags[0].Name != "1" || tags.Tags[0].Digest != must(image.Digest()).String() {
		t.Errorf("the tags of the image are %+v", tags)
	}
	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"absent/image/_tags":      {http.StatusNotFound, "NAME_UNKNOWN"},
		"other/image/_tags/2":     {http.StatusNotFound, "TAG_UNKNOWN"},
		"other/image/_tags?n=few": {http.StatusBadRequest, "PAGINATION_NUMBER_INVALID"},
	} {
		var refused struct {
			Errors []struct{ Code, Message string }
		}
		a.get("https://"+host+"/acr/v1/"+path, login.Username, login.Passwords[0].Value, want.status, &refused)
		if len(refused.Errors) != 1 || refused.Errors[0].Code != want.code || refused.Errors[0].Message == "" {
			t.Errorf("%s: got %+v, want %s", path, refused.Errors, want.code)
		}
	}
	a.skopeo(host, login.Username+":"+login.Passwords[0].Value, images[0])

	t.Log("callers without a login, or with a wrong one, are refused, and the run fails")
	wrong := append(environment[:len(environment)-1:len(environment)-1], "AZURE_CLIENT_SECRET=wrong")
	if out, err := run(t.Context(), wrong, "4.19.24"); err == nil {
		t.Errorf("with a wrong secret: %s", out)
	}
	for _, auth := range []authn.Authenticator{authn.Anonymous, &authn.Basic{Username: login.Username, Password: "wrong"}} {
		err := remote.Push(must(name.ParseReference(host+"/other/image:1")), must(random.Image(100, 1)), remote.WithTransport(a.hosts), remote.WithAuth(auth))
		if err == nil || !strings.Contains(fmt.Sprint(err), "401") && !strings.Contains(fmt.Sprint(err), "UNAUTHORIZED") {
			t.Errorf("a push with %T: %v", auth, err)
		}
	}
}

// get asks the host of a registry, which must answer with a status, and decodes its answer.
func (a *localAzure) get(address, user, password string, status int, into any) {
	a.t.Helper()
	req := must(http.NewRequestWithContext(a.t.Context(), http.MethodGet, address, nil))
	req.SetBasicAuth(user, password)
	resp, err := a.hosts.RoundTrip(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _ = json.NewDecoder(resp.Body).Decode(into); resp.StatusCode != status {
		a.t.Errorf("%s: got %s, want %d", address, resp.Status, status)
	}
}

// skopeo reads an image of a registry as a user does, where skopeo is installed.
func (a *localAzure) skopeo(host, login, image string) {
	a.t.Helper()
	program, err := exec.LookPath("skopeo")
	if err != nil {
		a.t.Log("skopeo is not installed")
		return
	}
	_, path, _ := strings.Cut(image, "/")
	command := exec.CommandContext(a.t.Context(), program, "inspect", "--raw", "--creds", login, "docker://"+host+"/"+path)
	command.Env = append(os.Environ(), "HTTPS_PROXY="+a.proxy, "SSL_CERT_FILE="+a.demo.CAFile)
	out, err := command.CombinedOutput()
	if digest, _, _ := v1.SHA256(bytes.NewReader(out)); err != nil || !strings.HasSuffix(image, digest.String()) {
		a.t.Errorf("skopeo: %v\n%s", err, out)
	}
}
