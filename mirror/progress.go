package mirror

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"sync"
	"text/tabwriter"
	"time"
)

// Progress counts what a run has done. It is safe for concurrent use.
type Progress struct {
	mu      sync.Mutex
	started time.Time
	now     Snapshot
}

// Snapshot is the state of a run at one moment.
type Snapshot struct {
	// Planned releases are those of the run, and Releases of them are complete; of the
	// Images known so far, Done exist in the destination and Failed do not.
	Planned, Releases, Images, Done, Failed int
	// Uploaded blobs were transferred, Reused ones existed or were mounted.
	Uploaded, Reused int
	// Bytes were read from sources.
	Bytes int64
	// For is how long the run has lasted.
	For time.Duration
}

func newProgress() *Progress { return &Progress{started: time.Now()} }

// Snapshot returns the current state.
func (p *Progress) Snapshot() Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.now
	s.For = time.Since(p.started)
	return s
}

// String returns one line for the log.
func (s Snapshot) String() string {
	rate := float64(s.Bytes) / max(s.For.Seconds(), 0.001)
	return fmt.Sprintf("%d of %d releases, %d of %d images, %d remain, %d failed, %s at %s/s",
		s.Releases, s.Planned, s.Done, s.Images, s.Images-s.Done-s.Failed, s.Failed, size(float64(s.Bytes)), size(rate))
}

// size formats a number of bytes with a unit.
func size(n float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if n < 1000 {
			return fmt.Sprintf("%.3g %s", n, unit)
		}
		n /= 1000
	}
	return fmt.Sprintf("%.4g TB", n)
}

func (p *Progress) change(f func(*Snapshot)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.now)
}

func (p *Progress) plan(releases int)   { p.change(func(s *Snapshot) { s.Planned += releases }) }
func (p *Progress) expect(images int)   { p.change(func(s *Snapshot) { s.Images += images }) }
func (p *Progress) release()            { p.change(func(s *Snapshot) { s.Releases++ }) }
func (p *Progress) transferred(n int64) { p.change(func(s *Snapshot) { s.Bytes += n }) }

func (p *Progress) image(err error) {
	p.change(func(s *Snapshot) {
		if err != nil {
			s.Failed++
		} else {
			s.Done++
		}
	})
}

// blob counts a copied blob.
func (p *Progress) blob(uploaded bool) {
	p.change(func(s *Snapshot) {
		if uploaded {
			s.Uploaded++
		} else {
			s.Reused++
		}
	})
}

// Failure is an image that was not copied.
type Failure struct {
	Image string
	Err   error
}

// ImagesResult is the result for several images.
type ImagesResult struct {
	// Copied images exist in the destination, whether or not they did before.
	Copied   int
	Failures []Failure
}

// ReleaseResult is the result for one release.
type ReleaseResult struct {
	Version string
	// Present is true if the release existed already.
	Present bool
	ImagesResult
}

// WritePlan prints what a run would mirror, one per line.
func WritePlan(out io.Writer, releases []Release, images []string) error {
	for _, r := range releases {
		if _, err := fmt.Fprintln(out, r.Version, r.Image); err != nil {
			return err
		}
	}
	for _, image := range images {
		if _, err := fmt.Fprintln(out, image); err != nil {
			return err
		}
	}
	return nil
}

// Summary is the result of a run.
type Summary struct {
	Releases []ReleaseResult
	// Images are those that belong to no release.
	Images   ImagesResult
	Progress Snapshot
}

func (s Summary) failures() []Failure {
	var all []Failure
	for _, r := range s.Releases {
		all = append(all, r.Failures...)
	}
	return append(all, s.Images.Failures...)
}

func (s Summary) err() error {
	if n := len(s.failures()); n > 0 {
		return fmt.Errorf("%d images were not mirrored; a repeated run goes on with what is missing", n)
	}
	return nil
}

// Write prints the summary: a line for each release, one for the other images, and
// one for each failure.
func (s Summary) Write(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "RELEASE\tIMAGES\tFAILED\tSTATE")
	for _, r := range s.Releases {
		state := "mirrored"
		switch {
		case len(r.Failures) > 0:
			state = "incomplete"
		case r.Present:
			state = "was complete"
		}
		_, _ = fmt.Fprintf(table, "%s\t%d\t%d\t%s\n", r.Version, r.Copied, len(r.Failures), state)
	}
	if n := s.Images.Copied + len(s.Images.Failures); n > 0 {
		_, _ = fmt.Fprintf(table, "other images\t%d\t%d\t\n", s.Images.Copied, len(s.Images.Failures))
	}
	err := table.Flush()
	for _, f := range s.failures() {
		_, failed := fmt.Fprintf(out, "%s: %v\n", f.Image, f.Err)
		err = errors.Join(err, failed)
	}
	p := s.Progress
	_, last := fmt.Fprintf(out, "%d blobs uploaded (%s), %d reused, in %s\n", p.Uploaded, size(float64(p.Bytes)), p.Reused, p.For.Round(max(time.Millisecond, p.For/1000)))
	return cmp.Or(err, last)
}
