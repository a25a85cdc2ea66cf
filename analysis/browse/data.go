package browse

import (
	"encoding/base64"
	"fmt"
	"math"
	"strings"
	"unicode/utf16"

	"github.com/seed-516990b0/golxmert/analysis/internal/jsonnumber"
	"github.com/seed-516990b0/golxmert/internal/shell"
)

// payload is what the scripts know of all examples.
type payload struct {
	IDs      []string      `json:"ids"`
	Texts    []string      `json:"texts"`
	Images   []any         `json:"images"` // the number of the example's picture, or a list of those
	Several  bool          `json:"several"`
	Spans    [][]int       `json:"spans,omitempty"` // in UTF-16, as scripts count letters
	Pictures []pictureData `json:"pictures"`
	Objects  []string      `json:"objects"`
	Columns  []columnData  `json:"columns"`
	Methods  []string      `json:"methods"`
	Total    int           `json:"total"`
	Ask      string        `json:"ask,omitempty"`
	Folder   string        `json:"folder"`         // of the page, as the command names it
	Linked   bool          `json:"linked"`         // links lead to files beside the page
	Cell     bool          `json:"cell,omitempty"` // the page is in a notebook
}

type pictureData struct {
	ID      string `json:"id"`
	Width   int    `json:"w,omitempty"`
	Height  int    `json:"h,omitempty"`
	Boxes   []byte `json:"b,omitempty"`
	Objects []int  `json:"o,omitempty"` // in payload.Objects
	File    string `json:"f,omitempty"` // address of the picture itself, from the page
	Shown   int    `json:"t,omitempty"` // 1: the page has it
}

type columnData struct {
	Name    string             `json:"name"`
	Unit    string             `json:"unit,omitempty"`
	Numbers jsonnumber.Rounded `json:"numbers,omitzero"` // without: it is names
	Names   []string           `json:"names"`
	At      []int              `json:"at"` // the name of each example
}

// index gives names numbers in the order in which they come.
type index struct {
	names []string
	at    map[string]int
}

func (x *index) of(name string) int {
	k, ok := x.at[name]
	if !ok {
		if x.at == nil {
			x.at = map[string]int{}
		}
		k = len(x.names)
		x.at[name], x.names = k, append(x.names, name)
	}
	return k
}

// pack makes of a listing what the page brings, and returns the ids of its pictures in their order.
func (l *Listing) pack(folder string, linked bool) (p *payload, ids []string) {
	p = &payload{IDs: []string{}, Texts: []string{}, Images: []any{}, Pictures: []pictureData{}, Objects: []string{}, Columns: []columnData{}, Methods: []string{},
		Total: max(l.Total, len(l.Examples)), Folder: folder, Linked: linked}
	if l.Ask != nil {
		p.Ask = shell.Line(l.Ask)
	}
	p.Methods = append(p.Methods, l.Methods...)
	var pictures, objects index
	for i := range l.Examples {
		e := &l.Examples[i]
		p.IDs, p.Texts = append(p.IDs, e.ID), append(p.Texts, e.Text)
		list := []int{}
		for _, id := range e.Images {
			list = append(list, pictures.of(id))
		}
		if len(list) == 1 {
			p.Images = append(p.Images, list[0])
		} else {
			p.Images = append(p.Images, list)
			p.Several = p.Several || len(list) > 1
		}
		if len(l.Methods) > 0 {
			p.Spans = append(p.Spans, units(e.Text, e.Spans))
		}
	}
	for _, id := range pictures.names {
		d := pictureData{ID: id}
		if known := l.Pictures[id]; known != nil {
			d.Width, d.Height, d.Boxes = known.Width, known.Height, known.Boxes
			for _, name := range known.Objects {
				d.Objects = append(d.Objects, objects.of(name))
			}
		}
		p.Pictures = append(p.Pictures, d)
	}
	p.Objects = append(p.Objects, objects.names...)
	for _, c := range l.Columns {
		d := columnData{Name: c.Name, Unit: c.Unit, Numbers: c.Numbers}
		if c.Numbers == nil {
			names := index{names: []string{}}
			d.At = []int{}
			for _, text := range c.Texts {
				d.At = append(d.At, names.of(text))
			}
			d.Names = names.names
		}
		p.Columns = append(p.Columns, d)
	}
	return p, pictures.names
}

// units are places in a text, in UTF-16 units instead of bytes.
func units(text string, spans []int) []int {
	out := make([]int, len(spans))
	for k, at := range spans {
		out[k] = len(utf16.Encode([]rune(text[:at])))
	}
	return out
}

// scores are a line for each example: of each method and picture the largest number of the words, that of the regions, how many words
// there are, and a byte for each word and region, a 127th of the largest; -128 stands for what is not defined.
func (l *Listing) scores() string {
	var b strings.Builder
	explained := false
	for i := range l.Examples {
		if i > 0 {
			b.WriteByte('\n')
		}
		for m, results := range l.Examples[i].Scores {
			for g, r := range results {
				if m+g > 0 {
					b.WriteByte(';')
				}
				words, regions := limit(r.Words), limit(r.Regions)
				bytes := append(steps(r.Words, words), steps(r.Regions, regions)...)
				fmt.Fprintf(&b, "%.3g,%.3g,%d,%s", words, regions, len(r.Words), base64.StdEncoding.EncodeToString(bytes))
				explained = true
			}
		}
	}
	if !explained {
		return ""
	}
	return b.String()
}

func limit(values []float64) (largest float64) {
	for _, x := range values {
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			largest = max(largest, math.Abs(x))
		}
	}
	return largest
}

func steps(values []float64, limit float64) []byte {
	out := make([]byte, len(values))
	for i, x := range values {
		switch {
		case math.IsNaN(x) || math.IsInf(x, 0):
			out[i] = 0x80 // -128
		case limit > 0:
			out[i] = byte(int8(math.Round(127 * x / limit)))
		}
	}
	return out
}
