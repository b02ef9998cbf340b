package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/aro-rp/aro/local/supervisor"
)

const (
	// defaultAddresses is N of the ranges of the first aro-local on a machine.
	defaultAddresses = 64
	// maxAddresses leaves out 127.255.0.0/16, whose last address is for broadcasts.
	maxAddresses = 253
	// leastFree is the disk space in bytes without which a start is refused: a
	// database that cannot write answers nothing.
	leastFree = 100 << 20
)

// reservation is what this aro-local has for itself until it ends.
type reservation struct {
	azure []net.Listener // the ports of Azure
	undo  []func()
}

func (r *reservation) release() {
	for _, undo := range r.undo {
		undo()
	}
}

func (r *reservation) keep(l net.Listener) { r.undo = append(r.undo, func() { _ = l.Close() }) }

// reserve takes the data directory, the addresses and the ports, and refuses what
// another program has, before anything is started. What a killed predecessor left
// running is ended.
func (c *runCommand) reserve(ctx context.Context) (*reservation, error) {
	if err := c.check(); err != nil {
		return nil, valueError{err}
	}
	return c.take(ctx, c.takeData, c.takeAddresses, c.checkFree, c.listen)
}

// take takes one thing after another, or none.
func (c *runCommand) take(ctx context.Context, steps ...func(context.Context, *reservation) error) (*reservation, error) {
	r := &reservation{}
	for _, step := range steps {
		if err := step(ctx, r); err != nil {
			r.release()
			return nil, err
		}
	}
	return r, nil
}

// takeData makes this process the only user of its data directory.
func (c *runCommand) takeData(_ context.Context, r *reservation) error {
	if err := os.MkdirAll(filepath.Join(c.Data, "logs"), 0o700); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	if err := enoughDisk(c.Data, leastFree); err != nil {
		return err
	}
	unlock, err := supervisor.Lock(filepath.Join(c.Data, "lock"))
	if err != nil {
		return err
	}
	r.undo = append(r.undo, unlock)
	for _, left := range []string{c.rpPID(), c.portalPID(), c.monitorPID()} {
		if err := supervisor.StopLeftover(left); err != nil {
			return err
		}
	}
	return c.settleAddresses()
}

// check validates the flags that aro rp would validate only once it runs.
func (c *runCommand) check() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("--listen must be ADDRESS:PORT, not %q", c.Listen)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return fmt.Errorf("--listen must be a loopback address, for example 127.0.0.1:8080, not %q: callers are not authenticated here", c.Listen)
	}
	if name, port, err := net.SplitHostPort(c.Azure); err != nil || name != "localhost" || port == "" {
		return fmt.Errorf("--azure must be localhost:PORT, not %q", c.Azure)
	}
	if c.Portal == "" {
		_, port, _ := net.SplitHostPort(c.Azure)
		n, err := net.LookupPort("tcp", port)
		if err != nil {
			return fmt.Errorf("--azure must be localhost:PORT, not %q", c.Azure)
		}
		c.Portal = net.JoinHostPort("localhost", strconv.Itoa(n+1))
	}
	if name, port, err := net.SplitHostPort(c.Portal); c.Portal != noPortal && (err != nil || name != "localhost" || port == "") {
		return fmt.Errorf("--portal must be localhost:PORT or none, not %q", c.Portal)
	}
	if c.Addresses < 0 || c.Addresses > maxAddresses {
		return fmt.Errorf("--addresses must be a number from 1 to %d, not %d", maxAddresses, c.Addresses)
	}
	return nil
}

// findPrograms applies the defaults of the other programs, beside this one.
func (c *runCommand) findPrograms(beside string) error {
	if c.RP == "" {
		c.RP = filepath.Join(beside, "aro")
	}
	if err := executable(c.RP, "--rp"); err != nil {
		return err
	}
	if c.Operator {
		if err := c.findProgram(operatorImage, filepath.Join(beside, operatorImage)); err != nil {
			return err
		}
	}
	if err := c.findProgram(prometheusImage, filepath.Join(beside, "aro-prometheus")); err != nil {
		return err
	}
	if len(c.Installer) > 0 {
		return nil // aro rp validates them
	}
	c.Installer = []string{filepath.Join(beside, "aro-installer")}
	return executable(c.Installer[0], "--installer")
}

// The images whose programs are beside this one: the operator and the Prometheus of clusters.
const operatorImage, prometheusImage = "aro-operator", "origin-prometheus"

