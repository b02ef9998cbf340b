package store

import (
	"context"
	"errors"
	"fmt"
)

// Format is that of the documents that this release writes. It is raised by a release
// whose documents an earlier one would misread: not for members that are added, which
// earlier releases keep as they are. To be able to go back by one release, read the new
// form in one release, and write it, with a raised Format, in the next.
const Format = 1

// FormatDocument says which format the database has, and which build wrote it first.
type FormatDocument struct {
	Meta

	Format int    `json:"format"`
	Build  string `json:"build"`
}

const formatID = "format"

// NewerError is why a process does not start on a database.
type NewerError struct {
	// Format of the database, and the Build that wrote it first.
	Format int
	Build  string
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("the database has documents of format %d, written by build %s; this build knows formats up to %d: start build %s or a later one", e.Format, e.Build, Format, e.Build)
}

// CheckFormat returns a NewerError if the database has a format that this release does not
// know. Otherwise the database has, from now on, at least the format of this release, as
// written by build.
func (s *Store) CheckFormat(ctx context.Context, build string) error {
	var newer *NewerError
	_, err := s.formats.Update(ctx, probePartition, formatID, func(d *FormatDocument) error {
		if d.Format > Format {
			newer = &NewerError{d.Format, d.Build}
		}
		if d.Format >= Format {
			return errKnown
		}
		d.Format, d.Build = Format, build
		return nil
	})
	switch {
	case newer != nil:
		return newer
	case errors.Is(err, errKnown):
		return nil
	case errors.Is(err, ErrNotFound):
		err = s.formats.Create(ctx, &FormatDocument{Meta: Meta{ID: formatID, Partition: probePartition}, Format: Format, Build: build})
		if errors.As(err, new(*ConflictError)) {
			return s.CheckFormat(ctx, build) // another process was faster
		}
	}
	return err
}

// errKnown ends an update that has nothing to write.
var errKnown = errors.New("the format is known")
