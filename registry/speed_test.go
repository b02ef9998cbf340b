package main

import (
	"context"
	"flag"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var speed = flag.Bool("speed", false, "measure aro mirror beside skopeo, which must be installed")

// TestSpeedBesideSkopeo copies 200 images with shared layers, once with aro mirror and
// once with a skopeo for each image, into empty registries.
func TestSpeedBesideSkopeo(t *testing.T) {
	if !*speed {
		t.Skip("a measurement: run it with -speed")
	}
	if _, err := exec.LookPath("skopeo"); err != nil {
		t.Fatal("skopeo is missing: apt-get install skopeo")
	}
	from, ours, theirs := startSite(t), startSite(t), startSite(t)
	graph, images := from.release(200)

	begun := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, filepath.Join(built, "aro"), "mirror", "--destination", ours.host, "--no-images", "--graph", graph, "4.19.24")
	out, memory, err := measured(command)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	mirrored := time.Since(begun)

	begun = time.Now()
	for _, image := range images {
		_, path, _ := strings.Cut(image, "/")
		// A digest is no destination for skopeo: a tag of it is.
		path = strings.Replace(path, "@sha256:", ":", 1)
		command := exec.CommandContext(ctx, "skopeo", "copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false", "docker://"+image, "docker://"+theirs.host+"/"+path)
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	copied := time.Since(begun)

	begun = time.Now()
	if out, err := mirror(t, ours, 0, "--no-images", "--verify", "--graph", graph, "4.19.24"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%d images: aro mirror %.1f s and %d MiB at most, skopeo %.1f s, ratio %.2f; a second run that verifies each %.1f s; uploads %d and %d",
		len(images), mirrored.Seconds(), memory, copied.Seconds(), mirrored.Seconds()/copied.Seconds(), time.Since(begun).Seconds(), len(ours.committed), len(theirs.committed))
	if ratio := mirrored.Seconds() / copied.Seconds(); ratio > 0.5 {
		t.Errorf("aro mirror took %.2f of skopeo's time, more than half", ratio)
	}
	if memory >= memoryLimit {
		t.Errorf("aro mirror took %d MiB of memory", memory)
	}
	ours.uploadedOnce()
}
