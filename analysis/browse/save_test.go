package browse_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/browse"
	"github.com/seed-516990b0/golxmert/analysis/sweep"
)

// TestPicturesStayWithinTheirBytes, whatever they show: noise does not compress.
func TestPicturesStayWithinTheirBytes(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	l := &browse.Listing{}
	for i := range 30 {
		id := fmt.Sprintf("n%d", i)
		m := image.NewGray(image.Rect(0, 0, 300, 200))
		for k := range m.Pix {
			m.Pix[k] = uint8(rng.UintN(256))
		}
		f, err := os.Create(filepath.Join(dir, id+".png"))
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, m); err != nil {
			t.Fatal(err)
		}
		f.Close()
		l.Examples = append(l.Examples, browse.Example{ID: id, Text: id, Images: []string{id}})
	}
	l.Examples = append(l.Examples, browse.Example{ID: "gone", Text: "gone", Images: []string{"gone"}}, browse.Example{ID: "bad", Text: "bad", Images: []string{"bad"}})
	if err := os.WriteFile(filepath.Join(dir, "bad.jpg"), []byte("not a picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	var bare bytes.Buffer
	if _, err := browse.Write(context.Background(), &bare, l, browse.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, most := range []int{20 << 10, 100 << 10, 400 << 10, 4 << 20} {
		var b bytes.Buffer
		w, err := browse.Write(context.Background(), &b, l, browse.Options{Images: dir, PictureBytes: most})
		if err != nil {
			t.Fatal(err)
		}
		const perPicture = 40 // of what the page notes of each
		if b.Len() > bare.Len()+most+perPicture*len(l.Examples) {
			t.Errorf("with %d bytes for pictures the page has %d, without pictures %d", most, b.Len(), bare.Len())
		}
		if w.Bytes != int64(b.Len()) || len(w.Missing) != 1 || w.Missing[0] != "gone" || w.Pictures+w.Omitted+len(w.Unreadable) != 31 {
			t.Errorf("%d bytes: %+v", most, w)
		}
		if most == 4<<20 && (w.Pictures != 30 || len(w.Unreadable) != 1 || !strings.Contains(w.Unreadable[0].Error(), "bad.jpg")) {
			t.Errorf("with room for all: %+v", w)
		}
	}
}

func TestPartsThatDoNotFitAreNamed(t *testing.T) {
	one := []browse.Example{{ID: "a", Text: "ab", Images: []string{"p"}}}
	scored := func(spans []int, r sweep.Result) *browse.Listing {
		return &browse.Listing{Methods: []string{"m"}, Examples: []browse.Example{{ID: "a", Text: "ab", Images: []string{"p"}, Spans: spans, Scores: [][]sweep.Result{{r}}}}}
	}
	for want, l := range map[string]*browse.Listing{
		`column "c" has 2 numbers and 0 texts for 1 examples`: {Examples: one, Columns: []browse.Column{{Name: "c", Numbers: []float64{1, 2}}}},
		"a word is from 1 to 3 of 2 bytes":                    scored([]int{1, 3}, sweep.Result{}),
		"m has 2 words, of which 1 have a place":              scored([]int{0, 1}, sweep.Result{Words: []float64{1, 2}}),
		"1 regions of picture p, whose places are not known":  scored(nil, sweep.Result{Regions: []float64{1}}),
	} {
		_, err := browse.Save(context.Background(), filepath.Join(t.TempDir(), "x.html"), l, browse.Options{})
		if !errors.Is(err, browse.ErrListing) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
