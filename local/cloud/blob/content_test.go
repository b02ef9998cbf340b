package blob_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/lease"
	"golang.org/x/sync/errgroup"
)

func TestBlobIsKeptAsItWasWritten(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	client := w.byKey(t, account)
	_, err := client.CreateContainer(ctx, "aro", nil)
	check(t, err)
	_, err = client.CreateContainer(ctx, "aro", nil)
	mustFail(t, err, http.StatusConflict, "ContainerAlreadyExists")
	check(t, write(ctx, client, "aro", "folder/graph ä", "one"))
	check(t, write(ctx, client, "aro", "folder/graph ä", "two"))
	w.open(t)
	mustRead(t, client, "aro", "folder/graph ä", "two")
	_, err = read(ctx, client, "aro", "absent")
	mustFail(t, err, http.StatusNotFound, "BlobNotFound")
	_, err = read(ctx, client, "absent", "absent")
	mustFail(t, err, http.StatusNotFound, "ContainerNotFound")
	if files := filesOf(t, w.dir); len(files) != 1 {
		t.Errorf("%d files for one blob", len(files))
	}
	_, err = client.DeleteBlob(ctx, "aro", "folder/graph ä", nil)
	check(t, err)
	_, err = client.DeleteBlob(ctx, "aro", "folder/graph ä", nil)
	mustFail(t, err, http.StatusNotFound, "BlobNotFound")
	check(t, write(ctx, client, "aro", "last", "three"))
	_, err = client.DeleteContainer(ctx, "aro", nil)
	check(t, err)
	_, err = client.DeleteContainer(ctx, "aro", nil)
	mustFail(t, err, http.StatusNotFound, "ContainerNotFound")
	if files := filesOf(t, w.dir); len(files) != 0 {
		t.Errorf("%d files for no blob", len(files))
	}
}

func filesOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "??", "*"))
	check(t, err)
	return files
}

func TestFilesOfADeathAreSweptAtStart(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	client := w.byKey(t, account)
	_, err := client.CreateContainer(ctx, "aro", nil)
	check(t, err)
	check(t, write(ctx, client, "aro", "kept", "kept"))
	left := filepath.Join(w.dir, "ab", "ab000000-0000-0000-0000-000000000000")
	check(t, os.MkdirAll(filepath.Dir(left), 0o700))
	check(t, os.WriteFile(left, nil, 0o600))
	w.open(t)
	if _, err := os.Stat(left); err == nil {
		t.Error("the file of an upload that never ended is still there")
	}
	mustRead(t, client, "aro", "kept", "kept")
}

