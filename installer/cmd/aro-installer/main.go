// Keys of clusters in FIPS mode must come from an approved module.
//
//go:debug fips140=on

// Command aro-installer generates the first files of an OpenShift cluster. It reads
// one JSON document from stdin, writes one to stdout and logs JSON lines to stderr.
// It needs no network, no files and no environment. Package document defines its
// input and output.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/sirupsen/logrus"

	"github.com/aro-rp/aro/installer/assets"
	"github.com/aro-rp/aro/installer/document"
	"github.com/aro-rp/aro/installer/graph"
	"github.com/aro-rp/aro/installer/payload"
)

// version is set by the linker; see build.sh.
var version = "unknown"

// hidden replaces a secret.
const hidden = "[secret]"

const usage = `Usage: aro-installer [command]

Generate what an OpenShift cluster starts from: the ignition of its first machines,
its kubeconfig and its keys. aro rp runs this program; you rarely need to.

  aro-installer <request.json >result.json    Generate.
  aro-installer check <requests.json          Validate requests and generate nothing.
  aro-installer version                       Print the build and the OpenShift
                                              release that it installs, as JSON.
  aro-installer --version                     Print the same for people.

It reads one JSON document from standard input, writes one to standard output, and
logs JSON lines to standard error. The exit code is 0, or 1 with the result
{"error":{"message":…,"asset":…,"refused":[…]}}, or 2 if it is called in another
way. check takes any number of requests and writes one such line, or {}, for each.
It needs no network, no files and no environment. test/contract has examples of
requests.
`

// usageCode is the exit code of all programs of the project for invalid arguments.
const usageCode = 2

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) int {
	flags := flag.NewFlagSet("aro-installer", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	showVersion := flags.Bool("version", false, "")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(out, usage)
		return 0
	case err != nil:
		return wrongCall(err.Error())
	case flags.NArg() > 1:
		return wrongCall("unexpected argument " + flags.Arg(1))
	case flags.NArg() == 1 && flags.Arg(0) != "check" && flags.Arg(0) != "version":
		return wrongCall("unexpected argument " + flags.Arg(0))
	case flags.Arg(0) == "version":
		return printBuild(out)
	case *showVersion:
		installer, err := payload.Version()
		if err != nil {
			installer = err.Error()
		}
		_, _ = fmt.Fprintf(out, "aro-installer %s (OpenShift installer %s)\n", version, installer)
		return 0
	}
	logrus.SetFormatter(&logrus.JSONFormatter{})
	logrus.SetOutput(os.Stderr)
	os.Clearenv() // the installer reads settings from it
	if err := os.Setenv("OPENSHIFT_INSTALL_INVOKER", "ARO"); err != nil {
		return answer(out, failure(err, nil), 1)
	}
	if err := payload.Mount(); err != nil {
		return answer(out, failure(err, nil), 1)
	}
	if flags.Arg(0) == "check" {
		return check(in, out)
	}
	req, err := document.Read(in)
	if err != nil {
		return answer(out, failure(err, nil), 1)
	}
	result, err := assets.Generate(ctx, req)
	if err != nil {
		return answer(out, failure(err, req.Secrets()), 1)
	}
	return answer(out, result, 0)
}

// wrongCall prints why the call is invalid to stderr, where it is not taken for a
// result.
func wrongCall(reason string) int {
	_, _ = fmt.Fprintf(os.Stderr, "aro-installer: %s\nRun aro-installer --help for its usage.\n", reason)
	return usageCode
}

// printBuild prints the version of the program and the release that it installs.
func printBuild(out io.Writer) int {
	installer, err := payload.Version()
	if err != nil {
		return answer(out, failure(err, nil), 1)
	}
	release, err := payload.OpenShift()
	if err != nil {
		return answer(out, failure(err, nil), 1)
	}
	return answer(out, document.Build{Version: version, OpenShift: release, Installer: installer}, 0)
}

// check returns for each request the values that would be refused.
func check(in io.Reader, out io.Writer) int {
	err := document.ReadAll(in, func(req *document.Request, wrong error) error {
		if wrong == nil {
			wrong = assets.Check(req)
		}
		var line any = struct{}{}
		if wrong != nil {
			line = failure(wrong, req.Secrets())
		}
		if answer(out, line, 0) != 0 {
			return io.ErrClosedPipe
		}
		return nil
	})
	if err != nil {
		return answer(out, failure(err, nil), 1)
	}
	return 0
}

// failure separates the asset from the message, and removes secrets: the installer
// may cite input that it could not parse.
func failure(err error, secrets []string) document.Failure {
	problem := document.Problem{Message: err.Error()}
	var failed *graph.Failure
	if errors.As(err, &failed) {
		problem = document.Problem{Message: failed.Err.Error(), Asset: failed.Asset}
	}
	var refused document.Refused
	if errors.As(err, &refused) {
		problem.Refused = slices.Clone(refused)
	}
	for _, s := range secrets {
		if s == "" {
			continue
		}
		quoted := strconv.Quote(s)
		hide := strings.NewReplacer(s, hidden, quoted[1:len(quoted)-1], hidden)
		problem.Message = hide.Replace(problem.Message)
		for i := range problem.Refused {
			problem.Refused[i].Message = hide.Replace(problem.Refused[i].Message)
		}
	}
	return document.Failure{Error: problem}
}

func answer(out io.Writer, document any, code int) int {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		logrus.Error("the result cannot be written")
		return 1
	}
	return code
}
