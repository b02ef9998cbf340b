package collectors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	// pageSize is the number of objects that one page of a list requests.
	pageSize = 50
	// maxAnswer bounds one answer, in bytes. An API server that serves a list from its cache
	// answers with the whole list, whatever limit the request has.
	maxAnswer = 64 << 20
	// maxPages bounds a list that does not end.
	maxPages = 2000
)

// statusError is an answer of the API server other than 200.
type statusError struct {
	path string
	code int
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s answers %d %s", e.path, e.code, http.StatusText(e.code))
}

// absent reports whether the object, or its kind, does not exist.
func absent(err error) bool {
	e, ok := errors.AsType[*statusError](err)
	return ok && e.code == http.StatusNotFound
}

// cached requests the API server's cached state, which may be some seconds old.
func cached() url.Values { return url.Values{"resourceVersion": {"0"}} }

// get reads the parts of one object that are in into.
func (l *Look) get(ctx context.Context, path string, query url.Values, into any) error {
	address := l.API.URL + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	if isProtobuf(reflect.TypeOf(into).Elem()) {
		req.Header.Set("Accept", protobufType+",application/json")
	}
	req.Header.Set("User-Agent", "aro-monitor")
	res, err := l.API.Client.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", path, without(err))
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // for the connection to be used again
		return &statusError{path, res.StatusCode}
	}
	if err = decode(res, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// bodies are buffers of answers in protobuf, which are read as a whole.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxKept is the size of buffers that are kept.
const maxKept = 1 << 20

func decode(res *http.Response, into any) error {
	body := io.LimitReader(res.Body, maxAnswer)
	if res.Header.Get("Content-Type") != protobufType {
		return json.UnmarshalRead(body, into, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	}
	buffer := bodies.Get().(*bytes.Buffer)
	buffer.Reset()
	if _, err := buffer.ReadFrom(body); err != nil {
		return err
	}
	err := unmarshalProtobuf(buffer.Bytes(), into)
	if buffer.Cap() <= maxKept {
		bodies.Put(buffer)
	}
	return err
}

// without returns the error of a request without its URL, which is reported already.
func without(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// page is a part of a list.
type page[T any] struct {
	Metadata struct {
		Continue string `json:"continue" protobuf:"3"`
	} `json:"metadata" protobuf:"1"`
	Items []T `json:"items" protobuf:"2"`
}

// list gives each object of a list to each, page by page.
func list[T any](ctx context.Context, l *Look, path string, query url.Values, each func(*T)) error {
	asked := cached()
	for name, values := range query {
		asked[name] = values
	}
	asked.Set("limit", strconv.Itoa(pageSize))
	for range maxPages {
		var p page[T]
		if err := l.get(ctx, path, asked, &p); err != nil {
			return err
		}
		for i := range p.Items {
			each(&p.Items[i])
		}
		if p.Metadata.Continue == "" {
			return nil
		}
		asked.Del("resourceVersion") // a continuation says it
		asked.Set("continue", p.Metadata.Continue)
	}
	return fmt.Errorf("%s: the list does not end", path)
}

// listAll is list for those who need all objects at once.
func listAll[T any](ctx context.Context, l *Look, path string, query url.Values) (all []T, err error) {
	err = list(ctx, l, path, query, func(one *T) { all = append(all, *one) })
	return all, err
}

// named is who an object is.
type named struct {
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// identified is who an object is, for kinds of which there are many.
type identified struct {
	Name      string `json:"name" protobuf:"1"`
	Namespace string `json:"namespace" protobuf:"3"`
}