func TestLargeBlobTravelsInBlocksAndRanges(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	client := w.byKey(t, account)
	_, err := client.CreateContainer(ctx, "aro", nil)
	check(t, err)
	_, err = client.UploadStream(ctx, "aro", "big", bytes.NewReader(large), &azblob.UploadStreamOptions{BlockSize: 1 << 20, Concurrency: 3, HTTPHeaders: &blob.HTTPHeaders{BlobContentType: to.Ptr("application/json")}, Metadata: map[string]*string{"owner": to.Ptr("me")}})
	check(t, err)
	got := make([]byte, len(large))
	_, err = client.DownloadBuffer(ctx, "aro", "big", got, &azblob.DownloadBufferOptions{BlockSize: 1 << 20})
	check(t, err)
	if !bytes.Equal(got, large) {
		t.Error("another content came back")
	}
	one := client.ServiceClient().NewContainerClient("aro").NewBlockBlobClient("big")
	properties, err := one.GetProperties(ctx, nil)
	check(t, err)
	if *properties.ContentLength != int64(len(large)) || *properties.ContentType != "application/json" || *properties.Metadata["Owner"] != "me" {
		t.Errorf("%d %s %v", *properties.ContentLength, *properties.ContentType, properties.Metadata)
	}
	blocks, err := one.GetBlockList(ctx, blockblob.BlockListTypeAll, nil)
	check(t, err)
	if len(blocks.CommittedBlocks) != 3 || len(blocks.UncommittedBlocks) != 0 {
		t.Errorf("%d committed, %d uncommitted blocks", len(blocks.CommittedBlocks), len(blocks.UncommittedBlocks))
	}
	// A second list may take blocks from the blob that is there.
	_, err = one.CommitBlockList(ctx, []string{*blocks.CommittedBlocks[2].Name, *blocks.CommittedBlocks[0].Name}, nil)
	check(t, err)
	tail, err := one.DownloadStream(ctx, &blob.DownloadStreamOptions{Range: blob.HTTPRange{Offset: 2<<20 - 16}})
	check(t, err)
	content, err := io.ReadAll(tail.Body)
	check(t, err)
	if string(content) != "0123456789abcdef" || *tail.ContentRange != "bytes 2097136-2097151/2097152" {
		t.Errorf("%q %s", content, *tail.ContentRange)
	}
	_, err = one.DownloadStream(ctx, &blob.DownloadStreamOptions{Range: blob.HTTPRange{Offset: 9 << 20}})
	mustFail(t, err, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
	_, err = one.CommitBlockList(ctx, []string{"YWJzZW50"}, nil)
	mustFail(t, err, http.StatusBadRequest, "InvalidBlockList")
}

func TestConditionsGuardWrites(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	client := w.byKey(t, account)
	_, err := client.CreateContainer(ctx, "aro", nil)
	check(t, err)
	upload := func(conditions *blob.ModifiedAccessConditions) (azcore.ETag, error) {
		response, err := client.UploadBuffer(ctx, "aro", "graph", []byte("x"), &azblob.UploadBufferOptions{AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: conditions}})
		if err != nil {
			return "", err
		}
		return *response.ETag, nil
	}
	first, err := upload(&blob.ModifiedAccessConditions{IfNoneMatch: to.Ptr(azcore.ETagAny)})
	check(t, err)
	_, err = upload(&blob.ModifiedAccessConditions{IfNoneMatch: to.Ptr(azcore.ETagAny)})
	mustFail(t, err, http.StatusConflict, "BlobAlreadyExists")
	second, err := upload(&blob.ModifiedAccessConditions{IfMatch: &first})
	check(t, err)
	_, err = upload(&blob.ModifiedAccessConditions{IfMatch: &first})
	mustFail(t, err, http.StatusPreconditionFailed, "ConditionNotMet")
	same, err := client.DownloadStream(ctx, "aro", "graph", &azblob.DownloadStreamOptions{AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: &second}}})
	check(t, err)
	if same.ErrorCode == nil || *same.ErrorCode != "ConditionNotMet" {
		t.Error("what is known was sent again")
	}
	_, err = client.DownloadStream(ctx, "aro", "graph", &azblob.DownloadStreamOptions{AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfMatch: &first}}})
	mustFail(t, err, http.StatusPreconditionFailed, "ConditionNotMet")

	wrong := bytes.Repeat([]byte{1}, 16)
	_, err = client.ServiceClient().NewContainerClient("aro").NewBlockBlobClient("graph").Upload(ctx, nopCloser{strings.NewReader("x")}, &blockblob.UploadOptions{TransactionalValidation: blob.TransferValidationTypeMD5(wrong)})
	mustFail(t, err, http.StatusBadRequest, "Md5Mismatch")
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }

func TestReadersSeeWholeBlobsWhileOthersWrite(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	client := w.byKey(t, account)
	_, err := client.CreateContainer(ctx, "aro", nil)
	check(t, err)
	contents := []string{strings.Repeat("a", 100_000), strings.Repeat("b", 50_000), ""}
	check(t, write(ctx, client, "aro", "graph", contents[0]))
	group, ctx := errgroup.WithContext(ctx)
	for i := range 4 {
		group.Go(func() error {
			for n := range 10 {
				if err := write(ctx, client, "aro", "graph", contents[(i+n)%3]); err != nil {
					return err
				}
			}
			return nil
		})
		group.Go(func() error {
			for range 10 {
				got, err := read(ctx, client, "aro", "graph")
				if err != nil {
					return err
				}
				if !slices.Contains(contents, got) {
					return fmt.Errorf("a mixture of %d bytes", len(got))
				}
			}
			return nil
		})
	}
	check(t, group.Wait())
	if files := filesOf(t, w.dir); len(files) != 1 {
		t.Errorf("%d files for one blob", len(files))
	}
}

func TestMetadataOfAContainerIsKept(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	client := w.byKey(t, account).ServiceClient().NewContainerClient("aro")
	_, err := client.Create(ctx, &container.CreateOptions{Metadata: map[string]*string{"a": to.Ptr("1")}})
	check(t, err)
	_, err = client.SetMetadata(ctx, &container.SetMetadataOptions{Metadata: map[string]*string{"b": to.Ptr("2")}})
	check(t, err)
	properties, err := client.GetProperties(ctx, nil)
	check(t, err)
	if len(properties.Metadata) != 1 || *properties.Metadata["B"] != "2" {
		t.Error(properties.Metadata)
	}
}

