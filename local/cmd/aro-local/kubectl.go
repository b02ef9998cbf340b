package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

type kubectlCommand struct {
	Args []string `arg:"" optional:"" passthrough:"" help:"Arguments of kubectl."`
}

// Run ends the process with kubectl's exit code if kubectl fails.
func (c kubectlCommand) Run() error {
	// kubectl reads its arguments from here, also to find plugins.
	os.Args = append([]string{"kubectl"}, c.Args...)
	err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand())
	util.CheckErr(err)
	return err
}
