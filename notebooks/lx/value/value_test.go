package value_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/notebooks/lx/value"
)

type point struct {
	X, Y int
	name string
}

type celsius float64

func (c celsius) String() string { return fmt.Sprintf("%.1f °C", float64(c)) }

type failing struct{}

func (failing) String() string { panic("no") }

type ring struct{ Next *ring }

type hidden struct{ at celsius }

func ExampleText() {
	fmt.Println(value.Text([]point{{1, 2, "a"}, {3, 4, "b"}}))
	fmt.Println(value.Text([][]float32{{1, 0.5}, {0, 1}}))
	fmt.Println(value.Text(map[string]int{"b": 2, "a": 1}))
	// Output:
	// [{X:1 Y:2 name:"a"} {X:3 Y:4 name:"b"}]
	// [[1 0.5]
	//  [0 1]]
	// map["a":1 "b":2]
}

func TestTextLooksLikeTheValue(t *testing.T) {
	r := &ring{}
	r.Next = r
	self := []any{1, nil}
	self[1] = self
	var noPoint *point
	var noErr error
	for want, v := range map[string]any{
		"2": 1 + 1, "true": true, "0.1": 0.1, "97": 'a', "(1+2i)": 1 + 2i, "NaN": math.NaN(), "text\nas it is": "text\nas it is", "": "", `["a b" "c"]`: []string{"a b", "c"},
		"[]": []int{}, "[1 2]": [2]int8{1, 2}, "[104 105]": []byte("hi"), "map[]": map[int]int(nil), "map[-1:\"a\" 2:\"b\" 10:\"c\"]": map[int]string{10: "c", 2: "b", -1: "a"},
		"map[0.5:1 2.5:2]": map[float64]int{2.5: 2, 0.5: 1}, "map[{X:1 Y:0 name:\"\"}:2]": map[point]int{{X: 1}: 2},
		"{X:1 Y:2 name:\"a\"}": point{1, 2, "a"}, "&{X:1 Y:2 name:\"a\"}": &point{1, 2, "a"}, "<nil>": noPoint, "[&value_test.point{…} <nil>]": []*point{{}, nil},
		"21.5 °C": celsius(21.5), "[21.5 °C 3.0 °C]": []celsius{21.5, 3}, "{at:3}": hidden{3}, "1.5s": 1500 * time.Millisecond, "no such file": errors.New("no such file"),
		"[no]": []error{errors.New("no")}, "[<nil>]": []error{noErr}, "func(int) string": func(int) string { return "" }, "chan int": make(chan int), "[1 \"a\" <nil> [2]]": []any{1, "a", nil, []int{2}},
		"&{Next:&value_test.ring{…}}": r, "%!v(PANIC=String method: no)": failing{},
	} {
		if got := value.Text(v); got != want {
			t.Errorf("%q, expected %q", got, want)
		}
	}
	if got := value.Text(nil); got != "<nil>" {
		t.Errorf("nothing is %q", got)
	}
	if got := value.Text(self); !strings.Contains(got, "…") || len(got) > 200 {
		t.Errorf("a slice that holds itself is %q", got)
	}
}

func TestTextIsBounded(t *testing.T) {
	matrix := make([][]float64, 2000)
	for i := range matrix {
		matrix[i] = make([]float64, 2000)
	}
	numbers := map[int]string{}
	for i := range 100_000 {
		numbers[i] = "number"
	}
	type wide struct{ A, B, C, D [1000]float64 }
	for name, v := range map[string]any{
		"a long string": strings.Repeat("ä", 1<<20), "a long list": make([]int, 1<<24), "a matrix": matrix, "a map": numbers, "a wide struct": wide{},
		"long strings": []string{strings.Repeat("a", 1<<20), "b"}, "a long list of lists": [][]string{make([]string, 1<<20), {"a"}},
	} {
		got := value.Text(v)
		if len(got) > 2*value.Limit || !strings.Contains(got, "…") {
			t.Errorf("%s has %d bytes of text", name, len(got))
		}
	}
	if got := value.Text(make([]int, 1<<24)); !strings.HasPrefix(got, "[0 0 ") || !strings.HasSuffix(got, " of 16777216]") {
		t.Errorf("a long list is %q", got)
	}
	if s := strings.Repeat("a", value.Limit); value.Text(s) != s {
		t.Error("a string that is not too long is cut")
	}
}
