package deployments

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
	"github.com/aro-rp/aro/local/cloud/resources"
)

// Modes of deployments.
const (
	incremental = "Incremental"
	complete    = "Complete"
)

// request is what callers send.
type request struct {
	mode, location       string
	template, parameters *value.Object
	// link is where the template came from, nil if it came with the request.
	link *value.Object
	// unread are links that are not read yet.
	templateLink, parametersLink *value.Object
	// full what-if requests show resources, not only their ids.
	idsOnly bool
}

// readRequest reads the body of a call.
func readRequest(call *resources.Call) (*request, error) {
	body, ok := call.Document.(*value.Object)
	if !ok {
		body = value.FromObject(call.Body)
	}
	properties := body.Map("properties")
	if properties == nil {
		return nil, resources.Refuse(http.StatusBadRequest, "InvalidRequestContent", "The request content was invalid: it has no properties.")
	}
	q := &request{
		template: properties.Map("template"), parameters: properties.Map("parameters"), templateLink: properties.Map("templateLink"), parametersLink: properties.Map("parametersLink"),
		location: resources.Location(body.Text("location")), link: properties.Map("resolvedTemplateLink"), idsOnly: arm.EqualFold(properties.Map("whatIfSettings").Text("resultFormat"), "ResourceIdOnly"),
	}
	switch mode := properties.Text("mode"); {
	case arm.EqualFold(mode, incremental):
		q.mode = incremental
	case arm.EqualFold(mode, complete):
		q.mode = complete
	case mode == "":
		return nil, resources.Refuse(http.StatusBadRequest, "InvalidRequestContent", "The request content was invalid: the deployment has no mode; it is Incremental or Complete.")
	default:
		return nil, resources.Refuse(http.StatusBadRequest, "InvalidDeploymentMode", "The deployment mode '%s' is not valid; it is Incremental or Complete.", mode)
	}
	switch {
	case q.template != nil && q.templateLink != nil:
		return nil, resources.Refuse(http.StatusBadRequest, "InvalidDeployment", "The deployment cannot have both a template and a templateLink.")
	case q.parameters != nil && q.parametersLink != nil:
		return nil, resources.Refuse(http.StatusBadRequest, "InvalidDeployment", "The deployment cannot have both parameters and a parametersLink.")
	}
	if v, _ := properties.Find("onErrorDeployment"); v != nil {
		return nil, resources.Refuse(http.StatusBadRequest, "InvalidDeployment", "The member 'onErrorDeployment' is not supported here.")
	}
	return q, nil
}

// maxName is how long names of deployments are at most.
const maxName = 64

// place validates the name and the location of a deployment.
func (q *request) place(id, location string) error {
	name := lastOf(id)
	wrong := strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._()", r)
	})
	grouped := resources.GroupID(id) != ""
	switch {
	case wrong || utf8.RuneCountInString(name) > maxName:
		return resources.Refuse(http.StatusBadRequest, "InvalidDeploymentName", "The deployment name '%s' is not valid. It can have up to %d letters, digits, '-', '.', '(', ')' or '_'.", name, maxName)
	case !grouped && location == "":
		return resources.Refuse(http.StatusBadRequest, "InvalidDeployment", "The 'location' property must be specified for '%s'. Please see https://aka.ms/deploy-to-subscription for usage details.", name)
	case grouped && location != "":
		return resources.Refuse(http.StatusBadRequest, "InvalidDeployment", "The 'location' property is not allowed for '%s' at resource group scope. Please see https://aka.ms/deploy-to-subscription for usage details.", name)
	case !grouped && q.mode == complete:
		return resources.Refuse(http.StatusBadRequest, "InvalidDeployment", "The deployment mode 'Complete' of '%s' is only supported at the scope of a resource group.", name)
	}
	return nil
}

func lastOf(id string) string { return id[strings.LastIndex(id, "/")+1:] }

// hash identifies a template, in digits.
func (q *request) hash() string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(value.JSON(q.template)))
	return fmt.Sprint(h.Sum64())
}

// fetch reads the links of a request, and leaves what they name in the call.
func (d *Deployments) fetch(ctx context.Context, call *resources.Call) (*request, error) {
	q, err := readRequest(call)
	if err != nil || q.templateLink == nil && q.parametersLink == nil {
		return q, err
	}
	properties := value.NewObject("mode", q.mode)
	if q.idsOnly {
		properties.Set("whatIfSettings", value.NewObject("resultFormat", "ResourceIdOnly"))
	}
	if q.templateLink != nil {
		if q.template, err = d.linked(ctx, q.templateLink); err != nil {
			return nil, err
		}
		q.link = q.templateLink
	}
	if q.parametersLink != nil {
		file, err := d.linked(ctx, q.parametersLink)
		if err != nil {
			return nil, err
		}
		q.parameters = file.Map("parameters")
	}
	properties.Set("template", q.template)
	if q.parameters != nil {
		properties.Set("parameters", q.parameters)
	}
	if q.link != nil {
		properties.Set("resolvedTemplateLink", q.link)
	}
	q.templateLink, q.parametersLink = nil, nil
	document := value.NewObject("properties", properties)
	if q.location != "" {
		document.Set("location", q.location)
	}
	call.Document = document
	return q, nil
}

// linked reads what a link names.
func (d *Deployments) linked(ctx context.Context, link *value.Object) (*value.Object, error) {
	uri := link.Text("uri")
	if uri == "" {
		return nil, resources.Refuse(http.StatusBadRequest, "InvalidContentLink", "The link of the deployment has no 'uri'; links by 'id' (template specs) and by 'relativePath' are not supported here.")
	}
	if query := link.Text("queryString"); query != "" {
		uri += "?" + strings.TrimPrefix(query, "?")
	}
	refused := func(err error) error {
		shown := uri
		if u, failed := url.Parse(uri); failed == nil {
			u.RawQuery = "" // a signature may be there
			shown = u.String()
		}
		return resources.Refuse(http.StatusBadRequest, "InvalidContentLink", "Unable to download deployment content from '%s': %v.", shown, err)
	}
	if d.Fetch == nil {
		return nil, refused(fmt.Errorf("links are not supported here"))
	}
	content, err := d.Fetch(ctx, uri)
	if err != nil {
		return nil, refused(err)
	}
	v, err := value.Parse(content, value.Request)
	if err != nil {
		return nil, refused(err)
	}
	o, ok := v.(*value.Object)
	if !ok {
		return nil, refused(fmt.Errorf("it is not an object"))
	}
	return o, nil
}
