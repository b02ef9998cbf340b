package blob

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/aro-rp/aro/local/cloud/state"
)

// Kinds of documents. The keys are account/container, account/container/blob, and
// that with the block id behind a line feed, which no name has.
const (
	kindContainer = "blob/container"
	kindBlob      = "blob/blob"
	kindBlock     = "blob/block"
)

const maxXML = 4 << 20

// Errors of the Go API.
var (
	ErrNotFound = errors.New("no such container or blob")
	ErrExists   = errors.New("the container exists")
)

// Container is what is kept of a container.
type Container struct {
	Name     string            `json:"name"`
	Public   string            `json:"public,omitempty"` // blob, container, or none
	ETag     string            `json:"etag"`
	Modified time.Time         `json:"modified"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Lease    lease             `json:"lease,omitzero"`
}

func containerKey(account, container string) string {
	return strings.ToLower(account) + "/" + container
}

func (s *Service) container(ctx context.Context, account, name string) (c Container, found bool, err error) {
	found, err = s.State.Get(ctx, kindContainer, containerKey(account, name), &c)
	return c, found, err
}

// mustContainer is container with the service's error.
func (s *Service) mustContainer(q *request) (Container, error) {
	c, found, err := s.container(q.Context(), q.name, q.container)
	if err == nil && !found {
		err = refuse(http.StatusNotFound, "ContainerNotFound", "The specified container does not exist.")
	}
	return c, err
}

// CreateContainer makes a container; public is blob, container, or none. ErrExists
// comes with the container that is there.
func (s *Service) CreateContainer(ctx context.Context, account, name, public string) (Container, error) {
	return s.newContainer(ctx, account, Container{Name: name, Public: public})
}

func (s *Service) newContainer(ctx context.Context, account string, c Container) (Container, error) {
	if !containerName.MatchString(c.Name) {
		return c, fmt.Errorf("%q is no name of a container", c.Name)
	}
	c.ETag, c.Modified = newETag(), s.Now().UTC()
	err := s.State.Update(ctx, func(tx *state.Tx) error {
		found, err := tx.Get(ctx, kindContainer, containerKey(account, c.Name), &c)
		if err == nil && found {
			err = ErrExists
		}
		if err != nil {
			return err
		}
		return tx.Put(ctx, kindContainer, containerKey(account, c.Name), c)
	})
	return c, err
}

// Containers lists the containers of an account by name.
func (s *Service) Containers(ctx context.Context, account string) ([]Container, error) {
	entries, err := s.State.List(ctx, kindContainer, strings.ToLower(account)+"/")
	if err != nil {
		return nil, err
	}
	containers := make([]Container, len(entries))
	for i, entry := range entries {
		if err := json.Unmarshal(entry.Value, &containers[i]); err != nil {
			return nil, fmt.Errorf("container %s: %w", entry.Key, err)
		}
	}
	return containers, nil
}

// DeleteContainer removes a container with its blobs and reports whether there was one.
func (s *Service) DeleteContainer(ctx context.Context, account, name string) (existed bool, err error) {
	err = s.discard(ctx, func(tx *state.Tx, drop func(files ...string)) (err error) {
		existed, err = s.dropContainer(ctx, tx, account, name, drop)
		return err
	})
	return existed, err
}

func (s *Service) dropContainer(ctx context.Context, tx *state.Tx, account, name string, drop func(files ...string)) (bool, error) {
	existed, err := tx.Delete(ctx, kindContainer, containerKey(account, name))
	if err != nil {
		return false, err
	}
	for _, kind := range []string{kindBlob, kindBlock} {
		entries, err := tx.List(ctx, kind, containerKey(account, name)+"/")
		if err != nil {
			return false, err
		}
		for _, entry := range entries {
			var stored struct {
				File string `json:"file"`
			}
			if err := json.Unmarshal(entry.Value, &stored); err != nil {
				return false, fmt.Errorf("%s %s: %w", kind, entry.Key, err)
			}
			if _, err := tx.Delete(ctx, kind, entry.Key); err != nil {
				return false, err
			}
			drop(stored.File)
		}
	}
	return existed, nil
}

// DeleteAccount removes everything of an account, its keys too.
func (s *Service) DeleteAccount(ctx context.Context, account string) error {
	containers, err := s.Containers(ctx, account)
	if err != nil {
		return err
	}
	return s.discard(ctx, func(tx *state.Tx, drop func(files ...string)) error {
		for _, c := range containers {
			if _, err := s.dropContainer(ctx, tx, account, c.Name, drop); err != nil {
				return err
			}
		}
		_, err := tx.Delete(ctx, kindKeys, strings.ToLower(account))
		return err
	})
}

func (s *Service) createContainer(q *request) error {
	public := q.Header.Get("x-ms-blob-public-access")
	if public != "" && !q.account.PublicAccess {
		return refuse(http.StatusConflict, "PublicAccessNotPermitted", "Public access is not permitted on this storage account.")
	}
	c, err := s.newContainer(q.Context(), q.name, Container{Name: q.container, Public: public, Metadata: q.metadata()})
	if errors.Is(err, ErrExists) {
		return refuse(http.StatusConflict, "ContainerAlreadyExists", "The specified container already exists.")
	}
	if err != nil {
		return err
	}
	q.stamp(c.ETag, c.Modified)
	return q.answer(http.StatusCreated, nil)
}

func (s *Service) containerProperties(q *request) error {
	c, err := s.mustContainer(q)
	if err != nil {
		return err
	}
	q.stamp(c.ETag, c.Modified)
	q.showMetadata(c.Metadata)
	c.Lease.show(q.w.Header(), s.Now())
	if c.Public != "" {
		q.w.Header().Set("x-ms-blob-public-access", c.Public)
	}
	q.w.Header().Set("x-ms-has-immutability-policy", "false")
	q.w.Header().Set("x-ms-has-legal-hold", "false")
	return q.answer(http.StatusOK, nil)
}

func (s *Service) deleteContainer(q *request) error {
	c, err := s.mustContainer(q)
	if err != nil {
		return err
	}
	if err := c.Lease.permit(q, s.Now()); err != nil {
		return err
	}
	if err := q.preconditions(c.ETag, c.Modified, true); err != nil {
		return err
	}
	if _, err := s.DeleteContainer(q.Context(), q.name, q.container); err != nil {
		return err
	}
	return q.answer(http.StatusAccepted, nil)
}

type signedIdentifiers struct {
	XMLName xml.Name `xml:"SignedIdentifiers"`
}

func (s *Service) containerACL(q *request) error {
	c, err := s.mustContainer(q)
	if err != nil {
		return err
	}
	q.stamp(c.ETag, c.Modified)
	if c.Public != "" {
		q.w.Header().Set("x-ms-blob-public-access", c.Public)
	}
	return q.answer(http.StatusOK, signedIdentifiers{})
}

func (s *Service) setContainerACL(q *request) error {
	public := q.Header.Get("x-ms-blob-public-access")
	if public != "" && !q.account.PublicAccess {
		return refuse(http.StatusConflict, "PublicAccessNotPermitted", "Public access is not permitted on this storage account.")
	}
	var policies struct {
		Identifiers []struct{} `xml:"SignedIdentifier"`
	}
	if q.ContentLength != 0 {
		if err := q.readXML(&policies); err != nil {
			return err
		}
	}
	if len(policies.Identifiers) > 0 {
		return refuse(http.StatusBadRequest, "UnsupportedXmlNode", "Stored access policies are not offered.")
	}
	return s.changeContainer(q, func(c *Container) error {
		c.Public, c.ETag, c.Modified = public, newETag(), s.Now().UTC()
		return nil
	})
}

func (s *Service) setContainerMetadata(q *request) error {
	return s.changeContainer(q, func(c *Container) error {
		c.Metadata, c.ETag, c.Modified = q.metadata(), newETag(), s.Now().UTC()
		return nil
	})
}

// changeContainer changes a container atomically and answers 200.
func (s *Service) changeContainer(q *request, change func(*Container) error) error {
	var c Container
	err := s.State.Update(q.Context(), func(tx *state.Tx) error {
		found, err := tx.Get(q.Context(), kindContainer, containerKey(q.name, q.container), &c)
		if err == nil && !found {
			err = refuse(http.StatusNotFound, "ContainerNotFound", "The specified container does not exist.")
		}
		if err == nil {
			err = change(&c)
		}
		if err != nil {
			return err
		}
		return tx.Put(q.Context(), kindContainer, containerKey(q.name, q.container), c)
	})
	if err != nil {
		return err
	}
	q.stamp(c.ETag, c.Modified)
	return q.answer(http.StatusOK, nil)
}

func (s *Service) serviceProperties(q *request) error {
	type toggle struct{ Enabled bool }
	return q.answer(http.StatusOK, struct {
		XMLName        xml.Name `xml:"StorageServiceProperties"`
		DefaultVersion string   `xml:"DefaultServiceVersion"`
		Deletion       toggle   `xml:"DeleteRetentionPolicy"`
		Website        toggle   `xml:"StaticWebsite"`
	}{DefaultVersion: version, Website: toggle{true}})
}

func (s *Service) accountProperties(q *request) error {
	q.w.Header().Set("x-ms-sku-name", "Standard_LRS")
	q.w.Header().Set("x-ms-account-kind", "StorageV2")
	q.w.Header().Set("x-ms-is-hns-enabled", "false")
	return q.answer(http.StatusOK, nil)
}

// stamp sets the headers with the version of what is addressed.
func (q *request) stamp(etag string, modified time.Time) {
	q.w.Header().Set("ETag", etag)
	q.w.Header().Set("Last-Modified", modified.UTC().Format(http.TimeFormat))
}

const metadataPrefix = "X-Ms-Meta-"

func (q *request) metadata() map[string]string {
	m := map[string]string{}
	for name, values := range q.Header {
		if key, ok := strings.CutPrefix(name, metadataPrefix); ok && len(values) > 0 {
			m[strings.ToLower(key)] = values[0]
		}
	}
	return m
}

func (q *request) showMetadata(m map[string]string) {
	for key, value := range m {
		q.w.Header().Set(metadataPrefix+key, value)
	}
}

func (q *request) readXML(into any) error {
	if err := xml.NewDecoder(io.LimitReader(q.Body, maxXML)).Decode(into); err != nil {
		return refuse(http.StatusBadRequest, "InvalidXmlDocument", "XML specified is not syntactically valid.")
	}
	return nil
}

// preconditions holds a request to the conditions of its headers. A write fails with
// 412 where a read answers that nothing is new.
func (q *request) preconditions(etag string, modified time.Time, write bool) error {
	failed := refuse(http.StatusPreconditionFailed, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
	same := failed
	if !write {
		same = refuse(http.StatusNotModified, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
	}
	if want := q.Header.Get("If-Match"); want != "" && want != "*" && !matches(want, etag) {
		return failed
	}
	if not := q.Header.Get("If-None-Match"); not != "" && (not == "*" && !write || matches(not, etag)) {
		return same
	}
	second := modified.Truncate(time.Second)
	if t, err := http.ParseTime(q.Header.Get("If-Unmodified-Since")); err == nil && second.After(t) {
		return failed
	}
	if t, err := http.ParseTime(q.Header.Get("If-Modified-Since")); err == nil && !second.After(t) {
		return same
	}
	return nil
}

func matches(list, etag string) bool {
	return slices.ContainsFunc(strings.Split(list, ","), func(one string) bool {
		return strings.Trim(strings.TrimSpace(one), `"`) == strings.Trim(etag, `"`)
	})
}

func newETag() string {
	id := uuid.New()
	return fmt.Sprintf(`"0x8D%X"`, id[:7])
}
