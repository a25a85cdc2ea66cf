package lxmert

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestEditCheckSaysWhatCannotBeChangedSo(t *testing.T) {
	c := LXR955()
	one := Tensor{Shape: []int{1, 1, 1, 1}, Data: []float32{1}}
	for _, x := range []struct {
		of   string
		edit Edit
		want string
	}{
		{"x.0.ti", Edit{Op: Cut, Value: one}, ""},
		{"l.8.tt", Edit{Op: Cut, Value: Tensor{Shape: []int{1, 1, 1, 3}, Data: []float32{0, 1, 0}}}, ""},
		{"hid.t.0", Edit{Op: Set, Value: one, Mask: one}, ""},
		{"x.0.ti.score", Edit{Op: Add, Value: one}, ""},
		{"x.0.ti.score", Edit{Op: Cut, Value: one}, "x.0.ti.score is not an attention map"},
		{"x.0.ti.ctx", Edit{Op: Cut, Value: one}, "x.0.ti.ctx is not an attention map"},
		{"hid.t.1", Edit{Op: Cut, Value: one}, "hid.t.1 is not an attention map"},
		{"r.0.ii", Edit{Op: Cut, Value: Tensor{Shape: []int{1, 1, 2, 2}, Data: []float32{1, 1, 2, 1}}}, "value: entry [0 0 1 0] is 2"},
		{"r.0.ii", Edit{Op: Cut, Value: Tensor{Shape: []int{1, 1, 1, 2}, Data: []float32{1, float32(math.NaN())}}}, "value: entry [0 0 0 1] is NaN"},
		{"r.0.ii", Edit{Op: Cut, Value: Tensor{Shape: []int{1, 1, 1, 2}, Data: []float32{1}}}, "does not fit 1 values"},
		{"r.0.ii", Edit{Op: Cut}, "does not fit 0 values"},
		{"r.0.ii", Edit{Op: Cut, Value: one, Mask: one}, "only Set has a mask"},
		{"r.0.ii", Edit{Op: Multiply, Value: one, Mask: one}, "only Set has a mask"},
		{"r.0.ii", Edit{Op: Cut + 1, Value: one}, "no operation 4"},
		{"r.0.ii", Edit{Op: -1, Value: one}, "no operation -1"},
	} {
		found, err := c.Find(x.of)
		if err != nil {
			t.Fatal(err)
		}
		err = x.edit.Check(found[0])
		if (err == nil) != (x.want == "") || !strings.Contains(fmt.Sprint(err), x.want) && x.want != "" {
			t.Errorf("%s, %+v: error %v, expected %q", x.of, x.edit, err, x.want)
		}
	}
}
