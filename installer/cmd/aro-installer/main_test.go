package main

import (
	"bytes"
	"crypto/fips140"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aro-rp/aro/installer/document"
)

// asProgram makes the test's binary the program itself.
const asProgram = "ARO_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// program runs it in an empty directory without an environment.
func program(t *testing.T, in []byte, args ...string) (code int, out, said []byte) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env, cmd.Dir = []string{asProgram + "=1"}, t.TempDir()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(cmd.Dir); len(left) > 0 {
		t.Errorf("it left %v", left)
	}
	return cmd.ProcessState.ExitCode(), stdout.Bytes(), stderr.Bytes()
}

func example(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "test", "contract", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAWrongCallIsAUsageErrorWithoutAResult(t *testing.T) {
	for _, args := range [][]string{{"--none"}, {"none"}, {"check", "none"}, {"--none", "request.json"}} {
		code, out, said := program(t, nil, args...)
		if code != usageCode || len(out) > 0 || !strings.Contains(string(said), "--help") || !strings.Contains(string(said), "none") {
			t.Errorf("%v: code %d, result %q, said %s", args, code, out, said)
		}
	}
	if code, out, said := program(t, nil, "--help"); code != 0 || len(said) > 0 || !strings.HasPrefix(string(out), "Usage: aro-installer") {
		t.Errorf("--help: code %d, %s, said %s", code, out, said)
	}
}

func TestOneDocumentInOneOut(t *testing.T) {
	for _, name := range []string{"installer-request.json", "installer-request-workload-identity.json"} {
		t.Run(name, func(t *testing.T) {
			in := example(t, name)
			code, out, said := program(t, in)
			var result document.Result
			if err := json.Unmarshal(out, &result); err != nil || code != 0 || len(result.BootstrapIgnition) < 300_000 {
				t.Fatalf("code %d, %v, %d bytes; %s", code, err, len(result.BootstrapIgnition), said)
			}
			mustBeLog(t, said)
			req, err := document.Read(bytes.NewReader(in))
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range append(req.Secrets(), result.KubeadminPassword, result.RootCA.Key, result.AdminKubeconfigSigner.Key, "PRIVATE KEY", "dG9rZW4") {
				if bytes.Contains(said, []byte(secret)) || bytes.Contains(said, inside(marshal(t, secret))) {
					t.Errorf("a secret is in the log: %.12s…", secret)
				}
			}
		})
	}
}

// inside of a JSON string.
func inside(quoted []byte) []byte { return quoted[1 : len(quoted)-1] }

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func mustBeLog(t *testing.T, said []byte) {
	t.Helper()
	lines := 0
	for line := range bytes.Lines(said) {
		var entry struct{ Level, Msg string }
		if err := json.Unmarshal(line, &entry); err != nil || entry.Level == "" || entry.Msg == "" {
			t.Errorf("no log line: %s", line)
		}
		lines++
	}
	if lines == 0 {
		t.Error("it logs nothing")
	}
}

func TestAFailureIsADocumentToo(t *testing.T) {
	change := func(old, new string) []byte {
		return bytes.Replace(example(t, "installer-request.json"), []byte(old), []byte(new), 1)
	}
	for name, test := range map[string]struct {
		in    []byte
		asset string
		says  string
	}{
		"nothing":           {nil, "", "cannot be read"},
		"no JSON":           {[]byte("example~client+secret/7"), "", "no JSON at byte"},
		"a missing member":  {change(`"infraId": "demo-x7k2p"`, `"infraId": ""`), "", "infraId"},
		"an unknown member": {change(`"infraId"`, `"infraID2"`), "", "infraID2"},
		"a refused value":   {change(`"Loadbalancer"`, `"Carrier"`), "*installconfig.InstallConfig", "outboundType"},
		"a failing asset":   {change(`"HyperVGenerations": "V1,V2"`, `"HyperV": "V1"`), "*machines.Master", "HyperVGeneration"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, said := program(t, test.in)
			var failed document.Failure
			if err := json.Unmarshal(out, &failed); err != nil || code != 1 || failed.Error.Asset != test.asset || !strings.Contains(failed.Error.Message, test.says) {
				t.Errorf("code %d, %s (%v), want %s saying %q", code, out, err, test.asset, test.says)
			}
			if strings.Contains(string(out)+string(said), "example~client+secret/7") {
				t.Errorf("a secret is in %s%s", out, said)
			}
		})
	}
}

