package functions

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// UTCNow formats a time as utcNow() does.
func UTCNow(now time.Time, layout string) (string, error) {
	if layout == "" {
		layout = "yyyyMMddTHHmmssZ"
	}
	return FormatTime(now.UTC(), layout)
}

// defaultLayout of the results of date functions.
const defaultLayout = "yyyy-MM-ddTHH:mm:ssZ"

func dates() []Function {
	return []Function{
		{Name: "dateTimeAdd", Least: 2, Most: 3, Call: dateTimeAdd},
		{Name: "dateTimeFromEpoch", Least: 1, Most: 1, Call: func(a []any) (any, error) {
			n, err := integer(a[0])
			if err != nil {
				return nil, err
			}
			at := time.Unix(n, 0).UTC()
			if at.Year() < 1 || at.Year() > 9999 {
				return nil, fmt.Errorf("%d is beyond the years 1 to 9999", n)
			}
			return FormatTime(at, defaultLayout)
		}},
		onText("dateTimeToEpoch", 1, func(a []string) (any, error) {
			at, err := parseTime(a[0])
			if err != nil {
				return nil, err
			}
			return at.Unix(), nil
		}),
	}
}

func dateTimeAdd(a []any) (any, error) {
	texts, err := allTexts(a)
	if err != nil {
		return nil, err
	}
	at, err := parseTime(texts[0])
	if err != nil {
		return nil, err
	}
	if at, err = add(at, texts[1]); err != nil {
		return nil, err
	}
	layout := defaultLayout
	if len(texts) > 2 && texts[2] != "" {
		layout = texts[2]
	}
	return FormatTime(at, layout)
}

// parseTime reads the forms of ISO 8601 that utcNow() writes. A time without zone is UTC.
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{
		"2006-01-02T15:04:05.9999999Z07:00", "2006-01-02 15:04:05.9999999Z07:00", "2006-01-02T15:04:05.9999999", "2006-01-02 15:04:05.9999999",
		"2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02", "20060102T150405Z", "20060102T150405", time.RFC1123,
	} {
		if at, err := time.Parse(layout, s); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("'%s' is not a time in the form of ISO 8601", s)
}

// duration of ISO 8601.
var duration = regexp.MustCompile(`^(-?)P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:(T)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,7})?)S)?)?$`)

// add adds a duration. Years and months are years and months of the calendar; as .NET
// knows them as 365 and 30 days, too, one for which the two differ is refused.
func add(at time.Time, text string) (time.Time, error) {
	parts := duration.FindStringSubmatch(text)
	if parts == nil || strings.HasSuffix(text, "P") || strings.HasSuffix(text, "T") {
		return at, fmt.Errorf("'%s' is not a duration of ISO 8601, such as P1D or -PT2H", text)
	}
	sign := 1
	if parts[1] == "-" {
		sign = -1
	}
	var n [6]int
	for i, part := range []int{2, 3, 4, 6, 7} {
		if parts[part] == "" {
			continue
		}
		v, err := strconv.Atoi(parts[part])
		if err != nil || v > 10_000_000 {
			return at, fmt.Errorf("the duration '%s' is too long", text)
		}
		n[i] = sign * v
	}
	seconds := 0.0
	if parts[8] != "" {
		var err error
		if seconds, err = strconv.ParseFloat(parts[8], 64); err != nil || seconds > 1e9 {
			return at, fmt.Errorf("the duration '%s' is too long", text)
		}
	}
	moved := at.AddDate(n[0], n[1], 0)
	if !moved.Equal(at.AddDate(0, 0, 365*n[0]+30*n[1])) {
		return at, fmt.Errorf("the duration '%s' is ambiguous at '%s': give its years and months in days", text, at.Format(time.RFC3339))
	}
	moved = moved.AddDate(0, 0, n[2]).Add(time.Duration(n[3])*time.Hour + time.Duration(n[4])*time.Minute + time.Duration(float64(sign)*seconds*1e7)*100)
	if moved.Year() < 1 || moved.Year() > 9999 {
		return at, errors.New("the result is beyond the years 1 to 9999")
	}
	return moved, nil
}

