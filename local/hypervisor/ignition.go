package hypervisor

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"strings"

	config "github.com/coreos/ignition/v2/config/v3_3"
	"github.com/coreos/ignition/v2/config/v3_3/types"
)

// maxDepth bounds configurations that name configurations.
const maxDepth = 5

// ignite returns the configuration that custom data refers to, and the pool whose machine config
// server provided it, if one did.
func (f *fetcher) ignite(ctx context.Context, customData []byte) (cfg types.Config, pool string, err error) {
	if len(customData) == 0 {
		return cfg, "", errors.New("the machine has no custom data")
	}
	return f.resolve(ctx, customData, 0)
}

// resolve parses a configuration and follows what it replaces or merges.
func (f *fetcher) resolve(ctx context.Context, raw []byte, depth int) (cfg types.Config, pool string, err error) {
	if depth > maxDepth {
		return cfg, "", errors.New("configurations name each other without end")
	}
	cfg, report, err := config.ParseCompatibleVersion(raw)
	if err != nil {
		return cfg, "", fmt.Errorf("parse: %w", problem(report.String(), err))
	}
	if err := f.trust(ctx, cfg.Ignition.Security.TLS.CertificateAuthorities); err != nil {
		return cfg, "", err
	}
	if replace := cfg.Ignition.Config.Replace; replace.Source != nil {
		content, err := f.contents(ctx, replace)
		if err != nil {
			return cfg, "", err
		}
		return f.resolve(ctx, content, depth+1)
	}
	for _, merge := range cfg.Ignition.Config.Merge {
		content, err := f.contents(ctx, merge)
		if err != nil {
			return cfg, "", err
		}
		child, childPool, err := f.resolve(ctx, content, depth+1)
		if err != nil {
			return cfg, "", err
		}
		if pool = childPool; pool == "" {
			pool = poolOf(*merge.Source)
		}
		cfg = config.Merge(cfg, child)
	}
	return cfg, pool, nil
}

// trust adds the certificate authorities of a configuration.
func (f *fetcher) trust(ctx context.Context, authorities []types.Resource) error {
	for _, authority := range authorities {
		content, err := f.contents(ctx, authority)
		if err != nil {
			return fmt.Errorf("certificate authority: %w", err)
		}
		if !f.authorities.AppendCertsFromPEM(content) {
			return errors.New("certificate authority: no certificate in it")
		}
	}
	return nil
}

// poolOf is the pool in the URL of a machine config server.
func poolOf(source string) string {
	u, err := url.Parse(source)
	if err != nil {
		return ""
	}
	pool, found := strings.CutPrefix(u.Path, "/config/")
	if !found || strings.Contains(pool, "/") {
		return ""
	}
	return pool
}

// problem describes what is wrong where the parser's error does not.
func problem(report string, err error) error {
	if report = strings.TrimSpace(report); report == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, strings.ReplaceAll(report, "\n", "; "))
}

// isBootstrap reports whether a machine becomes a control plane.
func isBootstrap(cfg types.Config) bool {
	for _, unit := range cfg.Systemd.Units {
		if unit.Name == "bootkube.service" {
			return hasFilesBelow(cfg, "/opt/openshift/")
		}
	}
	return false
}

func hasFilesBelow(cfg types.Config, dir string) bool {
	for _, file := range cfg.Storage.Files {
		if strings.HasPrefix(file.Path, dir) {
			return true
		}
	}
	return false
}

// file is the content of one file of the configuration, nil if it has none such.
func (f *fetcher) file(ctx context.Context, cfg types.Config, name string) ([]byte, error) {
	for _, file := range cfg.Storage.Files {
		if file.Path == name {
			return f.assemble(ctx, file)
		}
	}
	return nil, nil
}

func (f *fetcher) assemble(ctx context.Context, file types.File) ([]byte, error) {
	content, err := f.contents(ctx, file.Contents)
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", file.Path, err)
	}
	for _, more := range file.Append {
		addition, err := f.contents(ctx, more)
		if err != nil {
			return nil, fmt.Errorf("file %s: %w", file.Path, err)
		}
		content = append(content, addition...)
	}
	return content, nil
}

// write puts the files and units of the configuration below dir.
func (f *fetcher) write(ctx context.Context, cfg types.Config, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir) // no path of the configuration leads out of it
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	for _, file := range cfg.Storage.Files {
		content, err := f.assemble(ctx, file)
		if err != nil {
			return err
		}
		if err := place(root, file.Path, content, file.Mode); err != nil {
			return fmt.Errorf("file %s: %w", file.Path, err)
		}
	}
	for _, unit := range cfg.Systemd.Units {
		if unit.Contents == nil {
			continue
		}
		if err := place(root, "/etc/systemd/system/"+unit.Name, []byte(*unit.Contents), nil); err != nil {
			return fmt.Errorf("unit %s: %w", unit.Name, err)
		}
	}
	return nil
}

// place writes a file that its owner can always read, whatever its mode.
func place(root *os.Root, name string, content []byte, mode *int) error {
	name = strings.TrimPrefix(path.Clean(name), "/")
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	permissions := os.FileMode(0o600)
	if mode != nil {
		permissions |= os.FileMode(*mode) & 0o100
	}
	return root.WriteFile(name, content, permissions)
}
