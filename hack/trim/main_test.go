package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// big is a module whose SDK exists nowhere: what is copied must not need it.
var big = map[string]string{
	"big/go.mod":  "module example.test/big\n\ngo 1.26\n\nrequire sdk.test/sdk v1.0.0\n",
	"big/LICENSE": "free\n",
	"big/kit/kit.go": `// Package kit works on any cloud.
package kit

import (
	"fmt"

	"example.test/big/cloud/other"
	"example.test/big/unused"
)

// Platform is where it works.
type Platform struct {
	Name  string
	Other *other.Metadata
}

var greeting = "hello"

func init() { greeting += "," }

// Describe describes it.
func (p *Platform) Describe() string {
	if p.Name == other.Name {
		return fmt.Sprint(p.Other.Zones(2))
	}
	return greeting + " " + p.Name + other.Suffix
}

// Unwanted is not called.
func Unwanted() { unused.Do() }
`,
	"big/kit/kit_test.go":  "package kit\n\nimport _ \"sdk.test/sdk\"\n",
	"big/unused/unused.go": "package unused\n\nimport \"sdk.test/sdk\"\n\nfunc Do() { sdk.Do() }\n",
	"big/cloud/other/other.go": `package other

import (
	"strings"

	"sdk.test/sdk"
)

const Name = "other"

// Suffix has a value that is computed.
var Suffix = suffix("!")

func suffix(of string) string { return strings.Repeat(of, 2) }

var client = sdk.New()

// Metadata has what is encoded and what is not.
type Metadata struct {
	client *sdk.Client
	Region string ` + "`json:\"region\"`" + `
	Cached sdk.Zone
}

// Zones asks the cloud.
func (m *Metadata) Zones(n int) (zones []string, err error) { return m.client.Zones(n) }

// Subnets asks it, too.
func (m *Metadata) Subnets() []sdk.Subnet { return m.client.Subnets() }
`,
	"users/go.mod": "module example.test/users\n\ngo 1.26\n\nrequire example.test/big v1.0.0\n\nreplace example.test/big => ../trimmed\n",
	"users/main.go": `package main

import (
	"fmt"
	"os"

	"example.test/big/kit"
)

func main() { fmt.Println((&kit.Platform{Name: os.Args[1]}).Describe()) }
`,
}

func trimmed(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range big {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err := run(settings{module: "example.test/big", from: filepath.Join(dir, "big"), users: filepath.Join(dir, "users"), to: filepath.Join(dir, "trimmed"), stub: "^/cloud/"})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestWhatIsKeptWorksWithoutWhatIsNot(t *testing.T) {
	dir := trimmed(t)
	// Nothing is in the copy that needs the SDK, so its requirement can go, too.
	if err := os.WriteFile(filepath.Join(dir, "trimmed", "go.mod"), []byte("module example.test/big\n\ngo 1.26\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ platform, says string }{
		{"mine", "hello, mine!!"},
		{"other", "example.test/big/cloud/other.Zones is not built in"},
	} {
		command := exec.Command("go", "run", "-mod=mod", ".", test.platform)
		command.Dir = filepath.Join(dir, "users")
		command.Env = append(os.Environ(), "GOPROXY=off", "GOFLAGS=", "GOWORK=off")
		out, err := command.CombinedOutput()
		if !strings.Contains(string(out), test.says) || (err != nil) != (test.platform == "other") {
			t.Errorf("%s: %v: %s", test.platform, err, out)
		}
	}
}

func TestStubsDeclareWhatIsUsedAlone(t *testing.T) {
	dir := trimmed(t)
	text, err := os.ReadFile(filepath.Join(dir, "trimmed", "cloud", "other", "other.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{"sdk.", "Subnets", "Cached", "client"} {
		if strings.Contains(string(text), gone) {
			t.Errorf("%s is left in\n%s", gone, text)
		}
	}
	if !strings.Contains(string(text), `json:"region"`) {
		t.Errorf("what is encoded is not left in\n%s", text)
	}
	for name, there := range map[string]bool{"LICENSE": true, "unused": false, "kit/kit_test.go": false} {
		if _, err := os.Stat(filepath.Join(dir, "trimmed", name)); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
}
