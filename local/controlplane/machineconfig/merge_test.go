package machineconfig

import (
	"testing"

	"github.com/coreos/ignition/v2/config/v3_2"
	"github.com/coreos/ignition/v2/config/v3_2/types"
)

func merge(t *testing.T, configs ...string) types.Config {
	t.Helper()
	m := newMerger()
	for _, config := range configs {
		if err := m.add([]byte(config)); err != nil {
			t.Fatal(err)
		}
	}
	content, err := m.config()
	if err != nil {
		t.Fatal(err)
	}
	config, report, err := v3_2.Parse(content)
	if err != nil {
		t.Fatalf("%v: %s", err, report.String())
	}
	return config
}

func TestLaterConfigOverrulesFilesOfTheSamePath(t *testing.T) {
	config := merge(t,
		`{"ignition":{"version":"3.2.0"},"storage":{"files":[{"path":"/a","contents":{"source":"data:,one"}},{"path":"/b","contents":{"source":"data:,b"}}]}}`,
		`{"ignition":{"version":"3.4.0"},"storage":{"files":[{"path":"/a","contents":{"source":"data:,two"}}]}}`,
	)
	if len(config.Storage.Files) != 2 || *config.Storage.Files[0].Contents.Source != "data:,two" {
		t.Errorf("%+v", config.Storage.Files)
	}
}

func TestIgnitionOfVersionTwoIsTranslated(t *testing.T) {
	config := merge(t, `{"ignition":{"version":"2.2.0"},"storage":{"files":[{"filesystem":"root","path":"/etc/containers/registries.conf","mode":420,"contents":{"source":"data:,x"}}]}}`)
	file := config.Storage.Files[0]
	if file.Overwrite == nil || !*file.Overwrite || *file.Mode != 420 {
		t.Errorf("%+v", file)
	}
}

func TestKeysOfOneUserAreCollected(t *testing.T) {
	config := merge(t,
		`{"ignition":{"version":"3.2.0"},"passwd":{"users":[{"name":"core","sshAuthorizedKeys":["a"]}]}}`,
		`{"ignition":{"version":"3.2.0"},"passwd":{"users":[{"name":"core","sshAuthorizedKeys":["a","b"]}]}}`,
	)
	if users := config.Passwd.Users; len(users) != 1 || len(users[0].SSHAuthorizedKeys) != 2 {
		t.Errorf("%+v", users)
	}
}

func TestUnknownVersionIsRefused(t *testing.T) {
	for name, config := range map[string]string{
		"version 1":  `{"ignition":{"version":"1.0.0"}}`,
		"no version": `{}`,
		"no JSON":    `nonsense`,
	} {
		if err := newMerger().add([]byte(config)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if err := newMerger().add(nil); err != nil { // a config of kernel arguments alone
		t.Error(err)
	}
}

func TestOnlyKnownIgnitionIsAccepted(t *testing.T) {
	for header, want := range map[string]bool{
		"":    true,
		"*/*": true,
		"application/vnd.coreos.ignition+json;version=3.2.0, */*;q=0.1": true,
		"application/vnd.coreos.ignition+json; version=3.5.0":           true,
		"application/vnd.coreos.ignition+json;version=2.2.0":            false,
		"application/vnd.coreos.ignition+json;version=3.1.0":            false,
	} {
		if have := accepts(header); have != want {
			t.Errorf("%q: %v", header, have)
		}
	}
}
