package store

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

func TestArmorComesBackByteByByte(t *testing.T) {
	binary := bytes.Repeat([]byte{0, 1, 2, 250, 7}, 300)
	for n := range len(binary) {
		in := string(wrapped(nil, binary[:n], inLines))
		pem := "-----BEGIN KEY-----\n" + in + "\n-----END KEY-----\n"
		for _, text := range []string{"", in, pem, "data: " + base64.StdEncoding.EncodeToString([]byte(pem)) + "\nuser: x\n",
			in + "x", in[:len(in)/2], in + "\n" + in, strings.ReplaceAll(in, "\n", "\r\n"), strings.Repeat("=", n), base64.RawURLEncoding.EncodeToString(binary[:n])} {
			back, err := armor(nil, unarmor(nil, []byte(text), deepestArmor), deepestArmor)
			if err != nil || string(back) != text {
				t.Fatalf("%d: %v\n%q\nwant\n%q", n, err, back, text)
			}
		}
	}
}

func FuzzArmor(f *testing.F) {
	f.Add([]byte("-----BEGIN KEY-----\n" + strings.Repeat("QUJD", 40) + "\n"))
	f.Add(wrapped(nil, bytes.Repeat([]byte{1}, 500), inLines))
	f.Fuzz(func(t *testing.T, text []byte) {
		back, err := armor(nil, unarmor(nil, text, deepestArmor), deepestArmor)
		if err != nil || !bytes.Equal(back, text) {
			t.Fatalf("%v: %q became %q", err, text, back)
		}
		_, _ = armor(nil, text, deepestArmor) // whatever it is it ends
	})
}
