package proof

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// person is the browser of someone who is logged in at the portal.
type person struct {
	http.Client
	origin, csrf string
}

// atPortal logs in, as the page of the local Entra ID has it.
func (c *customer) atPortal(ctx context.Context, t *testing.T, user string) *person {
	t.Helper()
	azure, err := url.Parse(c.Origin)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(azure.Port())
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &person{Client: http.Client{Jar: jar, Timeout: time.Minute, Transport: c.http.Transport}, origin: "https://localhost:" + strconv.Itoa(port+1)}
	signIn, _ := p.call(ctx, t, http.MethodGet, p.origin+"/login", nil)
	_, shown := p.call(ctx, t, http.MethodPost, signIn, url.Values{"user": {user}})
	if !strings.Contains(shown, user) {
		t.Fatalf("the portal did not log %s in: %.1000s", user, shown)
	}
	var info struct{ CSRF string }
	_, text := p.call(ctx, t, http.MethodGet, p.origin+"/api/info", nil)
	if err := json.Unmarshal([]byte(text), &info); err != nil {
		t.Fatal(err)
	}
	p.csrf = info.CSRF
	return p
}

// call follows redirects, and returns where they lead to and what is there.
func (p *person) call(ctx context.Context, t *testing.T, method, address string, form url.Values) (end, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := p.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s, %v: %.1000s", method, address, answer.Status, err, content)
	}
	return answer.Request.URL.String(), string(content)
}

// showsMachinesBySSH logs in to machines by the portal, with the command that it shows and the ssh of
// the system.
func (c *customer) showsMachinesBySSH(ctx context.Context, t *testing.T, k *kube) {
	t.Helper()
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Log("this machine has no ssh")
		return
	}
	nodes, err := k.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "node-role.kubernetes.io/worker"})
	if err != nil || len(nodes.Items) == 0 {
		t.Fatalf("no workers: %v", err)
	}
	worker := nodes.Items[0]
	var address string
	for _, a := range worker.Status.Addresses {
		if a.Type == corev1.NodeInternalIP {
			address = a.Address
		}
	}
	sre := c.atPortal(ctx, t, "admin@aroapp.test")
	var login sshLogin
	_, text := sre.call(ctx, t, http.MethodPost, sre.origin+c.id()+"/ssh/new", url.Values{"csrf": {sre.csrf}, "master": {"1"}})
	if err := json.Unmarshal([]byte(text), &login); err != nil {
		t.Fatal(err)
	}
	// The keys of the machine go on to a worker; the files are those of its ignition.
	shown := login.run(ctx, t, "hostname\ncat /etc/kubernetes/kubelet-ca.crt\njournalctl\nssh "+address+" hostname\n")
	for _, words := range []string{"-master-1\n", "BEGIN CERTIFICATE", "power on: ", "apiserver", worker.Name + "\n"} {
		if !strings.Contains(shown, words) {
			t.Errorf("SSH does not show %q: %.4000s", words, shown)
		}
	}
	if again := login.run(ctx, t, "hostname\n"); strings.Contains(again, "-master-1\n") || !strings.Contains(again, "Permission denied") {
		t.Errorf("the password is good for another login: %.1000s", again)
	}
}

type sshLogin struct{ Command, Password string }

// run gives the command of a login the password, and the shell of the machine lines.
func (l *sshLogin) run(ctx context.Context, t *testing.T, lines string) string {
	t.Helper()
	ask := filepath.Join(t.TempDir(), "ask")
	if err := os.WriteFile(ask, []byte("#!/bin/sh\necho \"$PASSWORD\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(ctx, "sh", "-c", l.Command)
	command.Env = append(os.Environ(), "PASSWORD="+l.Password, "SSH_ASKPASS="+ask, "SSH_ASKPASS_REQUIRE=force", "DISPLAY=none")
	var shown bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(lines), &shown, &shown
	if err := command.Run(); err != nil {
		t.Logf("ssh: %v", err)
	}
	return shown.String()
}
