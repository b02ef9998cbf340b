package admin

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/armhttp"
	"github.com/aro-rp/aro/conversion"
	api "github.com/aro-rp/aro/generated/admin"
	"github.com/aro-rp/aro/store"
)

// unreadableItem describes a cluster's document that cannot be read.
func unreadableItem(e *store.UnreadableError) api.ClusterItem {
	group, name, _ := strings.Cut(e.ID, "|")
	id := arm.ClusterID{SubscriptionID: e.Partition, ResourceGroup: group, Name: name}
	return api.ClusterItem{Key: strings.ToLower(id.String()), Name: name, ResourceID: id.String(),
		Subscription: e.Partition, ResourceGroup: group, Unreadable: &e.Reason}
}

// unreadableMatches applies the filters about what can be known.
func unreadableMatches(item *api.ClusterItem, p api.AdminListClustersParams) bool {
	has := func(part *string, of string) bool {
		return part == nil || strings.Contains(of, strings.ToLower(*part))
	}
	return (p.Unreadable == nil || *p.Unreadable) && has(p.Name, item.Name) && has(p.Subscription, item.Subscription) &&
		p.Version == nil && p.State == nil && p.CreatedBy == nil && p.ProvisionedBy == nil
}

// pages walks a list of the admin API from where the page begins.
type pages struct {
	tokens armhttp.Tokens
	c      *call
	scope  armhttp.PageScope
	query  store.Query
	top    int
	// scanned documents are behind the entries so far; ended means that there are no more.
	scanned int
	ended   bool
}

// pages reads the parameters of a page of the list with that name.
func (a *API) pages(c *call, list string, top *int32, skipToken *string) (*pages, error) {
	p := &pages{tokens: a.tokens, c: c, scope: armhttp.PageScope{Subscription: "admin", Group: list}, top: adminPage}
	if top != nil {
		if *top < 1 || *top > adminPage {
			return nil, arm.InvalidParameter.At("top", "top must be a whole number from 1 to %d.", adminPage)
		}
		p.top = int(*top)
	}
	if skipToken != nil {
		var err error
		if p.query.Continuation, err = a.tokens.Open(c.Ctx(), *skipToken, p.scope); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// more reports whether the page has room, which has so many entries, and prepares
// the next query.
func (p *pages) more(entries int) bool {
	p.query.Limit = p.top - entries
	return !p.ended && p.query.Limit > 0 && p.scanned < adminScan
}

// read notes that a query was answered with that continuation.
func (p *pages) read(next string) {
	p.scanned += p.query.Limit
	p.query.Continuation, p.ended = next, next == ""
}

// nextLink is nil at the end of the list.
func (p *pages) nextLink() (*string, error) {
	if p.ended {
		return nil, nil
	}
	token, err := p.tokens.Seal(p.query.Continuation, p.scope)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	for name, values := range p.c.QueryParams() {
		query[name] = values
	}
	query.Set("skipToken", token)
	link := armhttp.Base(p.c.Exchange) + (&url.URL{Path: p.c.Canonical, RawQuery: query.Encode()}).String()
	return &link, nil
}

func (a *API) repairer(container string) (store.Repairer, error) {
	found, ok := a.Store.Repairer(container)
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
func (a *API) AdminListUnreadableDocuments(ec echo.Context, container string, params api.AdminListUnreadableDocumentsParams) error {
	c := ec.(*call)
	documents, err := a.repairer(container)
	if err != nil {
		return err
	}
	pages, err := a.pages(c, "documents/"+strings.ToLower(container), params.Top, params.SkipToken)
	if err != nil {
		return err
	}
	list := api.UnreadableDocumentList{Value: []api.UnreadableDocument{}}
	for pages.more(len(list.Value)) {
		found, next, err := documents.Unreadable(c.Ctx(), pages.query)
		if err != nil {
			return err
		}
		pages.read(next)
		for _, e := range found {
			list.Value = append(list.Value, api.UnreadableDocument{Container: e.Container, Partition: e.Partition, ID: e.ID, Reason: e.Reason})
		}
	}
	if list.NextLink, err = pages.nextLink(); err != nil {
		return err
	}
	return armhttp.Value(c, http.StatusOK, list)
}

// AdminRepairDocument merges a patch into a document that cannot be read.
func (a *API) AdminRepairDocument(ec echo.Context, container, partition, documentID string) error {
	c := ec.(*call)
	documents, err := a.repairer(container)
	if err != nil {
		return err
	}
	var patch api.DocumentPatch
	if err := c.strict(&patch); err != nil {
		return err
	}
	err = documents.Repair(c.Ctx(), partition, documentID, func(body []byte) ([]byte, error) {
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
func (a *API) AdminRemoveDocument(ec echo.Context, container, partition, documentID string) error {
	c := ec.(*call)
	documents, err := a.repairer(container)
	if err != nil {
		return err
	}
	return a.treated(c, documentID, documents.Remove(c.Ctx(), partition, documentID))
}

// treated answers after a document was repaired or removed, or was not.
func (a *API) treated(c *call, documentID string, err error) error {
	switch {
	case errors.Is(err, store.ErrReadable):
		return arm.RequestNotAllowed.Errorf("The document can be read. Use the API of what it describes.")
	case errors.Is(err, store.ErrNotFound):
		return arm.NotFound.At("documentId", "There is no such document.")
	case err != nil:
		return fmt.Errorf("treat %s: %w", documentID, err)
	}
	a.Catalogue.Expire()
	a.Wake()
	return c.NoContent(http.StatusNoContent)
}
