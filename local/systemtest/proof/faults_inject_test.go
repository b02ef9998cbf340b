package proof

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the provider's database

	"github.com/aro-rp/aro/test/faults"
)

// faultyInstaller is the installer, but for clusters after which a file is named.
const faultyInstaller = `#!/bin/bash
request=$(</dev/stdin)
for mark in '%[1]s'/*; do
  [[ -e $mark && $request == *"\"${mark##*/}-managed\""* ]] || continue
  case $(<"$mark") in
    exits) exit 3 ;;
    garbage) echo garbage; exit ;;
    hangs) exec sleep 1000 ;;
  esac
done
exec '%[2]s/aro-installer' "$@" <<<"$request"
`

func newFaultyEnvironment(t *testing.T) *faultyEnvironment {
	t.Helper()
	bin, err := filepath.Abs(*programs)
	if err != nil {
		t.Fatal(err)
	}
	w := &faultyEnvironment{installers: t.TempDir(), boots: make(chan struct{}, booting)}
	program := filepath.Join(t.TempDir(), "installer")
	if err := os.WriteFile(program, fmt.Appendf(nil, faultyInstaller, w.installers, bin), 0o700); err != nil {
		t.Fatal(err)
	}
	w.environment = newEnvironment(t, "ARO_TEST=true", "ARO_INSTALLER="+program)
	return w
}

// needsCluster reports whether a fault can only be injected when the operation has begun:
// the identifiers of the cluster in it are not known before.
func (v *faultyCluster) needsCluster(f faults.Fault) bool {
	return f.Plan == "create" && f.Calls != nil && (strings.Contains(f.Calls.Path, "UID") || strings.Contains(f.Calls.Path, "SUFFIX"))
}

// inject injects the fault until lift is called, unless it needsCluster.
func (v *faultyCluster) inject(ctx context.Context, t *testing.T, f faults.Fault) (lift func()) {
	t.Helper()
	switch {
	case f.Stop == faults.AtOnce:
		stopped := v.controlPlane()
		signal(stopped, syscall.SIGSTOP)
		return func() { signal(stopped, syscall.SIGCONT) }
	case f.Stop != "":
		return v.stopping(ctx, t, f.Stop)
	case f.Installer != "":
		mark := filepath.Join(v.in.installers, v.name)
		if err := os.WriteFile(mark, []byte(f.Installer), 0o600); err != nil {
			t.Fatal(err)
		}
		return func() { _ = os.Remove(mark) }
	case f.Calls != nil && !v.needsCluster(f):
		return v.answerCalls(ctx, t, f)
	}
	return func() {}
}

// answerCalls has Azure answer calls as the fault says, until lift is called.
func (v *faultyCluster) answerCalls(ctx context.Context, t *testing.T, f faults.Fault) (lift func()) {
	t.Helper()
	path := strings.ReplaceAll(f.Calls.Path, "NAME", v.name)
	for placeholder, member := range map[string]string{"UID": "uid", "SUFFIX": "storageSuffix"} {
		if strings.Contains(path, placeholder) {
			path = strings.ReplaceAll(path, placeholder, v.internal(ctx, t, member))
		}
	}
	match := m{"path": path, "method": f.Calls.Method}
	if f.Calls.ByPrincipal {
		match["caller"] = v.body["properties"].(m)["servicePrincipalProfile"].(m)["clientId"]
	}
	name := "/local/faults/" + v.name + "-" + strings.ReplaceAll(f.Step, " ", "-")
	v.want(ctx, t, http.MethodPut, name, m{"match": match, "nth": f.Calls.Nth, "action": f.Calls.Answer}, nil)
	return func() { v.want(ctx, t, http.MethodDelete, name, nil, nil) }
}

// internal is a member of what the service keeps of the cluster for itself, once
// it is there.
func (v *faultyCluster) internal(ctx context.Context, t *testing.T, member string) (value string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(v.dir, "aro.db")+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	eventually(ctx, t, member, func() (bool, error) {
		err := db.QueryRowContext(ctx, "SELECT coalesce(json_extract(body, '$.cluster.internal.' || ?), '') FROM Clusters WHERE id LIKE ?", member, "%"+v.name).Scan(&value)
		return value != "", err
	})
	return value
}

