package payload_test

import (
	"os"
	"strings"
	"testing"

	"github.com/openshift/installer/data"

	"github.com/aro-rp/aro/installer/payload"
)

func TestTheFilesAreThoseOfTheCode(t *testing.T) {
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version, err := payload.Version()
	if err != nil || !strings.Contains(string(mod), "\tgithub.com/openshift/installer "+version+"\n") {
		t.Errorf("the files are of %s (%v)", version, err)
	}
}

func TestTheInstallerReadsTheFiles(t *testing.T) {
	if err := payload.Mount(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"coreos/rhcos.json", "bootstrap/files/usr/local/bin/bootkube.sh.template", "bootstrap/systemd/common/units", "manifests/bootkube"} {
		file, err := data.Assets.Open(path)
		if err != nil {
			t.Error(err)
			continue
		}
		_ = file.Close()
	}
	if file, err := data.Assets.Open("cluster-api"); err == nil {
		_ = file.Close()
		t.Error("files that are not read are compiled in")
	}
}
