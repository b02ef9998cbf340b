package functions

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/aro-rp/aro/arm"
	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

const dataScheme = "data:"

// encodings are the functions of base64, data URIs and URIs.
func encodings() map[string]Function {
	all := map[string]Function{}
	for _, f := range []Function{
		onText("base64", 1, func(a []string) (any, error) { return base64.StdEncoding.EncodeToString([]byte(a[0])), nil }),
		onText("base64ToString", 1, func(a []string) (any, error) { return decode64(a[0]) }),
		onText("base64ToJson", 1, func(a []string) (any, error) {
			s, err := decode64(a[0])
			if err != nil {
				return nil, err
			}
			return parseJSON(s)
		}),
		{Name: "dataUri", Least: 1, Most: 1, Call: func(a []any) (any, error) {
			kind := "application/json"
			if s, ok := a[0].(string); ok {
				kind = "text/plain"
				return dataURI(kind, s), nil
			}
			return dataURI(kind, value.JSON(a[0])), nil
		}},
		onText("dataUriToString", 1, func(a []string) (any, error) { return fromDataURI(a[0]) }),
		onText("uri", 2, func(a []string) (any, error) { return resolve(a[0], a[1]) }),
		onText("uriComponent", 1, func(a []string) (any, error) { return strings.ReplaceAll(url.QueryEscape(a[0]), "+", "%20"), nil }),
		onText("uriComponentToString", 1, func(a []string) (any, error) {
			s, err := url.QueryUnescape(a[0])
			if err != nil {
				return nil, fmt.Errorf("'%s' is not a component of a URI", a[0])
			}
			return s, nil
		}),
	} {
		f.Group = "String"
		all[strings.ToLower(f.Name)] = f
	}
	return all
}

func decode64(s string) (string, error) {
	content, err := base64.StdEncoding.DecodeString(strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, s))
	if err != nil || !utf8.Valid(content) {
		return "", errors.New("the argument is not text in base64")
	}
	return string(content), nil
}

func dataURI(kind, content string) string {
	return dataScheme + kind + ";charset=utf8;base64," + base64.StdEncoding.EncodeToString([]byte(content))
}

func fromDataURI(uri string) (string, error) {
	meta, data, ok := strings.Cut(uri, ",")
	if !ok || len(meta) < len(dataScheme) || !arm.EqualFold(meta[:len(dataScheme)], dataScheme) {
		return "", errors.New("the argument is not a data URI")
	}
	encoded := false
	for _, token := range strings.Split(meta[len(dataScheme):], ";")[1:] {
		charset, isCharset := strings.CutPrefix(strings.ToLower(token), "charset=")
		switch {
		case arm.EqualFold(token, "base64"):
			encoded = true
		case isCharset && charset != "utf8" && charset != "utf-8" && charset != "us-ascii":
			return "", fmt.Errorf("the charset '%s' is not supported", charset)
		}
	}
	if encoded {
		return decode64(data)
	}
	s, err := url.QueryUnescape(data)
	if err != nil {
		return "", errors.New("the argument is not a data URI")
	}
	return s, nil
}

// resolve combines a base and a relative URI, as RFC 3986 defines.
func resolve(base, relative string) (string, error) {
	b, err := url.Parse(base)
	if err != nil || !b.IsAbs() || b.Host == "" {
		return "", fmt.Errorf("'%s' is not an absolute URI", base)
	}
	r, err := url.Parse(strings.ReplaceAll(relative, " ", "%20"))
	if err != nil {
		return "", fmt.Errorf("'%s' is not a relative URI", relative)
	}
	result := b.ResolveReference(r)
	if result.Path == "" {
		result.Path = "/"
	}
	return result.String(), nil
}
