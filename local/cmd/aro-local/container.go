package main

import (
	"os"

	"github.com/aro-rp/aro/local/hypervisor/container"
)

type containerCommand struct{}

// Run returns only if the container's program cannot be run.
func (containerCommand) Run() error { return container.Main(os.Stdin) }
