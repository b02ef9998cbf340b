package main

import (
	"bytes"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aro-rp/aro/service"
	"github.com/aro-rp/aro/store/cosmos/cosmostest"
)

// asProgram makes the test binary the program: certificate authorities and
// credentials of the environment are a process's own.
const asProgram = "ARO_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestVersionsNeedNoRightToMakeADatabase(t *testing.T) {
	endpoint, key := cosmostest.Start(t)
	f := service.Database{Store: "cosmos:" + endpoint + "?database=aro", CosmosKey: service.Secret(key)}
	deployed, err := f.Open(t.Context(), false, service.Caller{})
	if err != nil {
		t.Fatal(err)
	}
	_ = deployed.Close()
	account, authority := dataPlane(t, endpoint)
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"access_token":"x","token_type":"Bearer","expires_on":"4102444800","resource":"x"}`)
	}))
	defer tokens.Close()

	aro := exec.CommandContext(t.Context(), os.Args[0], "versions", "--release", "4.19.24="+release+"a", "--default", "4.19.24")
	aro.Env = []string{asProgram + "=1", "SSL_CERT_FILE=" + authority, "ARO_STORE=cosmos:" + account + "?database=aro",
		"IDENTITY_ENDPOINT=" + tokens.URL, "IDENTITY_HEADER=x"} // a managed identity, as App Service has it
	out, err := aro.CombinedOutput()
	if err != nil || string(out) != "4.19.24 created\n" {
		t.Errorf("%v: %s", err, out)
	}
	if got := summary(stored(t, f)); got != "4.19.24:true:true" {
		t.Errorf("stored are %s", got)
	}
}

// dataPlane serves the account by TLS, to those with a role and not with its key:
// they may read and write documents, and make neither databases nor containers.
func dataPlane(t *testing.T, endpoint string) (account, authority string) {
	t.Helper()
	behind, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(behind) }}
	front := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && !strings.HasSuffix(r.URL.Path, "/docs") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	proxy.ModifyResponse = func(answer *http.Response) error { // the account names its addresses
		body, err := io.ReadAll(answer.Body)
		body = bytes.ReplaceAll(body, []byte(endpoint), []byte(front.URL))
		answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		answer.Header.Set("Content-Length", strconv.Itoa(len(body)))
		return err
	}
	authority = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return front.URL, authority
}
