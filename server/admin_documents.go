package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/conversion"
	"github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/store"
)

// unreadableItem is what the place of a cluster's document says about it.
func unreadableItem(e *store.UnreadableError) admin.ClusterItem {
	group, name, _ := strings.Cut(e.ID, "|")
	id := arm.ClusterID{SubscriptionID: e.Partition, ResourceGroup: group, Name: name}
	return admin.ClusterItem{Key: strings.ToLower(id.String()), Name: name, ResourceID: id.String(),
		Subscription: e.Partition, ResourceGroup: group, Unreadable: &e.Reason}
}

// unreadableMatches applies the filters about what can be known.
func unreadableMatches(item *admin.ClusterItem, p admin.AdminListClustersParams) bool {
	has := func(part *string, of string) bool {
		return part == nil || strings.Contains(of, strings.ToLower(*part))
	}
	return (p.Unreadable == nil || *p.Unreadable) && has(p.Name, item.Name) && has(p.Subscription, item.Subscription) &&
		p.Version == nil && p.State == nil && p.CreatedBy == nil && p.ProvisionedBy == nil
}

// adminPages walks a list of the admin API from where the page begins.
type adminPages struct {
	s     *Server
	c     *call
	scope pageScope
	query store.Query
	top   int
	// scanned documents are behind the entries so far; ended means that there are no more.
	scanned int
	ended   bool
}

// pages reads the parameters of a page of the list with that name.
func (a adminAPI) pages(c *call, list string, top *int32, skipToken *string) (*adminPages, error) {
	p := &adminPages{s: a.s, c: c, scope: pageScope{Subscription: "admin", Group: list}, top: adminPage}
	if top != nil {
		if *top < 1 || *top > adminPage {
			return nil, arm.InvalidParameter.At("top", "top must be a whole number from 1 to %d.", adminPage)
		}
		p.top = int(*top)
	}
	if skipToken != nil {
		var err error
		if p.query.Continuation, err = a.s.tokens.open(c.ctx(), *skipToken, p.scope); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// more reports whether the page goes on, which has so many entries, and prepares
// the next query.
func (p *adminPages) more(entries int) bool {
	p.query.Limit = p.top - entries
	return !p.ended && p.query.Limit > 0 && p.scanned < adminScan
}

// read notes that a query was answered with that continuation.
func (p *adminPages) read(next string) {
	p.scanned += p.query.Limit
	p.query.Continuation, p.ended = next, next == ""
}

// nextLink is nil at the end of the list.
func (p *adminPages) nextLink() (*string, error) {
	if p.ended {
		return nil, nil
	}
	token, err := p.s.tokens.seal(p.query.Continuation, p.scope)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	for name, values := range p.c.QueryParams() {
		query[name] = values
	}
	query.Set("skipToken", token)
	link := p.c.base() + (&url.URL{Path: p.c.path, RawQuery: query.Encode()}).String()
	return &link, nil
}

func (a adminAPI) infirmary(container string) (store.Infirmary, error) {
	found, ok := a.s.Store.Infirmary(container)
	if !ok {
		var names []string
		for _, c := range store.Containers() {
			names = append(names, c.Name)
		}
		return nil, arm.NotFound.At("container", "There is no such container. There are %s.", strings.Join(names, ", "))
	}
	return found, nil
}

// AdminListUnreadableDocuments lists what cannot be read in a container.
func (a adminAPI) AdminListUnreadableDocuments(ec echo.Context, container string, params admin.AdminListUnreadableDocumentsParams) error {
	c := ec.(*call)
	documents, err := a.infirmary(container)
	if err != nil {
		return err
	}
	pages, err := a.pages(c, "documents/"+strings.ToLower(container), params.Top, params.SkipToken)
	if err != nil {
		return err
	}
	list := admin.UnreadableDocumentList{Value: []admin.UnreadableDocument{}}
	for pages.more(len(list.Value)) {
		found, next, err := documents.Unreadable(c.ctx(), pages.query)
		if err != nil {
			return err
		}
		pages.read(next)
		for _, e := range found {
			list.Value = append(list.Value, admin.UnreadableDocument{Container: e.Container, Partition: e.Partition, ID: e.ID, Reason: e.Reason})
		}
	}
	if list.NextLink, err = pages.nextLink(); err != nil {
		return err
	}
	return c.value(http.StatusOK, list)
}

// AdminRepairDocument merges a patch into a document that cannot be read.
func (a adminAPI) AdminRepairDocument(ec echo.Context, container, partition, documentID string) error {
	c := ec.(*call)
	documents, err := a.infirmary(container)
	if err != nil {
		return err
	}
	var patch admin.DocumentPatch
	if err := c.strict(&patch); err != nil {
		return err
	}
	err = documents.Repair(c.ctx(), partition, documentID, func(body []byte) ([]byte, error) {
		merged, err := conversion.MergePatch(body, c.body)
		if err != nil {
			return nil, arm.InvalidRequestContent.Errorf("The document is not a JSON object, so that no patch can be merged into it. Remove it.").Because(err)
		}
		return merged, nil
	})
	var left *store.UnreadableError
	if errors.As(err, &left) {
		return arm.InvalidRequestContent.Errorf("With the patch the document cannot be read either: %s.", left.Reason)
	}
	return a.treated(c, documentID, err)
}

// AdminRemoveDocument removes a document that cannot be read.
func (a adminAPI) AdminRemoveDocument(ec echo.Context, container, partition, documentID string) error {
	c := ec.(*call)
	documents, err := a.infirmary(container)
	if err != nil {
		return err
	}
	return a.treated(c, documentID, documents.Remove(c.ctx(), partition, documentID))
}

// treated answers after a document was repaired or removed, or was not.
func (a adminAPI) treated(c *call, documentID string, err error) error {
	switch {
	case errors.Is(err, store.ErrReadable):
		return arm.RequestNotAllowed.Errorf("The document can be read. Use the API of what it describes.")
	case errors.Is(err, store.ErrNotFound):
		return arm.NotFound.At("documentId", "There is no such document.")
	case err != nil:
		return fmt.Errorf("treat %s: %w", documentID, err)
	}
	a.s.catalogue.expire()
	a.s.Wake()
	return c.NoContent(http.StatusNoContent)
}
