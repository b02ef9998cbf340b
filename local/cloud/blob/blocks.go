package blob

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"

	"github.com/aro-rp/aro/local/cloud/state"
)

const maxBlocks = 50000

// block is a part of a blob: uncommitted in a file of its own, committed a range of
// the blob's file.
type block struct {
	ID   string `json:"id"`
	Size int64  `json:"size"`
	File string `json:"file,omitempty"`
}

func blockPrefix(blobKey string) string { return blobKey + "\n" }

func (s *Service) putBlock(q *request) error {
	id := q.query.Get("blockid")
	if decoded, err := base64.StdEncoding.DecodeString(id); err != nil || id == "" || len(decoded) > 64 {
		return refuse(http.StatusBadRequest, "InvalidQueryParameterValue", "The block id has to be base64 of up to 64 bytes.")
	}
	if _, err := s.mustContainer(q); err != nil {
		return err
	}
	c, err := s.upload(q, maxBlock)
	if err != nil {
		return err
	}
	ctx, key := q.Context(), blockPrefix(q.blobKey())+id
	err = s.discard(ctx, func(tx *state.Tx, drop func(files ...string)) error {
		var old stored
		found, err := tx.Get(ctx, kindBlob, q.blobKey(), &old)
		if err == nil && found && q.createOnly {
			err = refuse(http.StatusForbidden, "UnauthorizedBlobOverwrite", "This request is not authorized to perform blob overwrites.")
		}
		if err == nil && found {
			err = old.Lease.permit(q, s.Now())
		}
		if err != nil {
			return err
		}
		var before block
		if _, err := tx.Get(ctx, kindBlock, key, &before); err != nil {
			return err
		}
		drop(before.File)
		return tx.Put(ctx, kindBlock, key, block{ID: id, Size: c.Size, File: c.File})
	})
	if err != nil {
		s.drop(c.File)
		return err
	}
	q.w.Header().Set("Content-MD5", base64.StdEncoding.EncodeToString(c.MD5))
	q.w.Header().Set("x-ms-request-server-encrypted", "true")
	return q.answer(http.StatusCreated, nil)
}

// reader is what a state file and a change of it have in common.
type reader interface {
	List(ctx context.Context, kind, prefix string) ([]state.Entry, error)
}

// uncommitted are the blocks of a blob that no list has named yet.
func uncommitted(ctx context.Context, from reader, blobKey string) ([]block, error) {
	entries, err := from.List(ctx, kindBlock, blockPrefix(blobKey))
	if err != nil {
		return nil, err
	}
	blocks := make([]block, len(entries))
	for i, entry := range entries {
		if err := json.Unmarshal(entry.Value, &blocks[i]); err != nil {
			return nil, fmt.Errorf("block of %s: %w", blobKey, err)
		}
	}
	return blocks, nil
}

func (s *Service) dropBlocks(ctx context.Context, tx *state.Tx, blobKey string, drop func(files ...string)) error {
	blocks, err := uncommitted(ctx, tx, blobKey)
	if err != nil {
		return err
	}
	for _, b := range blocks {
		if _, err := tx.Delete(ctx, kindBlock, blockPrefix(blobKey)+b.ID); err != nil {
			return err
		}
		drop(b.File)
	}
	return nil
}

// blockList is the body of Put Block List: elements in the order of the blob.
type blockList struct {
	Items []struct {
		XMLName xml.Name
		ID      string `xml:",chardata"`
	} `xml:",any"`
}

func (s *Service) putBlockList(q *request) error {
	var list blockList
	if err := q.readXML(&list); err != nil {
		return err
	}
	if len(list.Items) > maxBlocks {
		return refuse(http.StatusBadRequest, "BlockListTooLong", "The block list may not contain more than 50,000 blocks.")
	}
	if _, err := s.mustContainer(q); err != nil {
		return err
	}
	b := stored{Tier: q.Header.Get("x-ms-access-tier"), Metadata: q.metadata()}
	if err := b.setHeaders(q); err != nil {
		return err
	}
	if err := s.assemble(q, list, &b); err != nil {
		return err
	}
	if err := s.replace(q, &b); err != nil {
		s.drop(b.File)
		return err
	}
	q.stamp(b.ETag, b.Modified)
	q.w.Header().Set("x-ms-request-server-encrypted", "true")
	return q.answer(http.StatusCreated, nil)
}

