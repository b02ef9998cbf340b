package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/aro-rp/aro/mirror"
	"github.com/aro-rp/aro/service"
)

// mirrorCommand copies OpenShift releases into the registry of the service.
type mirrorCommand struct {
	Versions []string `arg:"" optional:"" name:"version" help:"OpenShift versions, x.y.z, or latest. Default: all of the update graph since --since."`

	Destination     string        `env:"ARO_MIRROR_DESTINATION" required:"" placeholder:"REGISTRY" help:"Registry that gets the images, like arosvc.azurecr.io."`
	DestinationAuth string        `env:"ARO_MIRROR_DESTINATION_AUTH" type:"path" placeholder:"FILE" help:"Login to the destination, as a pull secret. Default: for *.azurecr.io the environment's Azure credential, which needs the role AcrPush; else none."`
	Cloud           string        `env:"ARO_CLOUD" default:"public" help:"Azure cloud of the destination and of its credential: public, usgovernment, or the https URL of another one."`
	CAFile          string        `name:"ca-file" env:"ARO_CA_FILE" type:"path" placeholder:"FILE" help:"Certificate authorities to trust beside the system's, PEM."`
	SourceAuth      string        `env:"ARO_MIRROR_SOURCE_AUTH" type:"path" placeholder:"FILE" help:"Logins to the sources, as a pull secret: {\"auths\": {\"quay.io\": {\"auth\": \"…\"}}}. Default: none."`
	Graph           string        `env:"ARO_MIRROR_GRAPH" default:"${graph}" placeholder:"URL" help:"Update graph that names the releases."`
	Since           string        `env:"ARO_MIRROR_SINCE" default:"4.12.0" placeholder:"VERSION" help:"Oldest version to mirror if none is named."`
	Image           []string      `env:"ARO_MIRROR_IMAGE" placeholder:"IMAGE" help:"Other images to mirror, in place of the default ones (${auxiliary} images)."`
	NoImages        bool          `env:"ARO_MIRROR_NO_IMAGES" help:"Mirror releases only."`
	Parallel        int           `env:"ARO_MIRROR_PARALLEL" default:"10" help:"Images to copy at once."`
	Tries           int           `env:"ARO_MIRROR_TRIES" default:"6" help:"How often an image is tried."`
	Pause           time.Duration `env:"ARO_MIRROR_PAUSE" default:"10s" help:"How long to wait before the next try."`
	Verify          bool          `env:"ARO_MIRROR_VERIFY" help:"Look at each image of releases that are complete."`
	DryRun          bool          `env:"ARO_MIRROR_DRY_RUN" help:"Print what would be mirrored, and do nothing."`
}

// Run mirrors, logs its progress, and prints a summary.
func (c *mirrorCommand) Run(ctx context.Context) error {
	var faults service.Faults
	faults.Within("--parallel", c.Parallel, 1, 100)
	faults.Within("--tries", c.Tries, 1, 100)
	faults.Positive("--pause", c.Pause)
	options := c.options(&faults)
	if err := faults.Err(); err != nil {
		return err
	}
	client, err := (&service.Cloud{CAFile: c.CAFile}).Client()
	if err != nil {
		return err
	}
	options.Transport = client.Transport
	if options.To, err = registryLogin(ctx, options.Destination, c.DestinationAuth, c.Cloud, client); err != nil {
		return err
	}
	graph, err := mirror.ReadGraph(ctx, client, c.Graph)
	if err != nil {
		return err
	}
	releases, err := graph.Choose(c.Versions, c.Since)
	if err != nil {
		return err
	}
	images := c.Image
	if len(images) == 0 && !c.NoImages {
		images = mirror.Auxiliary()
	}
	if c.DryRun {
		return mirror.WritePlan(os.Stdout, releases, images)
	}
	m, err := mirror.New(options)
	if err != nil {
		return err
	}
	summary, err := m.Run(ctx, releases, images)
	return errors.Join(summary.Write(os.Stdout), err)
}

// options are what the flags say, without the login to the destination.
func (c *mirrorCommand) options(faults *service.Faults) mirror.Options {
	registry, err := name.NewRegistry(c.Destination)
	if err != nil {
		faults.Add("--destination", "is not the name of a registry: %v", err)
	}
	from, err := mirror.ReadPullSecret(c.SourceAuth)
	if err != nil {
		faults.Add("--source-auth", "cannot be used: %v", err)
	}
	return mirror.Options{Destination: registry, From: from, Parallel: c.Parallel, Tries: c.Tries, Pause: c.Pause, Verify: c.Verify}
}
