package store

import (
	"bytes"
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/ugorji/go/codec"

	"github.com/aro-rp/aro/model"
)

// documents encodes documents as JSON and decodes them. Encoding is deterministic
// except for encrypted secrets. Unknown members are kept in model.Unknown, at every
// depth.
type documents struct {
	keys *Keyring
	// observe is called for every document that cannot be read.
	observe func(context.Context, Sighting, *UnreadableError)
	// keysFail returns why the keys are not those of the database; nil if they are.
	keysFail func(context.Context) error

	encoders sync.Pool // of *encoder
	decoders sync.Pool // of *codec.Decoder
	viewers  sync.Pool // of *codec.Decoder that leave secrets empty
	// Those that accept only apart as a secret.
	closedEncoders sync.Pool // of *encoder
	closedDecoders sync.Pool // of *codec.Decoder
}

func newDocuments(keys *Keyring) *documents {
	d := &documents{keys: keys}
	d.observe = func(context.Context, Sighting, *UnreadableError) {}
	d.keysFail = func(context.Context) error { return nil }
	whole, view, closed := newHandle(text{}), newHandle(viewText{}), newHandle(closedText{})
	d.encoders.New = func() any { return &encoder{Encoder: codec.NewEncoderBytes(nil, whole)} }
	d.decoders.New = func() any { return codec.NewDecoderBytes(nil, whole) }
	d.viewers.New = func() any { return codec.NewDecoderBytes(nil, view) }
	d.closedEncoders.New = func() any { return &encoder{Encoder: codec.NewEncoderBytes(nil, closed)} }
	d.closedDecoders.New = func() any { return codec.NewDecoderBytes(nil, closed) }
	return d
}

func newHandle(secrets codec.InterfaceExt) *codec.JsonHandle {
	h := &codec.JsonHandle{HTMLCharsAsIs: true}
	h.Canonical = true
	h.MapType = reflect.TypeFor[map[string]any]()
	// Bodies are never modified, so strings may point into them.
	h.ZeroCopy = true
	if err := h.SetInterfaceExt(reflect.TypeFor[model.Secret](), 1, secrets); err != nil {
		panic(err) // only for types that cannot have an extension
	}
	return h
}

// encoder writes to its buffer, which grows to the size of usual documents.
type encoder struct {
	*codec.Encoder
	buffer []byte
}

// encode writes the document of that container, id and partition to r, with its
// encrypted secrets, or marks them as unchanged.
func (d *documents) encode(at place, doc any, before sealing, r *Record) (err error) {
	r.sealing, r.Secrets, r.SecretsKept = before, before.box, true
	if before.closed || !holdsSecrets(reflect.TypeOf(doc)) {
		r.Body, err = encodeWith(&d.closedEncoders, doc)
		return err
	}
	texts := map[string]string{}
	hollow, err := replaceSecrets(doc, func(path string, plain model.Secret) (model.Secret, error) {
		texts[path] = string(plain)
		return apart, nil
	})
	if err != nil {
		return err
	}
	if err := d.sealApart(at, texts, before, r); err != nil {
		return err
	}
	r.Body, err = encodeWith(&d.encoders, hollow)
	return err
}

// sealApart encrypts the secrets of a document unless they are unchanged.
func (d *documents) sealApart(at place, texts map[string]string, before sealing, r *Record) error {
	if before.opened.holds(texts, d.keys.current.Load().newest) || len(texts) == 0 && before.opened == nil {
		return nil
	}
	r.SecretsKept, r.Secrets, r.sealing = false, nil, sealing{}
	all := texts
	if before.opened != nil && len(before.opened.others) > 0 {
		all = maps.Clone(before.opened.others)
		maps.Copy(all, texts)
	}
	if len(all) == 0 {
		return nil
	}
	box, keyID, err := d.keys.sealBox(all, at)
	if err != nil {
		return err
	}
	r.Secrets = box
	now := &opened{keyID: keyID, texts: all}
	r.sealing = sealing{box: box, opened: now.with(slices.Collect(maps.Keys(texts)))}
	return nil
}