// stopping stops the cluster's control plane as soon as a step is done, until
// lift is called.
func (v *faultyCluster) stopping(ctx context.Context, t *testing.T, step string) (lift func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan []int, 1)
	log, err := v.openLog()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		plane := v.controlPlane() // known before it is needed: to look for it takes longer than a step
		_ = follow(ctx, log, func(e entry) {
			if e.Msg != "step done" || !strings.EqualFold(e.ResourceID, v.id()) {
				return
			}
			if e.Step != step {
				if len(plane) == 0 {
					plane = v.controlPlane()
				}
				return
			}
			signal(plane, syscall.SIGSTOP)
			for len(plane) == 0 && ctx.Err() == nil { // the machine may just be booting
				time.Sleep(100 * time.Millisecond)
				plane = v.controlPlane()
				signal(plane, syscall.SIGSTOP)
			}
		})
		done <- plane
	}()
	return func() {
		cancel()
		signal(<-done, syscall.SIGCONT)
	}
}

// needsProcessors reports whether the installer does its work before the fault comes.
func needsProcessors(f faults.Fault) bool {
	return f.Boots || f.Plan == "create" && f.Step == "deploy machines"
}

// comes reports whether the fault is there, by the log: from now on the step waits.
func comes(f faults.Fault, e entry) bool {
	if f.Stop != "" {
		return e.Msg == "step done" && e.Step == f.Stop
	}
	return e.Step == f.Step
}

// boot waits until the cluster's installer may run and its machines may boot. Others
// may when the log has a line of the cluster that is the last to matter, and at the
// latest when done is called.
func (v *faultyCluster) boot(t *testing.T, last func(entry) bool) (done func()) {
	t.Helper()
	v.in.boots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	leave := sync.OnceFunc(func() { <-v.in.boots })
	log, err := v.openLog()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = follow(ctx, log, func(e entry) {
			if strings.EqualFold(e.ResourceID, v.id()) && last(e) {
				leave()
			}
		})
		leave()
	}()
	return cancel
}

func signal(processes []int, s syscall.Signal) {
	for _, pid := range processes {
		_ = syscall.Kill(pid, s)
	}
}

// controlPlane are the processes of the cluster's control plane.
func (v *faultyCluster) controlPlane() (processes []int) {
	for pid, arguments := range v.running() {
		if strings.Contains(arguments, "/control-planes/"+v.name+"-") {
			processes = append(processes, pid)
		}
	}
	return processes
}

// isLogged reports whether the log says how an operation ended.
func (v *faultyCluster) isLogged(operation string, f failure) bool {
	text, err := os.ReadFile(filepath.Join(v.dir, "logs", "rp.log"))
	if err != nil {
		return false
	}
	for line := range bytes.Lines(text) {
		var e entry
		if json.Unmarshal(line, &e) == nil && e.Msg == "operation failed" && e.OperationID == operation {
			return strings.Contains(e.Error, f.Code+" at "+f.Target) || f.Target == "" && strings.Contains(e.Error, f.Code)
		}
	}
	return false
}

const reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7"

// encrypt has the cluster's disks encrypted by a key of the customer.
func (v *faultyCluster) encrypt(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), groundTimeout)
	defer cancel()
	set := v.group() + "/providers/Microsoft.Compute/diskEncryptionSets/keys"
	v.put(ctx, t, set, "2023-04-02", m{"location": "eastus", "identity": m{"type": "SystemAssigned"}, "properties": m{
		"encryptionType": "EncryptionAtRestWithCustomerKey", "activeKey": m{"keyUrl": "https://keys.vault.azure.net/keys/disks/1"}}})
	properties := v.body["properties"].(m)
	client := properties["servicePrincipalProfile"].(m)["clientId"].(string)
	for _, application := range []string{client, firstParty} {
		v.assign(ctx, t, set, reader, v.principalOf(ctx, t, application))
	}
	properties["masterProfile"].(m)["diskEncryptionSetId"] = set
	properties["workerProfiles"].([]m)[0]["diskEncryptionSetId"] = set
}
