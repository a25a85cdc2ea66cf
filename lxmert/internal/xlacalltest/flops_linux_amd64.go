//go:build cgo

package xlacalltest

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// product is a dot_general: its attributes, and the types of its operands and its result.
var product = regexp.MustCompile(`(?s)"stablehlo\.dot_general"\((.*?)\} : \(tensor<([^>]*)>, tensor<([^>]*)>\) -> tensor<([^>]*)>`)

var (
	contracted = regexp.MustCompile(`lhs_contracting_dimensions = \[([\d, ]*)\]`)
	number     = regexp.MustCompile(`\d+`)
)

// Share is how much of the arithmetic of a program's matrix products multiplies numbers of one type ("f32", "bf16"), 0 to 1, and
// all of it, 2 for each multiplication with its addition, by the types of both operands.
func Share(t testing.TB, text, dtype string) (share float64, all map[string]float64) {
	t.Helper()
	found := product.FindAllStringSubmatch(text, -1)
	if n := strings.Count(text, "stablehlo.dot_general"); n == 0 || n != len(found) {
		t.Fatalf("%d of %d products are understood", len(found), n)
	}
	all, sum := map[string]float64{}, 0.0
	for _, p := range found {
		left, x := tensor(t, p[2])
		_, y := tensor(t, p[3])
		result, _ := tensor(t, p[4])
		flops := 2.0
		for _, d := range result {
			flops *= d
		}
		axes := contracted.FindStringSubmatch(p[1])
		if axes == nil {
			t.Fatalf("a product over no axes: %s", p[0])
		}
		for _, axis := range number.FindAllString(axes[1], -1) {
			i, err := strconv.Atoi(axis)
			if err != nil || i >= len(left) {
				t.Fatalf("a product over axis %s: %s", axis, p[0])
			}
			flops *= left[i]
		}
		all[x+" x "+y] += flops
		sum += flops
	}
	return all[dtype+" x "+dtype] / sum, all
}

// tensor reads a type such as 32x20xf32.
func tensor(t testing.TB, text string) (dims []float64, dtype string) {
	t.Helper()
	parts := strings.Split(text, "x")
	for _, p := range parts[:len(parts)-1] {
		n, err := strconv.Atoi(p)
		if err != nil {
			t.Fatalf("a tensor of type %s", text)
		}
		dims = append(dims, float64(n))
	}
	return dims, parts[len(parts)-1]
}