func encodeWith(encoders *sync.Pool, doc any) ([]byte, error) {
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	e.ResetBytes(&e.buffer)
	if err := e.Encode(doc); err != nil {
		return nil, err
	}
	return bytes.Clone(e.buffer), nil
}

// decode sets doc from r, whose body must not be changed afterwards: the strings of
// doc point into it. It returns the encryption state of the secrets.
func (d *documents) decode(at place, r Record, doc any) (sealing, error) {
	now := sealing{box: r.Secrets, opened: r.sealing.opened}
	if err := decodeWith(&d.decoders, r.Body, doc); err != nil {
		return now, err
	}
	var places []string
	whole, err := replaceSecrets(doc, func(path string, stored model.Secret) (_ model.Secret, err error) {
		var text string
		if stored == apart {
			places = append(places, path)
			text, err = d.fromBox(&now, at, path)
		} else {
			inside := at
			inside.path = path
			text, err = d.keys.open(string(stored), inside)
		}
		if err != nil {
			return "", &sealError{path, err}
		}
		return model.Secret(text), nil
	})
	into := reflect.ValueOf(doc).Elem()
	if err != nil {
		into.SetZero() // it would have sealed text as secrets
		return now, err
	}
	into.Set(reflect.ValueOf(whole).Elem())
	if now.opened == nil && now.box != nil {
		// Only a newer release has members for its content, so an error does not
		// matter.
		now.opened, _ = d.keys.openBox(now.box, at)
	}
	now.opened = now.opened.with(places)
	return now, nil
}

// fromBox returns a secret in the box, which it decrypts at the first call.
func (d *documents) fromBox(now *sealing, at place, path string) (string, error) {
	if now.opened == nil {
		if now.box == nil {
			return "", errNoBox
		}
		var err error
		if now.opened, err = d.keys.openBox(now.box, at); err != nil {
			return "", err
		}
	}
	text, found := now.opened.texts[path]
	if !found {
		return "", errNoBox
	}
	return text, nil
}

// close is decode, but every secret is set to apart. It returns ErrSealed for
// documents of an earlier release.
func (d *documents) close(r Record, doc any) (sealing, error) {
	return sealing{box: r.Secrets, closed: true}, decodeWith(&d.closedDecoders, r.Body, doc)
}

// view is decode with empty secrets. Earlier releases stored sealed text in the
// document, which is most of it; it is removed first, because the codec reads every
// byte.
func (d *documents) view(body []byte, doc any) error {
	return decodeWith(&d.viewers, d.keys.cut(body), doc)
}

func decodeWith(decoders *sync.Pool, body []byte, doc any) error {
	r := decoders.Get().(*codec.Decoder)
	defer decoders.Put(r)
	r.ResetBytes(body)
	err := r.Decode(doc)
	if err == nil && !formOf(reflect.TypeOf(doc).Elem()).fits(body) {
		err = errForm
	}
	if err != nil {
		reflect.ValueOf(doc).Elem().SetZero() // instead of a partly decoded document
	}
	return err
}

// text is the codec's extension for model.Secret, which otherwise cannot be
// marshalled. It reads and writes sealed text. The codec converts its panics to
// errors.
type text struct{}

func (text) ConvertExt(v any) any { return string(v.(model.Secret)) }

func (text) UpdateExt(dst any, v any) {
	sealed, ok := v.(string)
	if !ok {
		panic(errNotSealed)
	}
	*dst.(*model.Secret) = model.Secret(sealed)
}

// closedText is the extension for documents whose secrets stay encrypted.
type closedText struct{}

func (closedText) ConvertExt(v any) any {
	if secret := v.(model.Secret); secret != apart && secret != "" {
		panic(ErrSealed)
	}
	return string(v.(model.Secret))
}

func (closedText) UpdateExt(dst any, v any) {
	if v != apart {
		panic(ErrSealed)
	}
	*dst.(*model.Secret) = apart
}

// viewText is the extension for views: it skips sealed text.
type viewText struct{}

func (viewText) ConvertExt(any) any { panic(errView) }

func (viewText) UpdateExt(any, any) {}
