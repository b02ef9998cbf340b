package nodefiles_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"text/template"

	"github.com/aro-rp/aro/operator/nodefiles"
)

// TestTemplatesAreFilledAsByTheInstaller, which uses package text/template.
func TestTemplatesAreFilledAsByTheInstaller(t *testing.T) {
	files, err := filepath.Glob("templates/*")
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	plain := nodefiles.Values{Domain: "c.example.com", APIServerInternalIP: "10.0.0.1", IngressIP: "10.0.0.2"}
	one, two := plain, plain
	one.GatewayDomains, one.GatewayPrivateEndpointIP = []string{"a.example.com"}, "10.0.0.3"
	two.GatewayDomains, two.GatewayPrivateEndpointIP = []string{"a.example.com", "b.example.com"}, "10.0.0.3"
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		reference, err := template.New("").Parse(string(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, values := range []nodefiles.Values{plain, one, two} {
			var want bytes.Buffer
			if err := reference.Execute(&want, values); err != nil {
				t.Fatal(err)
			}
			if got, err := nodefiles.Render(filepath.Base(file), values); err != nil || !bytes.Equal(got, want.Bytes()) {
				t.Errorf("%s is %q, %v, want %q", file, got, err, want.Bytes())
			}
		}
	}
}
