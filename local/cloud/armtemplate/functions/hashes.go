package functions

import (
	"encoding/binary"
	"math/bits"

	"github.com/google/uuid"
)

// guid is a UUID of version 5 in the namespace that Microsoft documents for guid().
func guid(text string) string {
	return uuid.NewSHA1(uuid.UUID{0x11, 0xfb, 0x06, 0xfb, 0x71, 0x2d, 0x4d, 0xdd, 0x98, 0xc7, 0xe7, 0x1b, 0xbd, 0x58, 0x88, 0x30}, []byte(text)).String()
}

// uniqueString is a hash of 64 bits in base 32.
func uniqueString(text string) string {
	const digits = "abcdefghijklmnopqrstuvwxyz234567"
	hash := murmur(text)
	result := make([]byte, 13)
	for i := range result {
		result[i] = digits[hash>>59]
		hash <<= 5
	}
	return string(result)
}

// Multipliers of the hash.
const (
	first  = 0x239b961b
	second = 0xab0e9789
)

// murmur is the variant of MurmurHash 3 with two lanes of 32 bits that Azure uses.
func murmur(text string) uint64 {
	data := []byte(text)
	var a, b uint32
	for ; len(data) >= 8; data = data[8:] {
		a ^= mix(binary.LittleEndian.Uint32(data), first, second, 15)
		a = (bits.RotateLeft32(a, 19)+b)*5 + 0x561ccd1b
		b ^= mix(binary.LittleEndian.Uint32(data[4:]), second, first, 17)
		b = (bits.RotateLeft32(b, 13)+a)*5 + 0x0bcaa747
	}
	if len(data) > 0 {
		var rest [8]byte
		copy(rest[:], data)
		a ^= mix(binary.LittleEndian.Uint32(rest[:]), first, second, 15)
		b ^= mix(binary.LittleEndian.Uint32(rest[4:]), second, first, 17)
	}
	size := uint32(len(text))
	a ^= size
	b ^= size
	a += b
	b += a
	a, b = scatter(a), scatter(b)
	a += b
	b += a
	return uint64(b)<<32 | uint64(a)
}

func mix(k, by, then uint32, turn int) uint32 { return bits.RotateLeft32(k*by, turn) * then }

func scatter(h uint32) uint32 {
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}