// The fields are those that package backend/cluster maps to the API.
func TestARefusalNamesItsFields(t *testing.T) {
	change := func(old, new string) []byte {
		return bytes.Replace(example(t, "installer-request.json"), []byte(old), []byte(new), 1)
	}
	for field, in := range map[string][]byte{
		"metadata.name":                     change(`"demo.eastus`, `"`+strings.Repeat("a", 55)+`.eastus`),
		"platform.azure.outboundType":       change(`"Loadbalancer"`, `"Carrier"`),
		"pullSecret":                        change(`{\"auth\": \"dG9r`, `{\"email\": \"dG9r`),
		"networking.clusterNetwork":         change(`"podCidr": "`, `"podCidr": "x`),
		"networking.clusterNetwork[0].cidr": change(`"podCidr": "10.128.0.0/14"`, `"podCidr": "100.64.0.0/16"`),
		"networking.serviceNetwork[0]":      change(`"serviceCidr": "172.30.0.0/16"`, `"serviceCidr": "127.0.0.0/16"`),
	} {
		code, out, _ := program(t, in)
		var failed document.Failure
		if err := json.Unmarshal(out, &failed); err != nil || code != 1 || len(failed.Error.Refused) == 0 || failed.Error.Refused[0].Field != field || failed.Error.Refused[0].Message == "" {
			t.Errorf("%s: code %d, %v, %.500s", field, code, err, out)
		}
	}
}

func TestManyRequestsAreChecked(t *testing.T) {
	good := example(t, "installer-request.json")
	bad := bytes.Replace(good, []byte(`"Loadbalancer"`), []byte(`"Carrier"`), 1)
	wrong := bytes.Replace(good, []byte(`"infraId": "demo-x7k2p"`), []byte(`"infraId": ""`), 1)
	code, out, _ := program(t, bytes.Join([][]byte{good, bad, wrong, good}, nil), "check")
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if code != 0 || len(lines) != 4 || lines[0] != "{}" || !strings.Contains(lines[1], `"field":"platform.azure.outboundType"`) ||
		!strings.Contains(lines[2], "infraId") || lines[3] != "{}" {
		t.Errorf("code %d: %.1000s", code, out)
	}
	if code, out, _ := program(t, []byte("{"), "check"); code != 1 || !strings.Contains(string(out), "cannot be read") {
		t.Errorf("half a request: code %d, %s", code, out)
	}
}

func TestItSaysWhatItInstalls(t *testing.T) {
	code, out, _ := program(t, nil, "version")
	var build document.Build
	if err := json.Unmarshal(out, &build); err != nil || code != 0 || build.OpenShift != "4.19" || build.Installer != "v1.4.19-ec5" || build.Version == "" {
		t.Errorf("code %d, %s (%v)", code, out, err)
	}
}

func TestKeysComeFromAnApprovedModule(t *testing.T) {
	if !fips140.Enabled() {
		t.Error("Go's cryptography is not in FIPS mode")
	}
}

func TestASecretThatAnErrorCitesIsTakenOut(t *testing.T) {
	secret := "line one\nline \"two\""
	cited := "cannot parse " + secret + " nor " + string(marshal(t, secret))
	if got := failure(errorText(cited), []string{secret, ""}).Error.Message; got != `cannot parse [secret] nor "[secret]"` {
		t.Errorf("got %s", got)
	}
}

type errorText string

func (e errorText) Error() string { return string(e) }

func TestItExplainsItself(t *testing.T) {
	for arg, want := range map[string]string{"--help": "standard error", "--version": "OpenShift installer v1.4.19-ec5"} {
		code, out, _ := program(t, nil, arg)
		if code != 0 || !strings.Contains(string(out), want) {
			t.Errorf("%s: code %d, %s", arg, code, out)
		}
	}
}

// Without a network, not even localhost, the program must do all it does.
func TestItNeedsNoNetwork(t *testing.T) {
	unshare, err := exec.LookPath("unshare")
	if err != nil || exec.CommandContext(t.Context(), unshare, "-rn", "true").Run() != nil {
		t.Skip("this machine does not let us take the network away")
	}
	var stdout bytes.Buffer
	cmd := exec.CommandContext(t.Context(), unshare, "-rn", os.Args[0])
	cmd.Env, cmd.Dir = []string{asProgram + "=1"}, t.TempDir()
	cmd.Stdin, cmd.Stdout = bytes.NewReader(example(t, "installer-request.json")), &stdout
	if err := cmd.Run(); err != nil {
		t.Errorf("%v: %.300s", err, stdout.Bytes())
	}
}
