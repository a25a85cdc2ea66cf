package layout

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// missing stands for a number that there is not.
const missing = "–"

// Number writes a value with two or three digits.
func Number(x float64) string {
	a := math.Abs(x)
	switch {
	case math.IsNaN(x):
		return missing
	case a >= 100 && a < 1e5 || x == math.Trunc(x) && a < 100:
		return signed(strconv.FormatFloat(x, 'f', 0, 64))
	case a >= 0.095 && a < 100:
		return signed(strconv.FormatFloat(x, 'f', max(0, 1-int(math.Floor(math.Log10(a)))), 64))
	}
	return signed(strconv.FormatFloat(x, 'g', 2, 64))
}

// NumberLike writes a value with the decimals that give the largest of its kind, most, two digits, so that numbers of one
// scale are written alike. The page's scripts do the same.
func NumberLike(x, most float64) string {
	switch {
	case math.IsNaN(x):
		return missing
	case x == 0 || most == 0:
		return signed(strconv.FormatFloat(x, 'f', 0, 64))
	case most >= 1e-3 && most < 1e4:
		return signed(strconv.FormatFloat(x, 'f', max(0, 1-int(math.Floor(math.Log10(most)))), 64))
	}
	return signed(strconv.FormatFloat(x, 'e', 1, 64))
}

// signed gives a number the sign of minus instead of a hyphen, and none if it is zero.
func signed(s string) string {
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return strings.ReplaceAll(s, "-", "−")
}

// Brief is [Number] without zeros at its end.
func Brief(x float64) string {
	s := Number(x)
	if strings.Contains(s, ".") && !strings.Contains(s, "e") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// Entry is a table's entry as text, and whether it is a number. Numbers have three decimals, or two digits if that would be
// less.
func Entry(v any) (text string, number bool) {
	switch v := v.(type) {
	case nil:
		return missing, true
	case bool:
		if v {
			return "yes", false
		}
		return "no", false
	case float64:
		return number3(v), true
	case float32:
		return number3(float64(v)), true
	}
	_, number = analysis.Number(v)
	return fmt.Sprint(v), number
}

func number3(x float64) string {
	if a := math.Abs(x); x != math.Trunc(x) && a >= 0.01 && a < 1000 {
		return signed(strconv.FormatFloat(x, 'f', 3, 64))
	}
	return Number(x)
}
