package store

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// Kubeconfigs and keys are binary data in base64, often twice, and the same
// certificates occur in several of them. Compression is ineffective on base64, in
// which the same bytes have three encodings depending on their offset. Text is
// therefore decoded first: unarmor returns segments, each a varint with its length
// and its kind, and its content.
const (
	// plainText is text without decoding.
	plainText = iota
	// oneLine is base64 in one run; its content is segments again.
	oneLine
	// inLines is base64 in lines, as in PEM; its content is binary.
	inLines
	// keyInLines is inLines of an RSA key; its content is what determines that.
	keyInLines

	kindBits = 2
	kindMask = 1<<kindBits - 1
)

const (
	// pemLine is the length of a line in PEM.
	pemLine = 64
	// shortestRun is the minimum length of base64 for a segment.
	shortestRun = 32
	// deepestArmor is the maximum nesting of base64.
	deepestArmor = 2
)

var errArmor = errors.New("the sealed secrets are not in a form that this release reads")

// unarmor returns the segments of text. armor restores the text byte by byte.
func unarmor(text []byte, depth int) (out []byte) {
	plain := 0 // the beginning of text that is not written yet
	for at := 0; at < len(text); {
		kind, end := armored(text, at)
		content, ok := unwrapped(text[at:end], kind)
		if !ok {
			at = max(end, at+1)
			continue
		}
		if kind == oneLine && depth > 0 {
			content = unarmor(content, depth-1)
		} else if kind == oneLine {
			content = segment(nil, plainText, content)
		} else if short, ok := shortKey(content); ok {
			kind, content = keyInLines, short
		}
		out = segment(out, plainText, text[plain:at])
		out = segment(out, kind, content)
		at, plain = end, end
	}
	return segment(out, plainText, text[plain:])
}

func segment(out []byte, kind int, content []byte) []byte {
	if len(content) == 0 && kind == plainText {
		return out
	}
	out = binary.AppendUvarint(out, uint64(len(content))<<kindBits|uint64(kind))
	return append(out, content...)
}

// armored returns the end of the base64 that begins at a place, and whether it is in
// lines.
func armored(text []byte, at int) (kind, end int) {
	end = runEnd(text, at)
	kind = oneLine
	for end-at >= pemLine && (end-at)%(pemLine+1) == pemLine && end+1 < len(text) && text[end] == '\n' {
		next := runEnd(text, end+1)
		if next == end+1 || next > end+1+pemLine {
			break
		}
		kind, end = inLines, next
	}
	return kind, end
}

// runEnd returns the end of the base64 characters from a place on, with padding.
func runEnd(text []byte, at int) int {
	for at < len(text) && isBase64(text[at]) {
		at++
	}
	for n := 0; n < 2 && at < len(text) && text[at] == '='; n++ {
		at++
	}
	return at
}

func isBase64(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/'
}

// unwrapped decodes base64; false if encoding it again would not return the same
// text.
func unwrapped(run []byte, kind int) ([]byte, bool) {
	if len(run) < shortestRun {
		return nil, false
	}
	content := make([]byte, base64.StdEncoding.DecodedLen(len(run)))
	n, err := base64.StdEncoding.Decode(content, run) // ignores line ends
	if err != nil {
		return nil, false
	}
	content = content[:n]
	return content, bytes.Equal(wrapped(nil, content, kind), run)
}

// wrapped appends base64 of that kind.
func wrapped(out, content []byte, kind int) []byte {
	const inLine = pemLine / 4 * 3
	for kind == inLines && len(content) > inLine {
		out = append(base64.StdEncoding.AppendEncode(out, content[:inLine]), '\n')
		content = content[inLine:]
	}
	return base64.StdEncoding.AppendEncode(out, content)
}

// armor appends the text of segments to out.
func armor(out, segments []byte, depth int) ([]byte, error) {
	for len(segments) > 0 {
		head, n := binary.Uvarint(segments)
		if n <= 0 || head>>kindBits > uint64(len(segments)-n) {
			return nil, errArmor
		}
		end := n + int(head>>kindBits)
		content := segments[n:end]
		segments = segments[end:]
		switch kind := int(head & kindMask); {
		case kind == plainText:
			out = append(out, content...)
		case kind == inLines:
			out = wrapped(out, content, inLines)
		case kind == keyInLines:
			der, err := derKey(content)
			if err != nil {
				return nil, err
			}
			out = wrapped(out, der, inLines)
		case kind == oneLine && depth >= 0:
			inner, err := armor(nil, content, depth-1)
			if err != nil {
				return nil, err
			}
			out = wrapped(out, inner, oneLine)
		default:
			return nil, errArmor
		}
	}
	return out, nil
}