// findProgram makes the program at path that of the image, unless --program names another. If path
// does not exist, the pods of the image are simulated.
func (c *runCommand) findProgram(image, path string) error {
	if c.Programs[image] != "" {
		return nil
	}
	err := executable(path, "--program")
	if _, missing := os.Stat(path); errors.Is(missing, fs.ErrNotExist) {
		return nil
	}
	if c.Programs == nil {
		c.Programs = map[string]string{}
	}
	c.Programs[image] = path
	return err
}

func executable(path, flag string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the program %s does not exist: build it with `make build`, or name another with %s", path, flag)
	case err != nil:
		return fmt.Errorf("%s: %w", flag, err)
	case info.IsDir() || info.Mode()&0o111 == 0:
		return fmt.Errorf("%s: %s is not an executable file", flag, path)
	}
	return nil
}

// enoughDisk refuses a file system with less free space than so many bytes.
func enoughDisk(dir string, least uint64) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("--data: free space of %s: %w", dir, err)
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < least { // its type differs between systems
		return fmt.Errorf("the file system of %s has %d MiB free, and aro-local needs at least %d MiB: free some space, or choose another directory with --data", dir, free>>20, least>>20)
	}
	return nil
}

// settleAddresses keeps the number of the first start: resources have addresses of
// its ranges.
func (c *runCommand) settleAddresses() error {
	path := filepath.Join(c.Data, "addresses")
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if c.Addresses == 0 {
			c.Addresses = defaultAddresses
		}
		return os.WriteFile(path, fmt.Appendln(nil, c.Addresses), 0o600)
	}
	if err != nil {
		return err
	}
	kept, err := strconv.Atoi(strings.TrimSpace(string(content)))
	switch {
	case err != nil || kept < 1 || kept > maxAddresses:
		return fmt.Errorf("%s must hold a number from 1 to %d", path, maxAddresses)
	case c.Addresses != 0 && c.Addresses != kept:
		return fmt.Errorf("--addresses is %d, but the data directory %s was first used with %d: leave the flag out, or choose another directory with --data", c.Addresses, c.Data, kept)
	}
	c.Addresses = kept
	return nil
}

// rangePort is a port at which nothing in the local Azure listens.
const rangePort = "1025"

// reservedAddress is the last host of a range, at which the process listens that owns the range.
func (c *runCommand) reservedAddress(n byte) string {
	return netip.AddrFrom4([4]byte{127, byte(c.Addresses) + n, 255, 254}).String()
}

// takeAddresses reserves both ranges: the process that owns one listens at its last host.
func (c *runCommand) takeAddresses(ctx context.Context, r *reservation) error {
	for n := range 2 {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(c.reservedAddress(byte(n)), rangePort))
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("another aro-local uses the addresses 127.%d.0.0/16: stop it, or choose other ranges with --addresses, and another directory with --data", c.Addresses+n)
		}
		if err != nil {
			return fmt.Errorf("addresses of 127.%d.0.0/16 cannot be used on this machine: %w", c.Addresses+n, err)
		}
		r.keep(l)
	}
	return nil
}

// checkFree checks whether another program uses the provider's address or the portal's: its answers
// would be taken for theirs.
func (c *runCommand) checkFree(ctx context.Context, _ *reservation) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return portError("--listen", c.Listen, err)
	}
	if err := listener.Close(); err != nil || c.Portal == noPortal {
		return err
	}
	if listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", c.portalListen()); err != nil {
		return portError("--portal", c.Portal, err)
	}
	if err := listener.Close(); err != nil {
		return err
	}
	if listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", c.sshListen()); err != nil {
		return fmt.Errorf("--portal %s: the next port is for its SSH server: %w", c.Portal, err)
	}
	return listener.Close()
}

// listen opens Azure's port on every loopback address that its name may mean.
func (c *runCommand) listen(ctx context.Context, r *reservation) error {
	_, port, _ := net.SplitHostPort(c.Azure) // check has
	var config net.ListenConfig
	first, err := config.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return portError("--azure", c.Azure, err)
	}
	r.azure = append(r.azure, first)
	r.keep(first)
	if second, err := config.Listen(ctx, "tcp6", net.JoinHostPort("::1", port)); err == nil {
		r.azure = append(r.azure, second) // a machine without IPv6 does without
		r.keep(second)
	}
	return nil
}

// portError explains how to resolve that a port cannot be opened.
func portError(flag, address string, err error) error {
	host, port, _ := net.SplitHostPort(address)
	n, numberErr := strconv.Atoi(port)
	if !errors.Is(err, syscall.EADDRINUSE) || numberErr != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return fmt.Errorf("%s %s: another program uses this port: stop it, or choose another port, for example %s %s",
		flag, address, flag, net.JoinHostPort(host, strconv.Itoa(n+1)))
}
