package store

import (
	"bytes"
	"encoding/asn1"
	"encoding/binary"
	"math/big"
)

// An RSA key in PKCS #1 has eight numbers, of which two primes and the public exponent
// determine the others. Nothing compresses them: they look random.

// privateKey is RFC 8017's RSAPrivateKey for two primes.
type privateKey struct {
	Version                int
	N, E, D, P, Q          *big.Int
	Dp, Dq, QInv           *big.Int
	AdditionalPrimeNumbers asn1.RawValue `asn1:"optional"`
}

// Which multiple of the orders modulo the primes the private exponent is the inverse
// for. Go and OpenSSL take the least one; older releases of both took the product.
const (
	leastMultiple = iota
	product
)

// Keys of up to 8192 bits are shortened.
const longestShortKey = 2*512 + 16

// shortKey is what determines a key in DER; false if derKey would not restore it byte
// by byte.
func shortKey(der []byte) ([]byte, bool) {
	var k privateKey
	if rest, err := asn1.Unmarshal(der, &k); err != nil || len(rest) > 0 || k.Version != 0 || k.E.Sign() <= 0 || k.P.Sign() <= 0 || k.Q.Sign() <= 0 || !k.E.IsUint64() {
		return nil, false
	}
	for exponent := range product + 1 {
		short := binary.AppendUvarint([]byte{byte(exponent)}, k.E.Uint64())
		p := k.P.Bytes()
		short = append(binary.AppendUvarint(short, uint64(len(p))), p...)
		short = append(short, k.Q.Bytes()...)
		if restored, err := derKey(short); err == nil && bytes.Equal(restored, der) {
			return short, true
		}
	}
	return nil, false
}

// derKey reverses shortKey.
func derKey(short []byte) ([]byte, error) {
	if len(short) < 4 || len(short) > longestShortKey {
		return nil, errArmor
	}
	e, n := binary.Uvarint(short[1:])
	if n <= 0 {
		return nil, errArmor
	}
	first, second, ok := unframed(short[1+n:])
	if !ok {
		return nil, errArmor
	}
	one := big.NewInt(1)
	p, q := new(big.Int).SetBytes(first), new(big.Int).SetBytes(second)
	if p.Cmp(one) <= 0 || q.Cmp(one) <= 0 {
		return nil, errArmor
	}
	k := privateKey{E: new(big.Int).SetUint64(e), P: p, Q: q, N: new(big.Int).Mul(p, q)}
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	order := new(big.Int).Mul(p1, q1)
	if short[0] == leastMultiple {
		order.Div(order, new(big.Int).GCD(nil, nil, p1, q1))
	}
	k.D, k.QInv = new(big.Int).ModInverse(k.E, order), new(big.Int).ModInverse(q, p)
	if k.D == nil || k.QInv == nil {
		return nil, errArmor
	}
	k.Dp, k.Dq = new(big.Int).Mod(k.D, p1), new(big.Int).Mod(k.D, q1)
	der, err := asn1.Marshal(k)
	if err != nil {
		return nil, errArmor
	}
	return der, nil
}
