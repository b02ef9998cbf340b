package stand

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// installTimeout bounds the first installation of the emulator.
const installTimeout = 5 * time.Minute

// CosmosKey is an account key as the emulator takes it: any.
func CosmosKey() string {
	return base64.StdEncoding.EncodeToString([]byte("the emulator takes any key"))
}

// StartCosmos starts the Cosmos DB emulator that store/cosmos pins and returns an
// endpoint that real processes can use, until the test ends.
func StartCosmos(t testing.TB) string {
	t.Helper()
	emulator := exec.Command("node", "server.js")
	emulator.Dir = installCosmos(t)
	emulator.Stderr = os.Stderr
	emulator.SysProcAttr = diesWithParent()
	stdin, err := emulator.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := emulator.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := emulator.Start(); err != nil {
		t.Fatalf("emulator (Node.js 20 or newer must be installed): %v", err)
	}
	t.Cleanup(func() {
		_ = stdin.Close() // ends it
		kill := time.AfterFunc(5*time.Second, func() { _ = emulator.Process.Kill() })
		defer kill.Stop()
		_ = emulator.Wait()
	})
	port := bufio.NewScanner(stdout)
	if !port.Scan() {
		t.Fatalf("the emulator did not start: %v", port.Err())
	}
	front := httptest.NewServer(complete(&url.URL{Scheme: "http", Host: "127.0.0.1:" + port.Text()}))
	t.Cleanup(front.Close)
	return front.URL
}

// complete makes up for what Cosmos DB has and the emulator lacks: the read of an
// absent document is 500 unless it is for all partitions, and the function
// GetCurrentTimestamp is unknown. It also puts itself into the account's endpoints,
// which clients follow.
func complete(emulator *url.URL) http.Handler {
	return &httputil.ReverseProxy{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(emulator)
			r.Out.Host = r.In.Host
			switch {
			case r.In.Method == http.MethodGet && strings.Contains(r.In.URL.Path, "/docs/"):
				r.Out.Header.Set("x-ms-documentdb-query-enablecrosspartition", "true")
			case r.In.Header.Get("x-ms-documentdb-query") != "":
				body, _ := io.ReadAll(r.In.Body) // cut short: the emulator refuses it
				now := strconv.FormatInt(time.Now().UnixMilli(), 10)
				body = bytes.ReplaceAll(body, []byte("GetCurrentTimestamp()"), []byte(now))
				r.Out.Body, r.Out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			}
		},
		ModifyResponse: func(res *http.Response) error {
			if res.Request.URL.Path != "/" {
				return nil
			}
			account, err := io.ReadAll(res.Body)
			if err != nil {
				return err
			}
			account = bytes.ReplaceAll(account, []byte("https://"+emulator.Host), []byte("http://"+res.Request.Host))
			res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(account)), int64(len(account))
			res.Header.Set("Content-Length", strconv.Itoa(len(account)))
			return nil
		},
	}
}

// installCosmos returns a folder with the emulator and all that it needs. It is
// the one that the tests of store/cosmos use.
func installCosmos(t testing.TB) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(here), "..", "..")
	dir := filepath.Join(root, ".cache", "cosmos-emulator")
	must := func(err error) {
		if err != nil {
			t.Fatalf("install the emulator: %v", err)
		}
	}
	must(os.MkdirAll(dir, 0o755))
	lock, err := os.Create(filepath.Join(dir, "lock"))
	must(err)
	defer lock.Close()
	must(syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)) // one installation at a time
	var pinned []byte
	for _, name := range []string{"server.js", "package.json", "package-lock.json"} {
		content, err := os.ReadFile(filepath.Join(root, "store", "cosmos", "testdata", "emulator", name))
		must(err)
		must(os.WriteFile(filepath.Join(dir, name), content, 0o644))
		pinned = content
	}
	installed := filepath.Join(dir, "installed.json")
	if have, _ := os.ReadFile(installed); bytes.Equal(have, pinned) {
		return dir
	}
	ctx, cancel := context.WithTimeout(t.Context(), installTimeout)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("npm ci (Node.js 20 or newer must be installed): %v\n%s", err, out)
	}
	must(os.WriteFile(installed, pinned, 0o644))
	return dir
}
