package functions

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/aro-rp/aro/local/cloud/armtemplate/value"
)

// maxWidth bounds alignments and precisions.
const maxWidth = 1000

// format is the composite formatting of .NET in its invariant culture.
func format(a []any) (any, error) {
	text, ok := a[0].(string)
	if !ok {
		return nil, errors.New("the first argument must be a string")
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case (c == '{' || c == '}') && i+1 < len(text) && text[i+1] == c:
			b.WriteByte(c)
			i += 2
		case c == '}':
			return nil, errors.New("the format has a '}' without '{'; write '}}' for the character")
		case c == '{':
			end := strings.IndexByte(text[i:], '}')
			if end < 0 {
				return nil, errors.New("the format has a '{' without '}'; write '{{' for the character")
			}
			s, err := formatItem(text[i+1:i+end], a[1:])
			if err != nil {
				return nil, err
			}
			b.WriteString(s)
			i += end + 1
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String(), nil
}

// formatItem is an item of a format: index, perhaps a width, perhaps a format of its own.
func formatItem(item string, arguments []any) (string, error) {
	item, layout, _ := strings.Cut(item, ":")
	index, alignment, aligned := strings.Cut(item, ",")
	n, err := strconv.Atoi(strings.TrimSpace(index))
	switch {
	case err != nil || n < 0:
		return "", fmt.Errorf("'{%s}' is not an item of a format", item)
	case n >= len(arguments):
		return "", fmt.Errorf("the format asks for argument %d, there are %d", n, len(arguments))
	}
	s, err := formatted(arguments[n], layout)
	if err != nil {
		return "", err
	}
	if !aligned {
		return s, nil
	}
	width, err := strconv.Atoi(strings.TrimSpace(alignment))
	if err != nil || width > maxWidth || width < -maxWidth {
		return "", fmt.Errorf("'%s' is not an alignment", alignment)
	}
	if missing := max(width, -width) - len(units(s)); missing > 0 && width > 0 {
		s = strings.Repeat(" ", missing) + s
	} else if missing > 0 {
		s += strings.Repeat(" ", missing)
	}
	return s, nil
}

func formatted(v any, layout string) (string, error) {
	switch v := v.(type) {
	case []any, *value.Object:
		return strings.ReplaceAll(value.JSON(v), `"`, "'"), nil
	case int64:
		return formatNumber(new(big.Rat).SetInt64(v), layout, strconv.FormatInt(v, 10), v)
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return "", errors.New("the number is not finite")
		}
		exact, _ := new(big.Rat).SetString(strconv.FormatFloat(v, 'f', -1, 64))
		return formatNumber(exact, layout, strings.TrimSuffix(value.Float(v), ".0"), nil)
	}
	return Text(v), nil
}

// formatNumber writes a number by a format string. plain is the number without one;
// whole is the number as int64 if it is one.
func formatNumber(n *big.Rat, layout, plain string, whole any) (string, error) {
	if layout == "" {
		return plain, nil
	}
	if layout[0] >= 'a' && layout[0] <= 'z' || layout[0] >= 'A' && layout[0] <= 'Z' {
		digits, err := strconv.Atoi(layout[1:])
		if layout[1:] == "" {
			digits, err = -1, nil
		}
		if err == nil && digits <= maxWidth {
			return standardNumber(n, layout[0], digits, plain, whole)
		}
	}
	return customNumber(n, layout)
}

func standardNumber(n *big.Rat, letter byte, digits int, plain string, whole any) (string, error) {
	i, isInt := whole.(int64)
	refused := fmt.Errorf("the number format '%c' is not supported for %s", letter, plain)
	switch letter {
	case 'D', 'd', 'X', 'x':
		if !isInt {
			return "", refused
		}
		s, sign := strconv.FormatUint(magnitude(i), 10), ""
		switch letter {
		case 'X', 'x':
			s = strconv.FormatUint(uint64(i), 16)
			if letter == 'X' {
				s = strings.ToUpper(s)
			}
		default:
			if i < 0 {
				sign = "-"
			}
		}
		return sign + strings.Repeat("0", max(0, digits-len(s))) + s, nil
	case 'G', 'g':
		if digits > 0 && digits < len(strings.Trim(plain, "-")) {
			return "", refused
		}
		return plain, nil
	case 'F', 'f', 'N', 'n':
		if digits < 0 {
			digits = 2
		}
		s := rounded(n, digits)
		if letter == 'N' || letter == 'n' {
			s = grouped(s)
		}
		return s, nil
	case 'P', 'p':
		if digits < 0 {
			digits = 2
		}
		return grouped(rounded(new(big.Rat).Mul(n, big.NewRat(100, 1)), digits)) + " %", nil
	case 'E', 'e':
		if digits < 0 {
			digits = 6
		}
		f, _ := n.Float64()
		s := strconv.FormatFloat(f, letter, digits, 64)
		at := strings.IndexByte(s, letter) + 2
		return s[:at] + strings.Repeat("0", max(0, 3-len(s[at:]))) + s[at:], nil
	}
	return "", refused
}

// rounded writes a number with so many digits after the point, half away from zero.
func rounded(n *big.Rat, digits int) string {
	s := n.FloatString(digits)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return s
}

// grouped puts commas between thousands.
func grouped(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	var b strings.Builder
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteByte(whole[i])
	}
	if fraction != "" {
		return sign + b.String() + "." + fraction
	}
	return sign + b.String()
}

// customNumber writes a number by a pattern of 0, #, comma and point, with text around it.
func customNumber(n *big.Rat, layout string) (string, error) {
	from := strings.IndexAny(layout, "0#")
	to := strings.LastIndexAny(layout, "0#") + 1
	if from < 0 || strings.ContainsAny(layout, `;%‰eE'"\`) || strings.Trim(layout[from:to], "0#,.") != "" || strings.Count(layout[from:to], ".") > 1 || strings.ContainsAny(layout[to:], ",.") || strings.ContainsAny(layout[:from], ",.") {
		return "", fmt.Errorf("the number format '%s' is not supported", layout)
	}
	whole, fraction, _ := strings.Cut(layout[from:to], ".")
	least := strings.Count(whole[max(0, strings.IndexByte(whole, '0')):], "0") + strings.Count(whole[max(0, strings.IndexByte(whole, '0')):], "#")
	if !strings.Contains(whole, "0") {
		least = 0
	}
	s := rounded(n, len(fraction))
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	digits, rest, _ := strings.Cut(s, ".")
	digits = strings.TrimLeft(digits, "0")
	digits = strings.Repeat("0", max(0, least-len(digits))) + digits
	for len(rest) > strings.LastIndexByte(fraction, '0')+1 && strings.HasSuffix(rest, "0") {
		rest = rest[:len(rest)-1]
	}
	if strings.Contains(whole, ",") {
		digits = grouped(digits)
	}
	if rest != "" {
		digits += "." + rest
	}
	return sign + layout[:from] + digits + layout[to:], nil
}
