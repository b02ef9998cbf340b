package main

import (
	"os"

	"github.com/aro-rp/aro/local/hypervisor"
)

type containerCommand struct{}

// Run returns only if the container's program cannot be run.
func (containerCommand) Run() error { return hypervisor.RunContainer(os.Stdin) }
