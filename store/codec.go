package store

import (
	"reflect"
	"sync"

	"github.com/ugorji/go/codec"

	"github.com/aro-rp/aro/model"
)

// documents turns documents into JSON and back. Encoding is deterministic but
// for sealed secrets. Members that a struct does not know go through
// model.Unknown, at every depth.
type documents struct {
	handle   *codec.JsonHandle
	encoders sync.Pool // of *codec.Encoder
	decoders sync.Pool // of *codec.Decoder
}

func newDocuments(keys *Keyring) *documents {
	h := &codec.JsonHandle{HTMLCharsAsIs: true}
	h.Canonical = true
	h.MapType = reflect.TypeFor[map[string]any]()
	// Bodies are never written to again, so strings may point into them.
	h.ZeroCopy = true
	if err := h.SetInterfaceExt(reflect.TypeFor[model.Secret](), 1, sealer{keys}); err != nil {
		panic(err) // only for types that cannot have an extension
	}
	d := &documents{handle: h}
	d.encoders.New = func() any { return codec.NewEncoderBytes(nil, h) }
	d.decoders.New = func() any { return codec.NewDecoderBytes(nil, h) }
	return d
}

func (d *documents) encode(doc any) ([]byte, error) {
	e := d.encoders.Get().(*codec.Encoder)
	defer d.encoders.Put(e)
	var body []byte
	e.ResetBytes(&body)
	if err := e.Encode(doc); err != nil {
		return nil, err
	}
	return body, nil
}

// decode fills doc from body, which must not be changed afterwards: the strings
// of doc point into it.
func (d *documents) decode(body []byte, doc any) error {
	r := d.decoders.Get().(*codec.Decoder)
	defer d.decoders.Put(r)
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
