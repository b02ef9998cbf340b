package blob

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aro-rp/aro/local/cloud/state"
)

// maxPut bounds one upload, maxBlock one block, as in Azure.
const (
	maxPut   = 5000 << 20
	maxBlock = 4000 << 20
)

// stored is what is kept of a blob.
type stored struct {
	Name        string            `json:"name"`
	File        string            `json:"file"`
	Size        int64             `json:"size"`
	MD5         []byte            `json:"md5,omitempty"`
	ETag        string            `json:"etag"`
	Created     time.Time         `json:"created"`
	Modified    time.Time         `json:"modified"`
	Type        string            `json:"type"`
	Encoding    string            `json:"encoding,omitempty"`
	Language    string            `json:"language,omitempty"`
	Cache       string            `json:"cache,omitempty"`
	Disposition string            `json:"disposition,omitempty"`
	Tier        string            `json:"tier,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Blocks      []block           `json:"blocks,omitempty"`
	Lease       lease             `json:"lease,omitzero"`
}

func blobKey(account, container, blob string) string {
	return containerKey(account, container) + "/" + blob
}

func (q *request) blobKey() string { return blobKey(q.name, q.container, q.blob) }

// mustBlob reads a blob, or fails with the service's error.
func (s *Service) mustBlob(q *request) (b stored, err error) {
	found, err := s.State.Get(q.Context(), kindBlob, q.blobKey(), &b)
	if err != nil || found {
		return b, err
	}
	if _, err := s.mustContainer(q); err != nil {
		return b, err
	}
	return b, refuse(http.StatusNotFound, "BlobNotFound", "The specified blob does not exist.")
}

// setHeaders takes over the properties that a write names.
func (b *stored) setHeaders(q *request) error {
	h := q.Header.Get
	b.Type, b.Encoding, b.Language = h("x-ms-blob-content-type"), h("x-ms-blob-content-encoding"), h("x-ms-blob-content-language")
	b.Cache, b.Disposition = h("x-ms-blob-cache-control"), h("x-ms-blob-content-disposition")
	if sum := h("x-ms-blob-content-md5"); sum != "" {
		decoded, err := base64.StdEncoding.DecodeString(sum)
		if err != nil {
			return refuse(http.StatusBadRequest, "InvalidMd5", "The MD5 value specified in the request is invalid.")
		}
		b.MD5 = decoded
	}
	return nil
}

// upload keeps the body in a file and holds it to its checksum.
func (s *Service) upload(q *request, limit int64) (content, error) {
	if q.ContentLength < 0 && q.Header.Get("Transfer-Encoding") == "" && q.TransferEncoding == nil {
		return content{}, refuse(http.StatusLengthRequired, "MissingContentLengthHeader", "Content-Length header was not specified.")
	}
	c, err := s.write(http.MaxBytesReader(q.w, q.Body, limit))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return c, refuse(http.StatusRequestEntityTooLarge, "RequestBodyTooLarge", "The request body is too large and exceeds the maximum permissible limit.")
	}
	if err != nil {
		return c, err
	}
	if want := q.Header.Get("Content-MD5"); want != "" {
		sum, err := base64.StdEncoding.DecodeString(want)
		if err != nil || !bytes.Equal(sum, c.MD5) {
			s.drop(c.File)
			return c, refuse(http.StatusBadRequest, "Md5Mismatch", "The MD5 value specified in the request did not match with the MD5 value calculated by the server.")
		}
	}
	return c, nil
}

func (s *Service) putBlob(q *request) error {
	if q.Header.Get("x-ms-copy-source") != "" {
		return refuse(http.StatusBadRequest, "UnsupportedHeader", "Copies of other blobs are not offered.")
	}
	if t := q.Header.Get("x-ms-blob-type"); t != "BlockBlob" {
		return refuse(http.StatusBadRequest, "InvalidHeaderValue", fmt.Sprintf("The blob type '%s' is not offered, only BlockBlob.", t))
	}
	if _, err := s.mustContainer(q); err != nil {
		return err // before the body is read
	}
	c, err := s.upload(q, maxPut)
	if err != nil {
		return err
	}
	b := stored{File: c.File, Size: c.Size, MD5: c.MD5, Tier: q.Header.Get("x-ms-access-tier"), Metadata: q.metadata()}
	if err = b.setHeaders(q); err == nil && b.Type == "" {
		b.Type = q.Header.Get("Content-Type")
	}
	if err == nil {
		err = s.replace(q, &b)
	}
	if err != nil {
		s.drop(c.File)
		return err
	}
	q.stamp(b.ETag, b.Modified)
	q.w.Header().Set("Content-MD5", base64.StdEncoding.EncodeToString(c.MD5))
	q.w.Header().Set("x-ms-request-server-encrypted", "true")
	return q.answer(http.StatusCreated, nil)
}

// replace puts a blob, whose file is written, in the place of what is there.
func (s *Service) replace(q *request, b *stored) error {
	ctx := q.Context()
	return s.discard(ctx, func(tx *state.Tx, drop func(files ...string)) error {
		if found, err := tx.Get(ctx, kindContainer, containerKey(q.name, q.container), &Container{}); err != nil {
			return err
		} else if !found {
			return refuse(http.StatusNotFound, "ContainerNotFound", "The specified container does not exist.")
		}
		var old stored
		found, err := tx.Get(ctx, kindBlob, q.blobKey(), &old)
		if err != nil {
			return err
		}
		if err := s.replaceable(q, old, found); err != nil {
			return err
		}
		now := s.Now().UTC()
		b.Name, b.ETag, b.Created, b.Modified = q.blob, newETag(), now, now
		if b.Type == "" {
			b.Type = "application/octet-stream"
		}
		if found {
			b.Created, b.Lease = old.Created, old.Lease
		}
		drop(old.File)
		if err := s.dropBlocks(ctx, tx, q.blobKey(), drop); err != nil {
			return err
		}
		return tx.Put(ctx, kindBlob, q.blobKey(), b)
	})
}

// replaceable refuses a write over what the caller or its conditions leave alone.
func (s *Service) replaceable(q *request, old stored, found bool) error {
	if !found {
		if q.Header.Get("If-Match") != "" {
			return refuse(http.StatusPreconditionFailed, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
		}
		return nil
	}
	if q.Header.Get("If-None-Match") == "*" {
		return refuse(http.StatusConflict, "BlobAlreadyExists", "The specified blob already exists.")
	}
	if q.createOnly {
		return refuse(http.StatusForbidden, "UnauthorizedBlobOverwrite", "This request is not authorized to perform blob overwrites.")
	}
	if err := q.preconditions(old.ETag, old.Modified, true); err != nil {
		return err
	}
	return old.Lease.permit(q, s.Now())
}

func (s *Service) headBlob(q *request) error {
	b, err := s.mustBlob(q)
	if err != nil {
		return err
	}
	if err := q.preconditions(b.ETag, b.Modified, false); err != nil {
		return err
	}
	s.showBlob(q, &b)
	q.w.Header().Set("Content-Length", strconv.FormatInt(b.Size, 10))
	return q.answer(http.StatusOK, nil)
}

// showBlob writes the properties of a blob; a signature may name others.
func (s *Service) showBlob(q *request, b *stored) {
	h := q.w.Header()
	q.stamp(b.ETag, b.Modified)
	q.showMetadata(b.Metadata)
	b.Lease.show(h, s.Now())
	for name, value := range map[string]string{
		"Content-Type": b.Type, "Content-Encoding": b.Encoding, "Content-Language": b.Language, "Cache-Control": b.Cache, "Content-Disposition": b.Disposition,
	} {
		override := q.query.Get(map[string]string{"Content-Type": "rsct", "Content-Encoding": "rsce", "Content-Language": "rscl", "Cache-Control": "rscc", "Content-Disposition": "rscd"}[name])
		if override != "" && q.query.Has("sig") {
			value = override
		}
		if value != "" {
			h.Set(name, value)
		}
	}
	if len(b.MD5) > 0 {
		h.Set("Content-MD5", base64.StdEncoding.EncodeToString(b.MD5))
	}
	h.Set("Accept-Ranges", "bytes")
	h.Set("x-ms-blob-type", "BlockBlob")
	h.Set("x-ms-creation-time", b.Created.UTC().Format(http.TimeFormat))
	h.Set("x-ms-server-encrypted", "true")
	h.Set("x-ms-access-tier", tier(b))
}

func tier(b *stored) string {
	if b.Tier != "" {
		return b.Tier
	}
	return "Hot"
}

func (s *Service) getBlob(q *request) error {
	b, f, err := s.openBlob(q)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if err := q.preconditions(b.ETag, b.Modified, false); err != nil {
		return err
	}
	first, length, partial, err := q.span(b.Size)
	if err != nil {
		q.w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", b.Size))
		return err
	}
	if _, err := f.Seek(first, io.SeekStart); err != nil {
		return err
	}
	s.showBlob(q, &b)
	q.w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
	status := http.StatusOK
	if partial {
		status = http.StatusPartialContent
		q.w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, first+length-1, b.Size))
		if sum := q.w.Header().Get("Content-MD5"); sum != "" {
			q.w.Header().Del("Content-MD5") // it is that of the whole
			q.w.Header().Set("x-ms-blob-content-md5", sum)
		}
	}
	q.w.WriteHeader(status)
	_, _ = io.CopyN(q.w, f, length) // the caller is gone, or sees a short body
	return nil
}

// openBlob opens the content of a blob. A replacement may remove the file between the
// look at the state and the opening; then there is a newer one.
func (s *Service) openBlob(q *request) (b stored, f *os.File, err error) {
	const tries = 5
	for range tries {
		if b, err = s.mustBlob(q); err != nil {
			return b, nil, err
		}
		if f, err = os.Open(s.path(b.File)); !errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	return b, f, err
}

// span reads the requested range.
func (q *request) span(size int64) (first, length int64, partial bool, err error) {
	text := q.Header.Get("x-ms-range")
	if text == "" {
		text = q.Header.Get("Range")
	}
	text, ok := strings.CutPrefix(text, "bytes=")
	if !ok {
		return 0, size, false, nil
	}
	bad := refuse(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The range specified is invalid for the current size of the resource.")
	from, to, _ := strings.Cut(text, "-")
	if first, err = strconv.ParseInt(from, 10, 64); err != nil || first < 0 || first >= size {
		return 0, 0, false, bad
	}
	last := size - 1
	if to != "" {
		if last, err = strconv.ParseInt(to, 10, 64); err != nil || last < first {
			return 0, 0, false, bad
		}
	}
	return first, min(last, size-1) - first + 1, true, nil
}

func (s *Service) deleteBlob(q *request) error {
	ctx := q.Context()
	err := s.discard(ctx, func(tx *state.Tx, drop func(files ...string)) error {
		var b stored
		found, err := tx.Get(ctx, kindBlob, q.blobKey(), &b)
		if err != nil {
			return err
		}
		if !found {
			return refuse(http.StatusNotFound, "BlobNotFound", "The specified blob does not exist.")
		}
		if err := q.preconditions(b.ETag, b.Modified, true); err != nil {
			return err
		}
		if err := b.Lease.permit(q, s.Now()); err != nil {
			return err
		}
		drop(b.File)
		_, err = tx.Delete(ctx, kindBlob, q.blobKey())
		return err
	})
	if err != nil {
		return err
	}
	q.w.Header().Set("x-ms-delete-type-permanent", "true")
	return q.answer(http.StatusAccepted, nil)
}

func (s *Service) setMetadata(q *request) error {
	return s.changeBlob(q, func(b *stored) error {
		b.Metadata = q.metadata()
		return nil
	})
}

func (s *Service) setProperties(q *request) error {
	return s.changeBlob(q, func(b *stored) error { return b.setHeaders(q) })
}

// changeBlob changes what is kept of a blob atomically and answers 200.
func (s *Service) changeBlob(q *request, change func(*stored) error) error {
	var b stored
	ctx := q.Context()
	err := s.State.Update(ctx, func(tx *state.Tx) error {
		found, err := tx.Get(ctx, kindBlob, q.blobKey(), &b)
		if err == nil && !found {
			err = refuse(http.StatusNotFound, "BlobNotFound", "The specified blob does not exist.")
		}
		if err == nil {
			err = q.preconditions(b.ETag, b.Modified, true)
		}
		if err == nil {
			err = b.Lease.permit(q, s.Now())
		}
		if err == nil {
			err = change(&b)
		}
		if err != nil {
			return err
		}
		b.ETag, b.Modified = newETag(), s.Now().UTC()
		return tx.Put(ctx, kindBlob, q.blobKey(), b)
	})
	if err != nil {
		return err
	}
	q.stamp(b.ETag, b.Modified)
	return q.answer(http.StatusOK, nil)
}

// Address is where a blob is.
type Address struct{ Account, Container, Name string }

// PutBlob writes a blob as the platform itself does, such as the log of a machine.
func (s *Service) PutBlob(ctx context.Context, to Address, contentType string, from io.Reader) error {
	c, err := s.write(from)
	if err != nil {
		return fmt.Errorf("blob %s: %w", to.Name, err)
	}
	q := &request{Request: (&http.Request{Header: http.Header{}}).WithContext(ctx), name: strings.ToLower(to.Account), container: to.Container, blob: to.Name}
	b := stored{File: c.File, Size: c.Size, MD5: c.MD5, Type: contentType}
	if err := s.replace(q, &b); err != nil {
		s.drop(c.File)
		return fmt.Errorf("blob %s: %w", to.Name, err)
	}
	return nil
}

// changeLease changes the lease of a blob atomically.
func (s *Service) changeLease(q *request, change func(*lease) error) error {
	ctx := q.Context()
	return s.State.Update(ctx, func(tx *state.Tx) error {
		var b stored
		found, err := tx.Get(ctx, kindBlob, q.blobKey(), &b)
		if err == nil && !found {
			err = refuse(http.StatusNotFound, "BlobNotFound", "The specified blob does not exist.")
		}
		if err == nil {
			err = change(&b.Lease)
		}
		if err != nil {
			return err
		}
		return tx.Put(ctx, kindBlob, q.blobKey(), b)
	})
}
