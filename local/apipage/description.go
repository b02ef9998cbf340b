package apipage

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/aro-rp/aro/openapi"
)

const (
	specName            = "redhatopenshift.json"
	exampleSubscription = "11111111-2222-4333-8444-555555555555"
	// maxRefs bounds how many references follow one another.
	maxRefs = 4
)

// versions lists the api-versions, stable ones first, the newest first.
func (p *Page) versions(w http.ResponseWriter, _ *http.Request) {
	versions, err := Versions()
	if err != nil {
		p.fail(w, err)
		return
	}
	p.answer(w, versions)
}

// Versions are the api-versions in the order of the page.
func Versions() ([]string, error) {
	folders, err := openapi.Files.ReadDir("arm")
	if err != nil {
		return nil, fmt.Errorf("descriptions: %w", err)
	}
	versions := make([]string, 0, len(folders))
	for _, f := range folders {
		versions = append(versions, f.Name())
	}
	slices.SortFunc(versions, func(a, b string) int {
		return cmp.Or(cmp.Compare(preview(a), preview(b)), strings.Compare(b, a))
	})
	return versions, nil
}

// preview is 1 for a preview, which is listed after what is stable.
func preview(version string) int {
	if strings.HasSuffix(version, "-preview") {
		return 1
	}
	return 0
}

// description serves the files that Swagger UI reads, by their paths in package
// openapi, so that references between them hold.
func (p *Page) description(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("path")
	value, err := read(name)
	if err == nil && path.Base(name) == specName {
		err = p.fit(value, path.Dir(name), p.demo(r.Context(), path.Base(path.Dir(name))))
	}
	if err != nil {
		p.fail(w, err)
		return
	}
	p.answer(w, value)
}

func (p *Page) fail(w http.ResponseWriter, err error) {
	if _, unread := errors.AsType[*fs.PathError](err); unread { // what is embedded fails to be read only by its name
		http.Error(w, "There is no such description.", http.StatusNotFound)
		return
	}
	p.Log.Warn("the API page cannot show a description", "error", err)
	http.Error(w, "The description cannot be shown; the log of aro-local says why.", http.StatusInternalServerError)
}

func read(name string) (*object, error) {
	content, err := openapi.Files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("description: %w", err)
	}
	value, err := decode(content)
	if err != nil {
		return nil, fmt.Errorf("description %s: %w", name, err)
	}
	o, ok := value.(*object)
	if !ok {
		return nil, fmt.Errorf("description %s: no object", name)
	}
	return o, nil
}

// fit adapts a description to the local Azure: its host, its sign-in, and examples that refer to
// existing resources. demo is the cluster of that name, nil if there is none.
func (p *Page) fit(spec *object, dir string, demo *object) error {
	spec.set("host", p.origin.Host)
	spec.set("schemes", []any{p.origin.Scheme})
	// The page signs in by itself; Azure's sign-in is on the internet.
	spec.remove("security")
	spec.remove("securityDefinitions")
	if info := spec.at("info"); info != nil {
		info.set("description", fmt.Sprintf("%s\n\n**Try it out** sends requests to the local Azure at %s as its demo application, in the subscription `%s`. "+
			"PUT starts with the body of the cluster that `bin/aro-local cluster create demo` creates: create it first, then reload this page. "+
			"Requests from elsewhere need a token, which `bin/aro-local token` prints.", info.text("description"), p.Origin, p.Subscription))
	}
	for _, methods := range spec.at("paths").objects() {
		for _, operation := range methods.objects() {
			if err := p.fitOperation(spec, operation, dir, demo); err != nil {
				return fmt.Errorf("%s/%s: %s: %w", dir, specName, operation.text("operationId"), err)
			}
		}
	}
	return nil
}

// fitOperation puts parameters in place of references, because what they are filled
// with differs by version, and the example into what it is an example of.
func (p *Page) fitOperation(spec, operation *object, dir string, demo *object) error {
	example, err := p.example(operation, dir)
	if err != nil {
		return err
	}
	if demo != nil && operation.text("operationId") == "OpenShiftClusters_CreateOrUpdate" {
		example.at("parameters").set("parameters", demo)
	}
	operation.remove("x-ms-examples")
	parameters, _ := operation.values["parameters"].([]any)
	for i := range parameters {
		parameter, err := resolve(spec, parameters[i], dir)
		if err != nil {
			return err
		}
		parameters[i] = p.filled(parameter, spec, example)
	}
	responses := operation.at("responses")
	for _, status := range example.at("responses").names() {
		if body := example.at("responses", status).member("body"); body != nil && responses.at(status) != nil {
			responses.at(status).set("examples", &object{keys: []string{"application/json"}, values: map[string]any{"application/json": body}})
		}
	}
	return nil
}

// filled is a parameter with the value that the page starts with.
func (p *Page) filled(parameter, spec, example *object) *object {
	switch name := parameter.text("name"); name {
	case "subscriptionId":
		return parameter.with("x-example", p.Subscription)
	case "api-version":
		return parameter.with("x-example", spec.at("info").text("version"))
	case "resourceGroupName", "resourceName": // of `aro-local cluster create demo`
		return parameter.with("x-example", "demo")
	case "location":
		return parameter.with("x-example", "eastus")
	default:
		value := example.at("parameters").member(name)
		if schema := parameter.at("schema"); schema != nil && value != nil {
			return parameter.with("schema", &object{keys: []string{"allOf", "example"}, values: map[string]any{"allOf": []any{schema}, "example": value}})
		}
		if value != nil {
			return parameter.with("x-example", value)
		}
		return parameter
	}
}

// example is the first one of an operation, in the subscription of the page and with
// a version that is offered.
func (p *Page) example(operation *object, dir string) (*object, error) {
	all := operation.at("x-ms-examples").objects()
	if len(all) == 0 {
		return nil, nil
	}
	content, err := openapi.Files.ReadFile(path.Join(dir, all[0].text("$ref")))
	if err != nil {
		return nil, fmt.Errorf("example: %w", err)
	}
	value, err := decode(bytes.ReplaceAll(content, []byte(exampleSubscription), []byte(p.Subscription)))
	if err != nil {
		return nil, fmt.Errorf("example: %w", err)
	}
	o, _ := value.(*object)
	p.ask(o.at("parameters"), "openShiftVersion")
	p.ask(o.at("parameters", "parameters", "properties", "clusterProfile"), "version")
	return o, nil
}

// ask replaces the OpenShift version of an example with the local default.
func (p *Page) ask(o *object, member string) {
	if o.member(member) != nil {
		o.set(member, p.Version)
	}
}

// resolve follows references from a file in dir to an object.
func resolve(file *object, value any, dir string) (*object, error) {
	for range maxRefs {
		o, ok := value.(*object)
		if !ok {
			return nil, errors.New("a reference leads to no object")
		}
		ref := o.text("$ref")
		if ref == "" {
			return o, nil
		}
		name, pointer, _ := strings.Cut(ref, "#/")
		if name != "" {
			name = path.Join(dir, name)
			var err error
			if file, err = read(name); err != nil {
				return nil, err
			}
			dir = path.Dir(name)
		}
		value = file.at(strings.Split(pointer, "/")...)
		if value.(*object) == nil {
			return nil, fmt.Errorf("%s leads nowhere", ref)
		}
	}
	return nil, errors.New("too many references follow one another")
}
