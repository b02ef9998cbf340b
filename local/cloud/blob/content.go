package blob

import (
	"context"
	"crypto/md5" // Content-MD5 is the service's checksum, not a proof
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/local/cloud/state"
)

// content is a file that was written and is not referenced yet.
type content struct {
	File string
	Size int64
	MD5  []byte
}

// write keeps what a reader gives in a new file, whole and on the disk.
func (s *Service) write(from io.Reader) (c content, err error) {
	c.File = uuid.NewString()
	path := s.path(c.File)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return c, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return c, err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			s.drop(c.File)
		}
	}()
	sum := md5.New()
	if c.Size, err = io.Copy(io.MultiWriter(f, sum), from); err != nil {
		return c, err
	}
	c.MD5 = sum.Sum(nil)
	return c, f.Sync()
}

// path spreads the files over directories.
func (s *Service) path(file string) string { return filepath.Join(s.Dir, file[:2], file) }

// drop removes files that are no longer referenced. Readers keep an open file; sweep finds files
// that stay.
func (s *Service) drop(files ...string) {
	for _, file := range files {
		if file != "" {
			_ = os.Remove(s.path(file))
		}
	}
}

// discard makes a change and removes, once it is made, the files that it dropped.
func (s *Service) discard(ctx context.Context, change func(tx *state.Tx, drop func(files ...string)) error) error {
	var dropped []string
	err := s.State.Update(ctx, func(tx *state.Tx) error {
		return change(tx, func(files ...string) { dropped = append(dropped, files...) })
	})
	if err == nil {
		s.drop(dropped...)
	}
	return err
}

// sweep removes files that a death left between the disk and the state.
func (s *Service) sweep(ctx context.Context) error {
	known := map[string]bool{}
	for _, kind := range []string{kindBlob, kindBlock} {
		entries, err := s.State.List(ctx, kind, "")
		if err != nil {
			return err
		}
		for _, entry := range entries {
			var stored struct {
				File string `json:"file"`
			}
			if err := json.Unmarshal(entry.Value, &stored); err != nil {
				return fmt.Errorf("%s %s: %w", kind, entry.Key, err)
			}
			known[stored.File] = true
		}
	}
	files, err := filepath.Glob(filepath.Join(s.Dir, "??", "*-*-*-*-*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if !known[filepath.Base(file)] {
			if err := os.Remove(file); err != nil {
				return err
			}
		}
	}
	return nil
}
