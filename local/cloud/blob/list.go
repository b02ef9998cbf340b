package blob

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxPage is the most items of a page.
const maxPage = 5000

type shownContainer struct {
	Name       string
	Properties containerShown
	Metadata   metadataShown `xml:",omitempty"`
}

type containerShown struct {
	Modified string `xml:"Last-Modified"`
	ETag     string `xml:"Etag"`
	Status   string `xml:"LeaseStatus"`
	State    string `xml:"LeaseState"`
	Public   string `xml:"PublicAccess,omitempty"`
}

// metadataShown are elements named as the keys.
type metadataShown map[string]string

// MarshalXML writes the keys in their order.
func (m metadataShown) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if len(m) == 0 {
		return nil
	}
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for _, key := range keys {
		if err := e.EncodeElement(m[key], xml.StartElement{Name: xml.Name{Local: key}}); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}

// page reads the requested number of items and the marker after which they begin.
func (q *request) page() (size int, marker string, err error) {
	size = maxPage
	if text := q.query.Get("maxresults"); text != "" {
		if size, err = strconv.Atoi(text); err != nil || size < 1 {
			return 0, "", refuse(http.StatusBadRequest, "OutOfRangeQueryParameterValue", "One of the query parameters specified in the request URI is outside the permissible range: maxresults.")
		}
		size = min(size, maxPage)
	}
	raw, err := base64.RawURLEncoding.DecodeString(q.query.Get("marker"))
	if err != nil {
		return 0, "", refuse(http.StatusBadRequest, "InvalidQueryParameterValue", "Value for one of the query parameters specified in the request URI is invalid: marker.")
	}
	return size, string(raw), nil
}

func markerOf(name string) string { return base64.RawURLEncoding.EncodeToString([]byte(name)) }

func (q *request) includes(what string) bool {
	return slices.Contains(strings.Split(q.query.Get("include"), ","), what)
}

func (s *Service) listContainers(q *request) error {
	size, marker, err := q.page()
	if err != nil {
		return err
	}
	all, err := s.Containers(q.Context(), q.name)
	if err != nil {
		return err
	}
	document := struct {
		XMLName    xml.Name         `xml:"EnumerationResults"`
		Endpoint   string           `xml:"ServiceEndpoint,attr"`
		Prefix     string           `xml:",omitempty"`
		MaxResults int              `xml:",omitempty"`
		Containers []shownContainer `xml:"Containers>Container"`
		NextMarker string
	}{Endpoint: s.Origin + "/blob/" + q.name, Prefix: q.query.Get("prefix"), MaxResults: size}
	for _, c := range all {
		if c.Name < marker || !strings.HasPrefix(c.Name, document.Prefix) {
			continue
		}
		if len(document.Containers) == size {
			document.NextMarker = markerOf(c.Name)
			break
		}
		status, leased := c.Lease.words(s.Now())
		shown := shownContainer{Name: c.Name, Properties: containerShown{Modified: c.Modified.UTC().Format(http.TimeFormat), ETag: c.ETag, Status: status, State: leased, Public: c.Public}}
		if q.includes("metadata") {
			shown.Metadata = c.Metadata
		}
		document.Containers = append(document.Containers, shown)
	}
	return q.answer(http.StatusOK, document)
}

type shownBlob struct {
	Name       string
	Properties blobShown
	Metadata   metadataShown `xml:",omitempty"`
}

type blobShown struct {
	Created     string `xml:"Creation-Time"`
	Modified    string `xml:"Last-Modified"`
	ETag        string `xml:"Etag"`
	Length      int64  `xml:"Content-Length"`
	Type        string `xml:"Content-Type"`
	Encoding    string `xml:"Content-Encoding"`
	Language    string `xml:"Content-Language"`
	MD5         string `xml:"Content-MD5"`
	Cache       string `xml:"Cache-Control"`
	Disposition string `xml:"Content-Disposition"`
	BlobType    string
	AccessTier  string
	Status      string `xml:"LeaseStatus"`
	State       string `xml:"LeaseState"`
	Encrypted   bool   `xml:"ServerEncrypted"`
}

type shownPrefix struct{ Name string }

type blobList struct {
	XMLName    xml.Name `xml:"EnumerationResults"`
	Endpoint   string   `xml:"ServiceEndpoint,attr"`
	Container  string   `xml:"ContainerName,attr"`
	Prefix     string   `xml:",omitempty"`
	Delimiter  string   `xml:",omitempty"`
	MaxResults int      `xml:",omitempty"`
	Blobs      struct {
		Items    []shownBlob   `xml:"Blob"`
		Prefixes []shownPrefix `xml:"BlobPrefix"`
	}
	NextMarker string
}

func (s *Service) listBlobs(q *request) error {
	size, marker, err := q.page()
	if err != nil {
		return err
	}
	if _, err := s.mustContainer(q); err != nil {
		return err
	}
	prefix, delimiter := q.query.Get("prefix"), q.query.Get("delimiter")
	key := containerKey(q.name, q.container) + "/"
	entries, err := s.State.List(q.Context(), kindBlob, key+prefix)
	if err != nil {
		return err
	}
	document := blobList{Endpoint: s.Origin + "/blob/" + q.name, Container: q.container, Prefix: prefix, Delimiter: delimiter, MaxResults: size}
	blobs, seen := &document.Blobs, ""
	for _, entry := range entries {
		name := strings.TrimPrefix(entry.Key, key)
		if name < marker {
			continue
		}
		group := ""
		if before, _, cut := strings.Cut(name[len(prefix):], delimiter); delimiter != "" && cut {
			group = prefix + before + delimiter
		}
		if group != "" && (group == seen || strings.HasPrefix(marker, group) && marker != name) {
			continue
		}
		if len(blobs.Items)+len(blobs.Prefixes) == size {
			document.NextMarker = markerOf(name)
			break
		}
		if group != "" {
			seen, blobs.Prefixes = group, append(blobs.Prefixes, shownPrefix{group})
			continue
		}
		var b stored
		if err := json.Unmarshal(entry.Value, &b); err != nil {
			return fmt.Errorf("blob %s: %w", entry.Key, err)
		}
		blobs.Items = append(blobs.Items, s.shown(q, &b))
	}
	return q.answer(http.StatusOK, document)
}

func (s *Service) shown(q *request, b *stored) shownBlob {
	status, leased := b.Lease.words(s.Now())
	shown := shownBlob{Name: b.Name, Properties: blobShown{
		Created: b.Created.UTC().Format(http.TimeFormat), Modified: b.Modified.UTC().Format(http.TimeFormat), ETag: strings.Trim(b.ETag, `"`),
		Length: b.Size, Type: b.Type, Encoding: b.Encoding, Language: b.Language, MD5: base64.StdEncoding.EncodeToString(b.MD5), Cache: b.Cache, Disposition: b.Disposition,
		BlobType: "BlockBlob", AccessTier: tier(b), Status: status, State: leased, Encrypted: true,
	}}
	if q.includes("metadata") {
		shown.Metadata = b.Metadata
	}
	return shown
}
