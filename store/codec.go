package store

import (
	"bytes"
	"reflect"
	"sync"

	"github.com/ugorji/go/codec"

	"github.com/aro-rp/aro/model"
)

// documents turns documents into JSON and back. Encoding is deterministic but
// for sealed secrets. Members that a struct does not know go through
// model.Unknown, at every depth.
type documents struct {
	keys     *Keyring
	encoders sync.Pool // of *encoder
	decoders sync.Pool // of *codec.Decoder
	viewers  sync.Pool // of *codec.Decoder that leave secrets empty
}

func newDocuments(keys *Keyring) *documents {
	d := &documents{keys: keys}
	whole, view := newHandle(sealer{keys}), newHandle(blind{})
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

func (d *documents) encode(doc any) ([]byte, error) {
	e := d.encoders.Get().(*encoder)
	defer d.encoders.Put(e)
	e.ResetBytes(&e.buffer)
	if err := e.Encode(doc); err != nil {
		return nil, err
	}
	return bytes.Clone(e.buffer), nil
}

// decode fills doc from body, which must not be changed afterwards: the strings
// of doc point into it.
func (d *documents) decode(body []byte, doc any) error { return decodeWith(&d.decoders, body, doc) }

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

// sealer is the codec's extension for model.Secret. The codec turns its panics into errors.
type sealer struct{ keys *Keyring }

func (s sealer) ConvertExt(v any) any { return s.keys.seal(string(v.(model.Secret))) }

func (s sealer) UpdateExt(dst any, v any) {
	sealed, ok := v.(string)
	if !ok {
		panic(errNotSealed)
	}
	plain, err := s.keys.open(sealed)
	if err != nil {
		panic(err)
	}
	*dst.(*model.Secret) = model.Secret(plain)
}

// blind is the extension for views: sealed text is passed over.
type blind struct{}

func (blind) ConvertExt(any) any { panic(errView) }

func (blind) UpdateExt(any, any) {}
