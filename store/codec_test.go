package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aro-rp/aro/model"
)

func testKeys(t testing.TB) *Keyring {
	t.Helper()
	keys, err := ParseKeyring([]byte(NewKey()))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// here is where documents of these tests are.
var here = place{container: "Clusters", partition: "p", id: "a"}

// at is the place of a secret in such a document.
func at(path string) place {
	p := here
	p.path = path
	return p
}

// encoded is a document as it is written.
func encoded(t testing.TB, d *documents, doc any, before sealing) Record {
	t.Helper()
	var r Record
	if err := d.encode(here, doc, before, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// decoded reads a record into doc as a driver returns it.
func decoded(d *documents, r Record, doc any) error {
	_, err := d.decode(here, Record{Body: r.Body, Secrets: r.Secrets}, doc)
	return err
}

// sealInline seals as releases did that kept secrets in the document.
func (r *Keyring) sealInline(plain string, at place) string {
	k := r.current.Load().newest
	box := make([]byte, k.aead.NonceSize())
	_, _ = rand.Read(box)
	return k.bound + base64.RawURLEncoding.EncodeToString(k.aead.Seal(box, box, []byte(plain), at.binding(k.bound)))
}

func TestMembersOfANewerReleaseSurviveAtEveryDepth(t *testing.T) {
	d := newDocuments(testKeys(t))
	unknown := map[string]string{
		"text": `"new <&> text é\u2028"`, "zero": `0`, "no": `false`, "none": `null`, "empty": `""`,
		"largest": `18446744073709551615`, "smallest": `-9223372036854775808`, "fraction": `0.1`, "huge": `1e+300`,
		"object": `{"a":{"b":[1,{"c":null}]},"1":2}`, "list": `[[],{},"x"]`,
	}
	documents := map[string]struct {
		doc      any
		template string
	}{
		"document":          {&ClusterDocument{}, `{"id":"a","partition":"p",X}`},
		"nested struct":     {&ClusterDocument{}, `{"id":"a","partition":"p","cluster":{"properties":{"clusterProfile":{X}}}}`},
		"pointer to struct": {&ClusterDocument{}, `{"id":"a","partition":"p","cluster":{"systemData":{X}}}`},
		"map value":         {&ClusterDocument{}, `{"id":"a","partition":"p","cluster":{"identity":{"userAssignedIdentities":{"k":{X}}}}}`},
		"slice element":     {&ClusterDocument{}, `{"id":"a","partition":"p","cluster":{"properties":{"workerProfiles":[{X}]}}}`},
		"recursive slice":   {&OperationDocument{}, `{"id":"a","partition":"p","operation":{"error":{"details":[{"details":[{X}]}]}}}`},
	}
	for name, test := range documents {
		t.Run(name, func(t *testing.T) {
			var members []string
			for k, v := range unknown {
				members = append(members, `"`+k+`":`+v)
			}
			body := strings.Replace(test.template, "X", strings.Join(members, ","), 1)
			now, err := d.decode(here, Record{Body: []byte(body)}, test.doc)
			if err != nil {
				t.Fatal(err)
			}
			assertContains(t, []byte(body), encoded(t, d, test.doc, now).Body)
		})
	}
}

// assertContains fails unless every member of want is in got, with the same
// value; numbers are compared exactly.
func assertContains(t *testing.T, want, got []byte) {
	t.Helper()
	if path := missing(parse(t, want), parse(t, got), "$"); path != "" {
		t.Errorf("%s was lost or changed in\n%s", path, got)
	}
}

func parse(t *testing.T, body []byte) any {
	t.Helper()
	r := json.NewDecoder(bytes.NewReader(body))
	r.UseNumber()
	var v any
	if err := r.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

func missing(want, got any, path string) string {
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for k := range w {
			value, found := g[k]
			if !found {
				return path + "." + k
			}
			if p := missing(w[k], value, path+"."+k); p != "" {
				return p
			}
		}
		return ""
	case []any:
		g, _ := got.([]any)
		if len(g) != len(w) {
			return path
		}
		for i := range w {
			if p := missing(w[i], g[i], path+"[]"); p != "" {
				return p
			}
		}
		return ""
	case json.Number:
		g, _ := got.(json.Number)
		a, _ := w.Float64()
		b, _ := g.Float64()
		if w != g && (a != b || strings.ContainsAny(string(w), ".e") != strings.ContainsAny(string(g), ".e")) {
			return path
		}
		return ""
	}
	if !reflect.DeepEqual(want, got) {
		return path
	}
	return ""
}

func TestEncodingIsDeterministic(t *testing.T) {
	d := newDocuments(testKeys(t))
	body := []byte(`{"id":"a","partition":"p","z":1,"b":{"y":1,"x":2},"a":3,"cluster":{"tags":{"q":"1","c":"2","m":"3"}}}`)
	var first []byte
	for range 50 {
		var doc ClusterDocument
		if err := decoded(d, Record{Body: body}, &doc); err != nil {
			t.Fatal(err)
		}
		out := encoded(t, d, &doc, sealing{}).Body
		if first == nil {
			first = out
		}
		if !bytes.Equal(first, out) {
			t.Fatalf("two encodings:\n%s\n%s", first, out)
		}
	}
}

func TestTimesKeepTheirNanoseconds(t *testing.T) {
	d := newDocuments(testKeys(t))
	at := time.Date(2026, 11, 21, 3, 4, 5, 123456789, time.UTC)
	out := encoded(t, d, &BillingDocument{Billing: model.Billing{CreatedAt: &at}}, sealing{}).Body
	if !bytes.Contains(out, []byte(`"2026-11-21T03:04:05.123456789Z"`)) {
		t.Errorf("time is not RFC 3339 with nanoseconds in %s", out)
	}
	var back BillingDocument
	if err := decoded(d, Record{Body: out}, &back); err != nil {
		t.Fatal(err)
	}
	if back.Billing.CreatedAt == nil || !back.Billing.CreatedAt.Equal(at) {
		t.Errorf("read back %v", back.Billing.CreatedAt)
	}
}

func TestSecretsAreSealedAndOpened(t *testing.T) {
	old, young := NewKey(), NewKey()
	plain := "canary-\"quoted\"\n-secret"
	doc := &ClusterDocument{}
	doc.Cluster.Properties.ClusterProfile.PullSecret = model.Secret(plain)
	sealed := encoded(t, newDocuments(mustParse(t, old)), doc, sealing{})
	if bytes.Contains(sealed.Body, []byte("canary")) || bytes.Contains(sealed.Secrets, []byte("canary")) {
		t.Error("the secret lies open")
	}
	if bytes.Contains(sealed.Body, []byte("adminKubeconfig")) {
		t.Errorf("empty secret is written in %s", sealed.Body)
	}

	rotated := newDocuments(mustParse(t, young+"\n"+old))
	var back ClusterDocument
	now, err := rotated.decode(here, Record{Body: sealed.Body, Secrets: sealed.Secrets}, &back)
	if err != nil {
		t.Fatal(err)
	}
	if string(back.Cluster.Properties.ClusterProfile.PullSecret) != plain {
		t.Error("the secret changed on its way")
	}
	resealed := encoded(t, rotated, &back, now)
	if resealed.SecretsKept {
		t.Error("the secret stays sealed with the old key")
	}
	if err := decoded(newDocuments(mustParse(t, young)), resealed, &ClusterDocument{}); err != nil {
		t.Errorf("the newest key does not open what was written after rotation: %v", err)
	}
	if again := encoded(t, rotated, &back, resealed.sealing); !again.SecretsKept || !bytes.Equal(again.Secrets, resealed.Secrets) {
		t.Error("secrets that have not changed are sealed again")
	}

	err = decoded(newDocuments(mustParse(t, NewKey())), resealed, &ClusterDocument{})
	if id := boxKey(resealed.Secrets); err == nil || !strings.Contains(err.Error(), id) || !errors.Is(err, errKeyMissing) {
		t.Errorf("unknown key: %v does not name %s", err, id)
	}
}

// TestSecretsOfANewerReleaseSurvive, which this one has no place for.
func TestSecretsOfANewerReleaseSurvive(t *testing.T) {
	keys := testKeys(t)
	d := newDocuments(keys)
	box, _, err := keys.sealBox(map[string]string{"cluster.internal.new": "canary-new", "cluster.internal.sshKey": "canary-key"}, here)
	if err != nil {
		t.Fatal(err)
	}
	body := `{"id":"a","partition":"p","cluster":{"internal":{"new":"v3.apart","sshKey":"v3.apart"}}}`
	r := Record{Body: []byte(body), Secrets: box}
	for _, key := range []model.Secret{"canary-key", "canary-other", ""} {
		var doc ClusterDocument
		before, err := d.decode(here, r, &doc)
		if err != nil {
			t.Fatal(err)
		}
		doc.Cluster.Internal.SSHKey = key
		r = encoded(t, d, &doc, before)
		opened, err := keys.openBox(r.Secrets, here)
		if err != nil || opened.texts["cluster.internal.new"] != "canary-new" || opened.texts["cluster.internal.sshKey"] != string(key) {
			t.Errorf("after a write of %d bytes: %v", len(key), err)
		}
		if !bytes.Contains(r.Body, []byte(`"new":"v3.apart"`)) {
			t.Errorf("its place is gone: %s", r.Body)
		}
	}
}

// TestDocumentsAreChangedWithTheirSecretsClosed, as long as those do not change.
func TestDocumentsAreChangedWithTheirSecretsClosed(t *testing.T) {
	d := newDocuments(testKeys(t))
	doc := &ClusterDocument{}
	doc.Cluster.Internal.SSHKey = "canary"
	stored := encoded(t, d, doc, sealing{})
	var closed ClusterDocument
	before, err := d.close(stored, &closed)
	if err != nil {
		t.Fatal(err)
	}
	closed.Cluster.Location = "x"
	r := encoded(t, d, &closed, before)
	if !r.SecretsKept || !bytes.Contains(r.Body, []byte(`"sshKey":"v3.apart"`)) || !bytes.Contains(r.Body, []byte(`"location":"x"`)) {
		t.Errorf("written %s", r.Body)
	}
	closed.Cluster.Internal.AdminKubeconfig = "new"
	if err := d.encode(here, &closed, before, &r); !errors.Is(err, ErrSealed) {
		t.Errorf("a secret that was set without the others: %v", err)
	}
	inline := []byte(`{"cluster":{"internal":{"sshKey":"v2.00000000.x"}}}`)
	if _, err := d.close(Record{Body: inline}, &ClusterDocument{}); !errors.Is(err, ErrSealed) {
		t.Errorf("an earlier release's document: %v", err)
	}
}

func TestAPlainOrDamagedSecretIsRefused(t *testing.T) {
	keys := testKeys(t)
	sealed := keys.sealInline("canary", at("cluster.internal.kubeadminPassword"))
	for name, text := range map[string]string{
		"plain":     "canary",
		"cut":       sealed[:len(sealed)-4],
		"too short": sealed[:13],
		"flipped":   sealed[:len(sealed)-4] + "AAAA",
		"a number":  "",
	} {
		value := `"` + text + `"`
		if text == "" {
			value = "17"
		}
		body := `{"cluster":{"internal":{"kubeadminPassword":` + value + `}}}`
		var doc ClusterDocument
		err := decoded(newDocuments(keys), Record{Body: []byte(body)}, &doc)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: error %v", name, err)
		}
		if doc.Cluster.Internal.KubeadminPassword != "" {
			t.Errorf("%s: was opened", name)
		}
	}
}

func TestKeyringErrorsNameTheLineAndNotTheKey(t *testing.T) {
	good := NewKey()
	for name, test := range map[string]struct{ text, want string }{
		"no key":     {"# nothing\n\n", "no key"},
		"not base64": {good + "\n%%%canary%%%\n", "line 2: not base64"},
		"short":      {"Y2FuYXJ5\n", "line 1: key has 6 bytes"},
		"twice":      {good + "\n# again\n" + good, "line 3"},
	} {
		_, err := ParseKeyring([]byte(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), good) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func mustParse(t *testing.T, text string) *Keyring {
	t.Helper()
	keys, err := ParseKeyring([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// TestRetriesEndWhenTheContextDoes: the error contains that of the last try.
func TestRetriesEndWhenTheContextDoes(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := RetryOnPreconditionFailed(ctx, func() error { return ErrPreconditionFailed })
	if !errors.Is(err, ErrPreconditionFailed) || ctx.Err() == nil {
		t.Errorf("got %v", err)
	}
}

func FuzzDocumentsSurviveARewrite(f *testing.F) {
	d := newDocuments(testKeys(f))
	f.Add([]byte(`{"id":"a","new":[1,{"x":null}],"cluster":{"tags":{"a":"b"},"properties":{"workerProfiles":[{"count":3,"z":1e3}]}}}`))
	f.Add([]byte(`{"cluster":null,"due":0.5,"leaseFence":-1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if !json.Valid(body) || !utf8.Valid(body) {
			return
		}
		var doc, again ClusterDocument
		if decoded(d, Record{Body: bytes.Clone(body)}, &doc) != nil {
			return
		}
		once := encoded(t, d, &doc, sealing{}).Body
		if err := decoded(d, Record{Body: once}, &again); err != nil {
			t.Fatalf("%v in %s", err, once)
		}
		if !json.Valid(once) {
			t.Fatalf("not JSON: %s", once)
		}
		if twice := encoded(t, d, &again, sealing{}).Body; !bytes.Equal(once, twice) {
			t.Fatalf("rewritten to\n%s\nthen to\n%s", once, twice)
		}
	})
}

func TestAnUnreadableDocumentIsPushedBackFurtherEachTime(t *testing.T) {
	for before, want := range map[string]time.Duration{
		`{"due":0}`: time.Minute, `{"due":-5}`: time.Minute, `{"due":-1e300}`: time.Minute, `{"due":1e300}`: 10 * time.Minute,
		`{}`: time.Minute, `{"due":"soon"}`: time.Minute, `{"due":null}`: time.Minute, `no JSON`: time.Minute, `[]`: time.Minute,
		`{"due":60}`: 2 * time.Minute, `{"due":120}`: 4 * time.Minute, `{"due":240}`: 8 * time.Minute,
		`{"due":480}`: 10 * time.Minute, `{"due":600}`: 10 * time.Minute, `{"due":3600}`: 10 * time.Minute,
	} {
		if got := asideOf([]byte(before)); got != want {
			t.Errorf("%s is set aside for %s, want %s", before, got, want)
		}
	}
}
