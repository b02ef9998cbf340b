package spec

import (
	"encoding/json"
	"fmt"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
)

// ToOpenAPI3 converts a bundled Swagger 2.0 document to OpenAPI 3.
func ToOpenAPI3(swagger map[string]any) (map[string]any, error) {
	data, err := json.Marshal(swagger)
	if err != nil {
		return nil, err
	}
	var v2 openapi2.T
	if err := json.Unmarshal(data, &v2); err != nil {
		return nil, fmt.Errorf("swagger 2.0: %w", err)
	}
	v3, err := openapi2conv.ToV3(&v2)
	if err != nil {
		return nil, fmt.Errorf("convert to OpenAPI 3: %w", err)
	}
	if data, err = v3.MarshalJSON(); err != nil {
		return nil, err
	}
	var doc object
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	eachSchema(doc, nameNullable)
	return doc, nil
}

// Load returns kin-openapi's form of an OpenAPI 3 document, with references
// resolved.
func Load(doc map[string]any) (*openapi3.T, error) {
	data, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	loaded, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("OpenAPI 3: %w", err)
	}
	return loaded, nil
}

// clone returns a deep copy of a document.
func clone(doc object) (object, error) {
	data, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var c object
	err = json.Unmarshal(data, &c)
	return c, err
}