func TestListingsGoByPrefixDelimiterAndPage(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	client := w.byKey(t, account)
	_, err := client.CreateContainer(ctx, "aro", nil)
	check(t, err)
	for _, name := range []string{"a", "b/1", "b/2", "b/3", "c/1", "d & <e>"} {
		check(t, write(ctx, client, "aro", name, name))
	}
	flat := func(options *azblob.ListBlobsFlatOptions) (names []string, pages int) {
		for pager := client.NewListBlobsFlatPager("aro", options); pager.More(); pages++ {
			page, err := pager.NextPage(ctx)
			check(t, err)
			for _, item := range page.Segment.BlobItems {
				names = append(names, *item.Name)
			}
		}
		return names, pages
	}
	if names, pages := flat(&azblob.ListBlobsFlatOptions{MaxResults: to.Ptr[int32](2)}); !slices.Equal(names, []string{"a", "b/1", "b/2", "b/3", "c/1", "d & <e>"}) || pages != 3 {
		t.Error(names, pages)
	}
	if names, _ := flat(&azblob.ListBlobsFlatOptions{Prefix: to.Ptr("b/")}); !slices.Equal(names, []string{"b/1", "b/2", "b/3"}) {
		t.Error(names)
	}
	var names []string
	for pager := client.ServiceClient().NewContainerClient("aro").NewListBlobsHierarchyPager("/", &container.ListBlobsHierarchyOptions{MaxResults: to.Ptr[int32](1)}); pager.More(); {
		page, err := pager.NextPage(ctx)
		check(t, err)
		for _, prefix := range page.Segment.BlobPrefixes {
			names = append(names, *prefix.Name)
		}
		for _, item := range page.Segment.BlobItems {
			names = append(names, *item.Name)
		}
	}
	if !slices.Equal(names, []string{"a", "b/", "c/", "d & <e>"}) {
		t.Error(names)
	}
	_, err = client.CreateContainer(ctx, "ignition", nil)
	check(t, err)
	page, err := client.NewListContainersPager(nil).NextPage(ctx)
	check(t, err)
	if len(page.ContainerItems) != 2 || *page.ContainerItems[1].Name != "ignition" {
		t.Errorf("%d containers", len(page.ContainerItems))
	}
}

func TestLeaseKeepsOthersOut(t *testing.T) {
	w, ctx := newFixture(t), t.Context()
	client := w.byKey(t, account)
	_, err := client.CreateContainer(ctx, "aro", nil)
	check(t, err)
	check(t, write(ctx, client, "aro", "lock", "x"))
	holder, err := lease.NewBlobClient(client.ServiceClient().NewContainerClient("aro").NewBlobClient("lock"), nil)
	check(t, err)
	_, err = holder.AcquireLease(ctx, 15, nil)
	check(t, err)
	mustFail(t, write(ctx, client, "aro", "lock", "y"), http.StatusPreconditionFailed, "LeaseIdMissing")
	_, err = client.UploadBuffer(ctx, "aro", "lock", []byte("z"), &azblob.UploadBufferOptions{AccessConditions: &blob.AccessConditions{LeaseAccessConditions: &blob.LeaseAccessConditions{LeaseID: holder.LeaseID()}}})
	check(t, err)
	other, err := lease.NewBlobClient(client.ServiceClient().NewContainerClient("aro").NewBlobClient("lock"), nil)
	check(t, err)
	_, err = other.AcquireLease(ctx, 15, nil)
	mustFail(t, err, http.StatusConflict, "LeaseAlreadyPresent")
	_, err = holder.RenewLease(ctx, nil)
	check(t, err)
	_, err = holder.ReleaseLease(ctx, nil)
	check(t, err)
	check(t, write(ctx, client, "aro", "lock", "y"))

	of, err := lease.NewContainerClient(client.ServiceClient().NewContainerClient("aro"), nil)
	check(t, err)
	_, err = of.AcquireLease(ctx, -1, nil)
	check(t, err)
	_, err = client.DeleteContainer(ctx, "aro", nil)
	mustFail(t, err, http.StatusPreconditionFailed, "LeaseIdMissing")
	_, err = of.BreakLease(ctx, &lease.ContainerBreakOptions{BreakPeriod: to.Ptr[int32](0)})
	check(t, err)
	_, err = client.DeleteContainer(ctx, "aro", nil)
	check(t, err)
}
