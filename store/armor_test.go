package store

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
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
			back, err := armor(nil, unarmor([]byte(text), deepestArmor), deepestArmor)
			if err != nil || string(back) != text {
				t.Fatalf("%d: %v\n%q\nwant\n%q", n, err, back, text)
			}
		}
	}
}

func TestKeysAreKeptAsWhatDeterminesThem(t *testing.T) {
	for _, bits := range []int{1024, 2048, 3072} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		der := x509.MarshalPKCS1PrivateKey(key)
		// As older releases made them: the exponent's inverse for the product.
		p1, q1 := new(big.Int).Sub(key.Primes[0], big.NewInt(1)), new(big.Int).Sub(key.Primes[1], big.NewInt(1))
		var older privateKey
		if _, err := asn1.Unmarshal(der, &older); err != nil {
			t.Fatal(err)
		}
		older.D = new(big.Int).ModInverse(older.E, new(big.Int).Mul(p1, q1))
		olderDER, err := asn1.Marshal(older)
		if err != nil {
			t.Fatal(err)
		}
		for what, der := range map[string][]byte{"least": der, "product": olderDER} {
			text := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der}))
			for _, text := range []string{text, "key: " + base64.StdEncoding.EncodeToString([]byte(text)) + "\n"} {
				segments := unarmor([]byte(text), deepestArmor)
				back, err := armor(nil, segments, deepestArmor)
				if err != nil || string(back) != text {
					t.Fatalf("%d bits, %s: %v", bits, what, err)
				}
				if most := bits/8 + 120; len(segments) > most {
					t.Errorf("%d bits, %s: %d bytes, want at most %d", bits, what, len(segments), most)
				}
			}
			wrong := bytes.Clone(der)
			wrong[len(wrong)-1]++ // of the last number
			if _, ok := shortKey(wrong); ok {
				t.Errorf("%d bits, %s: a key whose numbers do not belong together is taken for one", bits, what)
			}
		}
	}
}

func FuzzArmor(f *testing.F) {
	f.Add([]byte("-----BEGIN KEY-----\n" + strings.Repeat("QUJD", 40) + "\n"))
	f.Add(wrapped(nil, bytes.Repeat([]byte{1}, 500), inLines))
	f.Add([]byte{20<<kindBits | keyInLines, 0, 3, 8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, text []byte) {
		back, err := armor(nil, unarmor(text, deepestArmor), deepestArmor)
		if err != nil || !bytes.Equal(back, text) {
			t.Fatalf("%v: %q became %q", err, text, back)
		}
		_, _ = armor(nil, text, deepestArmor) // whatever it is it ends
	})
}
