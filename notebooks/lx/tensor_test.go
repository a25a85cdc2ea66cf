package lx

import (
	"bytes"
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis"
	"github.com/seed-516990b0/golxmert/lxmert"
)

// counted is a tensor of 0, 1, 2, …
func counted(shape ...int) lxmert.Tensor {
	t := lxmert.NewTensor(shape...)
	for i := range t.Data {
		t.Data[i] = float32(i)
	}
	return t
}

func TestTensorsAreHeatMaps(t *testing.T) {
	for _, c := range []struct {
		of     lxmert.Tensor
		panels []string
		last   float64 // of the last panel
		text   string
	}{
		{counted(), []string{""}, 0, "tensor of shape [], from 0 to 0"},
		{counted(5), []string{""}, 4, "tensor of shape [5], from 0 to 4"},
		{counted(2, 3), []string{""}, 5, "tensor of shape [2 3], from 0 to 5"},
		{counted(2, 2, 3), []string{"0", "1"}, 11, "tensor of shape [2 2 3], from 0 to 11"},
		{counted(2, 2, 1, 1), []string{"0, 0", "0, 1", "1, 0", "1, 1"}, 3, "tensor of shape [2 2 1 1], from 0 to 3"},
	} {
		m, ok := heatOf(c.of)
		if !ok {
			t.Errorf("%v is not a heat map", c.of.Shape)
			continue
		}
		var names []string
		for _, p := range m.Panels {
			names = append(names, p.Name)
		}
		rows := m.Panels[len(m.Panels)-1].Values
		row := rows[len(rows)-1]
		if !slices.Equal(names, c.panels) || row[len(row)-1] != c.last || tensorText(c.of) != c.text {
			t.Errorf("%v: panels %q that end with %v, %q", c.of.Shape, names, row, tensorText(c.of))
		}
	}
	if m, ok := heatOf(counted(40, 2, 2)); !ok || len(m.Panels) != maxPanels || !strings.Contains(m.Method, "the first 16 of 40") {
		t.Errorf("of 40 panels there are %d, %q", len(m.Panels), m.Method)
	}
	masked := counted(2, 2)
	masked.Data[0], masked.Data[1] = float32(math.Inf(-1)), float32(math.NaN())
	for want, of := range map[string]lxmert.Tensor{
		"tensor of shape [2 2], from 2 to 3, 2 of its 4 numbers NaN or infinite": masked,
		"tensor of shape [2 600], from 0 to 1199":                                counted(2, 600),
		"tensor of shape [0 3]":                                                  counted(0, 3),
		"tensor of shape [3] with 1 numbers, which is not that of its shape":     {Shape: []int{3}, Data: []float32{1}},
	} {
		if s, err := showTensor(of); err != nil || s.text != want || s.html != "" {
			t.Errorf("%+v, %v, expected %q", s, err, want)
		}
	}
}

func TestResultShowsWhatShowDraws(t *testing.T) {
	for _, x := range []any{counted(2, 3), image.NewGray(image.Rect(0, 0, 2, 2)), analysis.Table{Columns: []string{"a"}}} {
		if s, err := shownOf(x); err != nil || !bytes.HasPrefix(s.png, []byte("\x89PNG")) {
			t.Errorf("%T: %v", x, err)
		}
		if !Result(x) {
			t.Errorf("%T is shown as text", x)
		}
	}
	for _, x := range []any{nil, 1, "a", []float64{1}, struct{}{}, image.Point{}, image.Rect(0, 0, 1, 1), image.Black} {
		if Result(x) {
			t.Errorf("%T is drawn", x)
		}
	}
}

func TestRunThatWasFollowedIsNotShownAgain(t *testing.T) {
	cell().ended.Store("shown already", true)
	defer cell().ended.Delete("shown already")
	out := printed(t, func() {
		if !Result(Run{ID: "shown already", Output: "first"}) || !Result(Run{ID: "not yet", Output: "second"}) {
			t.Error("a run is shown as text")
		}
	})
	if strings.Contains(out, "first") || !strings.Contains(out, "second") {
		t.Errorf("%q", out)
	}
}

// printed is what a function writes to standard output.
func printed(t *testing.T, f func()) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	old := os.Stdout
	os.Stdout = file
	defer func() { os.Stdout = old }()
	f()
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