// assemble writes the file of a blob from the blocks of a list.
func (s *Service) assemble(q *request, list blockList, b *stored) error {
	waiting, err := uncommitted(q.Context(), s.State, q.blobKey())
	if err != nil {
		return err
	}
	var old stored
	if _, err := s.State.Get(q.Context(), kindBlob, q.blobKey(), &old); err != nil {
		return err
	}
	var parts []io.Reader
	var files []*os.File
	defer func() {
		for _, f := range files {
			_ = f.Close()
		}
	}()
	for _, item := range list.Items {
		found, offset, ok := findBlock(item.XMLName.Local, item.ID, waiting, old.Blocks)
		if !ok {
			return refuse(http.StatusBadRequest, "InvalidBlockList", "The specified block list is invalid.")
		}
		file := found.File
		if file == "" {
			file = old.File
		}
		b.Blocks = append(b.Blocks, block{ID: found.ID, Size: found.Size})
		parts = append(parts, &lazyPart{path: s.path(file), offset: offset, left: found.Size})
	}
	for _, p := range parts {
		part := p.(*lazyPart)
		part.opened = func(f *os.File) { files = append(files, f) }
	}
	c, err := s.write(io.MultiReader(parts...))
	if err != nil {
		return err
	}
	b.File, b.Size = c.File, c.Size
	return nil
}

// findBlock finds a block in the list that its entry names.
func findBlock(where, id string, waiting, committed []block) (found block, offset int64, ok bool) {
	if where == "Latest" || where == "Uncommitted" {
		if i := slices.IndexFunc(waiting, func(b block) bool { return b.ID == id }); i >= 0 {
			return waiting[i], 0, true
		}
	}
	if where == "Latest" || where == "Committed" {
		for _, b := range committed {
			if b.ID == id {
				return b, offset, true
			}
			offset += b.Size
		}
	}
	return block{}, 0, false
}

// lazyPart opens its file when it is read, so that long lists do not hold all files open.
type lazyPart struct {
	path         string
	offset, left int64
	file         *os.File
	opened       func(*os.File)
}

func (p *lazyPart) Read(into []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	if p.file == nil {
		f, err := os.Open(p.path)
		if err != nil {
			return 0, err
		}
		p.file = f
		p.opened(f)
	}
	n, err := p.file.ReadAt(into[:min(int64(len(into)), p.left)], p.offset)
	p.offset, p.left = p.offset+int64(n), p.left-int64(n)
	if p.left == 0 {
		err = p.file.Close()
	} else if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (s *Service) getBlockList(q *request) error {
	b, found := stored{}, false
	var err error
	if found, err = s.State.Get(q.Context(), kindBlob, q.blobKey(), &b); err != nil {
		return err
	}
	waiting, err := uncommitted(q.Context(), s.State, q.blobKey())
	if err != nil {
		return err
	}
	if !found && len(waiting) == 0 {
		return refuse(http.StatusNotFound, "BlobNotFound", "The specified blob does not exist.")
	}
	type shown struct {
		Name string
		Size int64
	}
	show := func(blocks []block) (list []shown) {
		for _, one := range blocks {
			list = append(list, shown{one.ID, one.Size})
		}
		return list
	}
	document := struct {
		XMLName     xml.Name `xml:"BlockList"`
		Committed   []shown  `xml:"CommittedBlocks>Block"`
		Uncommitted []shown  `xml:"UncommittedBlocks>Block"`
	}{}
	if which := q.query.Get("blocklisttype"); which != "uncommitted" {
		document.Committed = show(b.Blocks)
	}
	if which := q.query.Get("blocklisttype"); which == "uncommitted" || which == "all" {
		document.Uncommitted = show(waiting)
	}
	if found {
		q.stamp(b.ETag, b.Modified)
	}
	return q.answer(http.StatusOK, document)
}