// standardLayouts of .NET, of one letter, in its invariant culture.
var standardLayouts = map[string]string{
	"d": "MM/dd/yyyy", "D": "dddd, dd MMMM yyyy", "f": "dddd, dd MMMM yyyy HH:mm", "F": "dddd, dd MMMM yyyy HH:mm:ss",
	"g": "MM/dd/yyyy HH:mm", "G": "MM/dd/yyyy HH:mm:ss", "m": "MMMM dd", "M": "MMMM dd",
	"o": "yyyy-MM-ddTHH:mm:ss.fffffffK", "O": "yyyy-MM-ddTHH:mm:ss.fffffffK",
	"r": "ddd, dd MMM yyyy HH:mm:ss 'GMT'", "R": "ddd, dd MMM yyyy HH:mm:ss 'GMT'", "s": "yyyy-MM-ddTHH:mm:ss",
	"t": "HH:mm", "T": "HH:mm:ss", "u": "yyyy-MM-dd HH:mm:ss'Z'", "U": "dddd, dd MMMM yyyy HH:mm:ss",
	"y": "yyyy MMMM", "Y": "yyyy MMMM",
}

// FormatTime writes a time of UTC by a standard or custom format string of .NET.
func FormatTime(at time.Time, layout string) (string, error) {
	if len(layout) == 1 {
		standard, ok := standardLayouts[layout]
		if !ok {
			return "", fmt.Errorf("'%s' is not a format of dates", layout)
		}
		layout = standard
	}
	var b strings.Builder
	for i := 0; i < len(layout); {
		c := layout[i]
		n := 1
		for i+n < len(layout) && layout[i+n] == c {
			n++
		}
		switch c {
		case '\'', '"':
			end := strings.IndexByte(layout[i+1:], c)
			if end < 0 {
				return "", errors.New("a quote of the date format is not closed")
			}
			b.WriteString(layout[i+1 : i+1+end])
			i += end + 2
			continue
		case '\\':
			if i+1 >= len(layout) {
				return "", errors.New("the date format ends with a backslash")
			}
			b.WriteByte(layout[i+1])
			i += 2
			continue
		case '%':
			i++
			continue
		}
		part, err := timePart(at, c, n)
		if err != nil {
			return "", err
		}
		b.WriteString(part)
		i += n
	}
	return b.String(), nil
}

// timePart returns the value of n times the letter c in a format.
func timePart(at time.Time, c byte, n int) (string, error) {
	padded := func(v, width int) string { return fmt.Sprintf("%0*d", width, v) }
	switch c {
	case 'd':
		if n > 2 {
			return at.Weekday().String()[:pick(n == 3, 3, len(at.Weekday().String()))], nil
		}
		return padded(at.Day(), n), nil
	case 'M':
		if n > 2 {
			return at.Month().String()[:pick(n == 3, 3, len(at.Month().String()))], nil
		}
		return padded(int(at.Month()), n), nil
	case 'y':
		if n <= 2 {
			return padded(at.Year()%100, n), nil
		}
		return padded(at.Year(), n), nil
	case 'h':
		return padded((at.Hour()+11)%12+1, min(n, 2)), nil
	case 'H':
		return padded(at.Hour(), min(n, 2)), nil
	case 'm':
		return padded(at.Minute(), min(n, 2)), nil
	case 's':
		return padded(at.Second(), min(n, 2)), nil
	case 'f', 'F':
		if n > 7 {
			return "", errors.New("the date format asks for more than seven digits of a second")
		}
		digits := fmt.Sprintf("%07d", at.Nanosecond()/100)[:n]
		if c == 'F' {
			digits = strings.TrimRight(digits, "0")
		}
		return digits, nil
	case 't':
		return at.Format("PM")[:min(n, 2)], nil
	case 'z':
		return []string{"+0", "+00", "+00:00"}[min(n, 3)-1], nil
	case 'K':
		return strings.Repeat("Z", n), nil
	case 'g':
		return "A.D.", nil
	}
	return strings.Repeat(string(c), n), nil
}

func pick(first bool, a, b int) int {
	if first {
		return a
	}
	return b
}
