// Command quickstart records the quick start of the README: it runs its commands
// against the local Azure that `make run` started, and draws their output as an
// animated SVG.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// session are the commands. The kubeconfig is in the local Azure's own directory.
var session = []string{
	"bin/aro-local cluster create demo",
	"bin/aro-local cluster kubeconfig demo --file .aro/demo.kubeconfig",
	"bin/aro-local kubectl --kubeconfig .aro/demo.kubeconfig get nodes,clusterversion",
	"bin/aro-local cluster delete demo",
}

// timeLimit bounds one command.
const timeLimit = 15 * time.Minute

// line is a line of input or output, with the time since the beginning.
type line struct {
	text  string
	typed bool
	at    time.Duration
}

func main() {
	output := flag.String("o", "docs/images/quick-start.svg", "file to write")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *output); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, output string) error {
	began := time.Now()
	var lines []line
	for _, command := range session {
		lines = append(lines, line{command, true, time.Since(began)})
		printed, err := record(ctx, command, began)
		if err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
		lines = append(lines, printed...)
	}
	if err := os.Remove(".aro/demo.kubeconfig"); err != nil {
		return err
	}
	var drawing strings.Builder
	draw(&drawing, paced(lines))
	return os.WriteFile(output, []byte(drawing.String()), 0o644)
}

// record runs a command and records when it printed each line.
func record(ctx context.Context, command string, began time.Time) ([]line, error) {
	ctx, cancel := context.WithTimeout(ctx, timeLimit)
	defer cancel()
	fmt.Println("$", command)
	words := strings.Fields(command)
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	reader, writer := io.Pipe()
	c.Stdout, c.Stderr = writer, writer
	if err := c.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- errors.Join(c.Wait(), writer.Close()) }()
	var lines []line
	for printed := bufio.NewScanner(reader); printed.Scan(); {
		fmt.Println(printed.Text())
		lines = append(lines, line{text: printed.Text(), at: time.Since(began)})
	}
	return lines, <-ended
}
