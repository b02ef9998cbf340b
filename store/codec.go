package store

import (
	"bytes"
	"context"
	"reflect"
	"sync"

	"github.com/ugorji/go/codec"

	"github.com/aro-rp/aro/model"
)

// documents turns documents into JSON and back. Encoding is deterministic but
// for sealed secrets. Members that a struct does not know go through
// model.Unknown, at every depth.
type documents struct {
	keys *Keyring
	// observe is told of every document that cannot be read.
	observe func(context.Context, Sighting, *UnreadableError)
	// keysFail reports why the keys are not those of the database; nil when they are.
	keysFail func(context.Context) error

	encoders sync.Pool // of *encoder
	decoders sync.Pool // of *codec.Decoder
	viewers  sync.Pool // of *codec.Decoder that leave secrets empty
}

func newDocuments(keys *Keyring) *documents {
	d := &documents{keys: keys}
	d.observe = func(context.Context, Sighting, *UnreadableError) {}
	d.keysFail = func(context.Context) error { return nil }
	whole, view := newHandle(text{}), newHandle(blind{})
	d.encoders.New = func() any { return &encoder{Encoder: codec.NewEncoderBytes(nil, whole)} }
	d.decoders.New = func() any { return codec.NewDecoderBytes(nil, whole) }
	d.viewers.New = func() any { return codec.NewDecoderBytes(nil, view) }
	return d
}

func newHandle(secrets codec.InterfaceExt) *codec.JsonHandle {
	h := &codec.JsonHandle{HTMLCharsAsIs: true}
	h.Canonical = true
	h.MapType = reflect.TypeFor[map[string]any]()
	// Bodies are never written to again, so strings may point into them.
	h.ZeroCopy = true
	if err := h.SetInterfaceExt(reflect.TypeFor[model.Secret](), 1, secrets); err != nil {
		panic(err) // only for types that cannot have an extension
	}
	return h
}

// encoder writes into its buffer, which grows to the size of usual documents.
type encoder struct {
	*codec.Encoder
	buffer []byte
}

// encode writes the document of that container, id and partition.
func (d *documents) encode(at place, doc any) ([]byte, error) {
	sealed, err := replaceSecrets(doc, func(path string, plain model.Secret) (model.Secret, error) {
		at.path = path
		return model.Secret(d.keys.seal(string(plain), at)), nil
	})
	if err != nil {
		return nil, err
	}
	e := d.encoders.Get().(*encoder)
	defer d.encoders.Put(e)
	e.ResetBytes(&e.buffer)
	if err := e.Encode(sealed); err != nil {
		return nil, err
	}
	return bytes.Clone(e.buffer), nil
}

// decode fills doc from body, which must not be changed afterwards: the strings
// of doc point into it.
func (d *documents) decode(at place, body []byte, doc any) error {
	if err := decodeWith(&d.decoders, body, doc); err != nil {
		return err
	}
	opened, err := replaceSecrets(doc, func(path string, sealed model.Secret) (model.Secret, error) {
		at.path = path
		plain, err := d.keys.open(string(sealed), at)
		if err != nil {
			return "", &sealError{path, err}
		}
		return model.Secret(plain), nil
	})
	whole := reflect.ValueOf(doc).Elem()
	if err != nil {
		whole.SetZero() // rather than with sealed text in the place of secrets
		return err
	}
	whole.Set(reflect.ValueOf(opened).Elem())
	return nil
}

// view is decode but for the secrets, which stay empty. Sealed text is most of a
// cluster's document and the codec looks at every byte of it, so it goes first.
func (d *documents) view(body []byte, doc any) error {
	return decodeWith(&d.viewers, d.keys.cut(body), doc)
}

func decodeWith(decoders *sync.Pool, body []byte, doc any) error {
	r := decoders.Get().(*codec.Decoder)
	defer decoders.Put(r)
	r.ResetBytes(body)
	return r.Decode(doc)
}

// text is the codec's extension for model.Secret, which lets nothing else marshal
// it. What it reads and writes is sealed text. The codec turns its panics into errors.
type text struct{}

func (text) ConvertExt(v any) any { return string(v.(model.Secret)) }

func (text) UpdateExt(dst any, v any) {
	sealed, ok := v.(string)
	if !ok {
		panic(errNotSealed)
	}
	*dst.(*model.Secret) = model.Secret(sealed)
}

// blind is the extension for views: sealed text is passed over.
type blind struct{}

func (blind) ConvertExt(any) any { panic(errView) }

func (blind) UpdateExt(any, any) {}
