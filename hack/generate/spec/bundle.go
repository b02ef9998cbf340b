// Package spec converts the published Swagger file of one api-version to the
// OpenAPI 3 document and the schema tree from which code is generated, and fails if
// anything would be lost.
//
// It knows OpenAPI and ARM's keywords. It writes no Go.
package spec

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// object is a JSON object as encoding/json decodes it.
type object = map[string]any

// Bundle reads a Swagger file and copies every definition and parameter that it
// refers to in other files into it, so that all references are local.
func Bundle(path string) (map[string]any, error) {
	root, err := readJSON(path)
	if err != nil {
		return nil, err
	}
	b := bundler{files: map[string]object{path: root}, origin: map[string]string{}, pulled: map[string]any{}}
	for _, section := range []string{"definitions", "parameters"} {
		for name := range member(root, section) {
			b.origin[section+"/"+name] = path
		}
	}
	if err := b.walk(root, path); err != nil {
		return nil, fmt.Errorf("bundle %s: %w", path, err)
	}
	for pointer, value := range b.pulled {
		section, name, _ := strings.Cut(pointer, "/")
		if root[section] == nil {
			root[section] = object{}
		}
		member(root, section)[name] = value
	}
	return root, nil
}

type bundler struct {
	files  map[string]object
	origin map[string]string // "definitions/Resource" → the file it came from
	pulled map[string]any    // the same keys → what was copied from other files
}

// walk makes every reference below node local. Examples are ignored.
func (b *bundler) walk(node any, file string) error {
	switch node := node.(type) {
	case object:
		delete(node, "x-ms-examples")
		if ref, ok := node["$ref"].(string); ok {
			local, err := b.pull(ref, file)
			if err != nil {
				return err
			}
			node["$ref"] = local
		}
		for _, child := range node {
			if err := b.walk(child, file); err != nil {
				return err
			}
		}
	case []any:
		for _, child := range node {
			if err := b.walk(child, file); err != nil {
				return err
			}
		}
	}
	return nil
}

// pull copies the target of ref, relative to file, into the root document.
func (b *bundler) pull(ref, file string) (string, error) {
	target, pointer, ok := strings.Cut(ref, "#/")
	if !ok {
		return "", fmt.Errorf("reference %s: no fragment", ref)
	}
	if target != "" {
		file = filepath.Join(filepath.Dir(file), target)
	}
	section, name, ok := strings.Cut(pointer, "/")
	if !ok || (section != "definitions" && section != "parameters") {
		return "", fmt.Errorf("reference %s: only definitions and parameters can be shared", ref)
	}
	local := "#/" + pointer
	if from, ok := b.origin[pointer]; ok {
		if from != file {
			return "", fmt.Errorf("%s is defined in %s and in %s", pointer, from, file)
		}
		return local, nil
	}
	value, err := b.read(file, section, name)
	if err != nil {
		return "", err
	}
	b.origin[pointer], b.pulled[pointer] = file, value
	return local, b.walk(value, file)
}

func (b *bundler) read(file, section, name string) (any, error) {
	doc := b.files[file]
	if doc == nil {
		var err error
		if doc, err = readJSON(file); err != nil {
			return nil, err
		}
		b.files[file] = doc
	}
	value, ok := member(doc, section)[name]
	if !ok {
		return nil, fmt.Errorf("%s has no %s/%s", file, section, name)
	}
	return value, nil
}

func readJSON(path string) (object, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var doc object
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return doc, nil
}

// member returns the object at key, or an empty one.
func member(o object, key string) object {
	m, _ := o[key].(object)
	return m
}
