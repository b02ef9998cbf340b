package arm

import (
	"strings"
	"unicode"
)

// EqualFold reports whether two names are equal for ARM, which ignores case. Unlike
// strings.EqualFold, it never matches an ASCII letter with a letter of another
// script, such as the long s or the Kelvin sign.
func EqualFold(a, b string) bool {
	for i := range min(len(a), len(b)) {
		if a[i] >= 0x80 || b[i] >= 0x80 {
			return ToLower(a) == ToLower(b)
		}
		if lowerASCII(a[i]) != lowerASCII(b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}

// ToLower returns a name in lower case. Two names have the same result if and only
// if EqualFold reports true.
func ToLower(s string) string { return strings.Map(lowerRune, s) }

func lowerRune(r rune) rune {
	if r < 0x80 {
		return rune(lowerASCII(byte(r)))
	}
	// Azure compares by upper case: both small sigmas are the same letter.
	if lower := unicode.ToLower(unicode.ToUpper(r)); lower >= 0x80 {
		return lower
	}
	return r
}

func lowerASCII(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
