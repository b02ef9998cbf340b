package install

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	// defaultTimeout is many times the usual duration of a run, which is seconds.
	defaultTimeout = 3 * time.Minute
	// imageTimeout leaves time to pull an image of some gigabytes.
	imageTimeout = 12 * time.Minute
	// drainTimeout bounds the wait for the output of a killed program.
	drainTimeout = 2 * time.Second
	// maxResult bounds a result, in bytes; the usual size is two megabytes.
	maxResult = 32 << 20
)

// Installer starts the program, once for each cluster. It may be used from many
// goroutines at once.
type Installer struct {
	// Program is the path of aro-installer.
	Program string
	// Timeout bounds one run; 0 means three minutes.
	Timeout time.Duration
	Log     *slog.Logger
}

// Error is the program's report that it cannot make the cluster.
type Error struct {
	Message string `json:"message"`
	// Asset is the installer's asset that failed, if it was one.
	Asset string `json:"asset"`
	// Refused are the values that the installer rejects, if that is the reason. The same request is
	// rejected again.
	Refused []Refusal `json:"refused"`
}

// Refusal is the installer's message about one field of its configuration. It cites no value.
type Refusal struct {
	// Field is a path such as networking.clusterNetwork[0].cidr.
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Error names the asset.
func (e *Error) Error() string {
	if e.Asset == "" {
		return "installer: " + e.Message
	}
	return "installer: asset " + e.Asset + ": " + e.Message
}

// errTooMuch is for a program whose output exceeds maxResult.
var errTooMuch = errors.New("the result is too large")

// Run makes everything for one cluster. Its error is an *Error if the program answered, and
// contains no secret.
func (i *Installer) Run(ctx context.Context, req Request) (*Result, error) {
	return i.run(ctx, command{path: i.Program}, "", req)
}

// run is Run by whatever starts the program, whose build is by.
func (i *Installer) run(ctx context.Context, program command, by string, req Request) (*Result, error) {
	in, err := json.Marshal(req)
	if err != nil {
		return nil, fmt.Errorf("installer: the request cannot be written: %w", err)
	}
	timeout := i.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no result after %s", timeout))
	defer cancel()

	started := time.Now()
	out := &limited{max: maxResult}
	stderr := &relay{ctx: ctx, log: i.Log.With("program", "aro-installer", "cluster", req.ClusterID), hide: req.secrets()}
	exit := program.start(ctx, in, out, stderr)
	if exit != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("installer: %w", context.Cause(ctx))
	}
	result, err := read(out, exit)
	if err != nil {
		return nil, err
	}
	result.Installer = by
	i.Log.InfoContext(ctx, "the installer made a cluster's ignition", "cluster", req.ClusterID, "installer", by, "took", time.Since(started).Round(time.Millisecond).String())
	return result, nil
}

// start runs the program to its end. Its environment contains only what its runtime needs, and it
// has a process group of its own that is killed as a whole when ctx ends.
func (c command) start(ctx context.Context, in []byte, out *limited, stderr io.Writer) error {
	cmd := exec.CommandContext(ctx, c.path, c.args...)
	cmd.Env = append([]string{}, c.env...)
	cmd.Stdin = bytes.NewReader(in)
	cmd.Stdout = out
	cmd.Stderr = stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = drainTimeout
	return cmd.Run()
}

// read parses the program's output as a result or an error.
func read(out *limited, exit error) (*Result, error) {
	if out.over {
		return nil, fmt.Errorf("installer: %w", errTooMuch)
	}
	var failed failure
	switch err := json.Unmarshal(out.kept.Bytes(), &failed); {
	case err == nil && failed.Error != nil:
		return nil, failed.Error
	case exit != nil:
		return nil, fmt.Errorf("installer: the program failed without saying why: %w", exit)
	case err != nil:
		return nil, errors.New("installer: the result is not JSON")
	}
	var result Result
	if err := json.Unmarshal(out.kept.Bytes(), &result); err != nil {
		return nil, errors.New("installer: the result has another form") // the decoder's text may cite a secret
	}
	if missing := result.missing(); len(missing) > 0 {
		return nil, fmt.Errorf("installer: the result lacks %s", strings.Join(missing, ", "))
	}
	return &result, nil
}

// missing returns the names of required members that are empty.
func (r *Result) missing() (names []string) {
	for _, m := range []struct {
		name string
		size int
	}{
		{"bootstrapIgnition", len(r.BootstrapIgnition)}, {"masterIgnition", len(r.MasterIgnition)}, {"workerIgnition", len(r.WorkerIgnition)},
		{"adminKubeconfig", len(r.AdminKubeconfig)}, {"kubeadminPassword", len(r.KubeadminPassword)}, {"metadata", len(r.Metadata)}, {"networkType", len(r.NetworkType)},
		{"rootCA", min(len(r.RootCA.Cert), len(r.RootCA.Key))}, {"graph", len(r.Graph)},
		{"adminKubeconfigSigner", min(len(r.AdminKubeconfigSigner.Cert), len(r.AdminKubeconfigSigner.Key))},
	} {
		if m.size == 0 {
			names = append(names, m.name)
		}
	}
	return names
}

// minSecret is the length from which a line of a secret is searched for: shorter ones occur in
// other words.
const minSecret = 8

// secrets returns the texts of the request that must not appear in a log, line by line as in a log.
func (r *Request) secrets() []string {
	texts := append([]string{string(r.PullSecret)}, r.PullSecret.registries()...)
	if r.ServicePrincipal != nil {
		texts = append(texts, string(r.ServicePrincipal.ClientSecret))
	}
	if r.WorkloadIdentity != nil {
		texts = append(texts, string(r.WorkloadIdentity.BoundServiceAccountSigningKey))
	}
	var lines []string
	for _, text := range texts {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); len(line) >= minSecret {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// registries returns the pull secret's credentials for each registry. The installer reformats the
// pull secret, so its whole text need not occur.
func (s Secret) registries() (texts []string) {
	var pull struct {
		Auths map[string]struct {
			Auth string `json:"auth"`
		} `json:"auths"`
	}
	_ = json.Unmarshal([]byte(s), &pull) // what is none has no parts
	for _, registry := range pull.Auths {
		texts = append(texts, registry.Auth)
	}
	return texts
}
