package nodefiles

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"reflect"
	"slices"
	"strings"

	machineconfigurationv1 "github.com/openshift/api/machineconfiguration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Client reads and writes MachineConfigs.
type Client interface {
	Read(context.Context, client.Object) error
	EnsureExactly(context.Context, client.Object) error
}

// Ensure makes a MachineConfig exist as it is given. Nodes restart when its ignition changes, so one
// that says the same in other words stays, such as the installer's or that of an older operator.
func Ensure(ctx context.Context, c Client, config *machineconfigurationv1.MachineConfig) error {
	have := Empty(config.Name, "")
	err := c.Read(ctx, have)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	if err == nil && Same(have.Spec.Config.Raw, config.Spec.Config.Raw) {
		config.Spec.Config = have.Spec.Config
	}
	return c.EnsureExactly(ctx, config)
}

// Same reports whether two ignitions make the same of a node.
func Same(a, b []byte) bool {
	one, readable := meaning(a)
	other, both := meaning(b)
	return readable && both && reflect.DeepEqual(one, other)
}

// meaning is an ignition without what makes no difference: the release of the format, members without
// a value, how contents are encoded, and the order of files and units.
func meaning(raw []byte) (any, bool) {
	var config map[string]any
	if len(raw) == 0 || json.Unmarshal(raw, &config) != nil {
		return nil, false
	}
	if ignition, is := config["ignition"].(map[string]any); is {
		if version, _ := ignition["version"].(string); strings.HasPrefix(version, "3.") {
			delete(ignition, "version")
		}
	}
	return essential(config), true
}

func essential(value any) any {
	switch value := value.(type) {
	case map[string]any:
		decode(value)
		left := map[string]any{}
		for name, member := range value {
			if member = essential(member); member != nil {
				left[name] = member
			}
		}
		if len(left) == 0 {
			return nil
		}
		return left
	case []any:
		var left []any
		for _, item := range value {
			left = append(left, essential(item))
		}
		slices.SortStableFunc(left, func(a, b any) int { return strings.Compare(identity(a), identity(b)) })
		if len(left) == 0 {
			return nil
		}
		return left
	case string:
		if value == "" {
			return nil
		}
	}
	return value
}

// identity is what a file or a unit is known by; other lists keep their order.
func identity(item any) string {
	o, _ := item.(map[string]any)
	if path, is := o["path"].(string); is {
		return path
	}
	name, _ := o["name"].(string)
	return name
}

// decode replaces the URL of contents by what it contains.
func decode(contents map[string]any) {
	source, _ := contents["source"].(string)
	rest, is := strings.CutPrefix(source, "data:")
	if !is {
		return
	}
	form, text, is := strings.Cut(rest, ",")
	data, err := url.PathUnescape(text)
	if is && err == nil && strings.HasSuffix(form, ";base64") {
		var plain []byte
		plain, err = base64.StdEncoding.DecodeString(data)
		data = string(plain)
	}
	if is && err == nil && contents["compression"] == "gzip" {
		data, err = inflate(data)
	}
	if is && err == nil {
		delete(contents, "compression")
		contents["source"] = "data:," + data
	}
}

func inflate(data string) (string, error) {
	reader, err := gzip.NewReader(bytes.NewReader([]byte(data)))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(reader, 1<<20)) // more than a MachineConfig can have
	return string(text), err
}
