package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aro-rp/aro/model"
)

// firstPort of the load balancer forwards to sshd of the first master, the next
// port to the next.
const firstPort = 2200

// shell runs ssh with the key in a temporary file, which it removes.
func (c *command) shell(ctx context.Context, cluster *model.Cluster) (err error) {
	if cluster.Internal.SSHKey == "" || cluster.Internal.PrivateEndpointIP == "" {
		return errors.New("the cluster has no key or no private endpoint yet")
	}
	port, err := portOf(c.Machine)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "aro-ssh-")
	if err != nil {
		return err
	}
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte(cluster.Internal.SSHKey), 0o600); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	args := sshArgs(key, cluster.Internal.PrivateEndpointIP, port)
	if c.Print {
		fmt.Println("ssh", strings.Join(args, " "))
		return nil
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ssh := exec.CommandContext(ctx, "ssh", args...) //nolint:gosec // address and port are the service's
	ssh.Stdin, ssh.Stdout, ssh.Stderr = os.Stdin, os.Stdout, os.Stderr
	return ssh.Run()
}

// sshArgs disable the check of host keys: different machines use the same address
// over time.
func sshArgs(key, address string, port int) []string {
	return []string{"-i", key, "-p", strconv.Itoa(port), "-o", "IdentitiesOnly=yes",
		"-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=accept-new", "core@" + address}
}

func portOf(machine string) (int, error) {
	number, found := strings.CutPrefix(machine, "master-")
	n, err := strconv.Atoi(number)
	if !found || err != nil || n < 0 || n > 2 {
		return 0, fmt.Errorf("the load balancer leads to master-0, master-1 and master-2, not to %q", machine)
	}
	return firstPort + n, nil
}
