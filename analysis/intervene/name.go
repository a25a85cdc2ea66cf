package intervene

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// names are words or regions that a name stands for.
type names struct {
	stream analysis.Stream
	at     []int
	whole  bool // all of the stream
}

func streamName(s analysis.Stream) string {
	if s == analysis.RegionStream {
		return "region"
	}
	return "word"
}

// named finds whom a name stands for; see [Change].
func (q *asked) named(row int, name string) (names, error) {
	name = strings.TrimSpace(name)
	switch name {
	case "words":
		return names{analysis.WordStream, analysis.Present(analysis.ValidWords(q.b, row)), true}, nil
	case "regions":
		return names{analysis.RegionStream, analysis.PresentRegions(q.b, row), true}, nil
	}
	for _, s := range []analysis.Stream{analysis.WordStream, analysis.RegionStream} {
		rest, ok := strings.CutPrefix(name, streamName(s)+" ")
		if !ok {
			continue
		}
		at, err := q.of(row, s, strings.TrimSpace(rest))
		if err == nil && at == nil {
			err = q.nobody(row, name, s)
		}
		return names{stream: s, at: at}, err
	}
	words, regions := analysis.PositionsOf(q.b, row, name), q.objects(row, name)
	switch {
	case words != nil && regions != nil:
		return names{}, fmt.Errorf(`%q is a word and the detector's name of a region: say "word %s" or "region %s"`, name, name, name)
	case words != nil:
		return names{stream: analysis.WordStream, at: words}, nil
	case regions != nil:
		return names{stream: analysis.RegionStream, at: regions}, nil
	}
	return names{}, q.nobody(row, name, analysis.WordStream, analysis.RegionStream)
}

// find is [asked.named] for several names of one stream. A name that might be of either stream is one of it.
func (q *asked) find(row int, s analysis.Stream, all ...string) ([]int, error) {
	var at []int
	for _, name := range all {
		if s == analysis.RegionStream {
			if regions := q.objects(row, strings.TrimSpace(name)); regions != nil {
				at = append(at, regions...)
				continue
			}
		}
		n, err := q.named(row, name)
		if err == nil && n.stream != s {
			err = fmt.Errorf("%q is a %s, not a %s", name, streamName(n.stream), streamName(s))
		}
		if err != nil {
			return nil, err
		}
		at = append(at, n.at...)
	}
	return at, nil
}

// one is the one region that a name stands for.
func (q *asked) one(row int, name string) (int, error) {
	at, err := q.find(row, analysis.RegionStream, name)
	switch {
	case err == nil && len(at) == 0:
		err = fmt.Errorf("%q: the picture has no regions", name)
	case err == nil && len(at) > 1:
		err = fmt.Errorf("%q stands for %d regions, must be one: say which, such as \"region %d\"", name, len(at), at[0])
	}
	if err != nil {
		return 0, err
	}
	return at[0], nil
}

// of finds a position, or a name, within one stream.
func (q *asked) of(row int, s analysis.Stream, name string) ([]int, error) {
	valid := analysis.ValidWords(q.b, row)
	if s == analysis.RegionStream {
		valid = analysis.ValidRegions(q.b, row)
	}
	if i, err := strconv.Atoi(name); err == nil {
		if i < 0 || i >= len(valid) || !valid[i] {
			return nil, fmt.Errorf("there is no %s %d; there are %d", streamName(s), i, len(analysis.Present(valid)))
		}
		return []int{i}, nil
	}
	if s == analysis.RegionStream {
		return q.objects(row, name), nil
	}
	return analysis.PositionsOf(q.b, row, name), nil
}

// objects are the regions that the detector calls so, or the one of a name and a number as figures write them.
func (q *asked) objects(row int, name string) (at []int) {
	if row >= len(q.b.Images) {
		return nil
	}
	objects := q.b.Images[row].Objects
	for v, there := range analysis.ValidRegions(q.b, row) {
		if there && v < len(objects) && objects[v] != "" && (name == objects[v] || name == objects[v]+" "+strconv.Itoa(v)) {
			at = append(at, v)
		}
	}
	return at
}

// nobody says what there is instead of a name.
func (q *asked) nobody(row int, name string, streams ...analysis.Stream) error {
	var have []string
	add := func(s string) {
		if s != "" && !slices.Contains(have, s) {
			have = append(have, s)
		}
	}
	if slices.Contains(streams, analysis.WordStream) && row < len(q.b.Words) {
		w := q.b.Words[row]
		for t, valid := range analysis.ValidWords(q.b, row) {
			if valid {
				add(analysis.WordAt(w, t))
			}
		}
	}
	if slices.Contains(streams, analysis.RegionStream) && row < len(q.b.Images) {
		for v, there := range analysis.ValidRegions(q.b, row) {
			if objects := q.b.Images[row].Objects; there && v < len(objects) {
				add(objects[v])
			}
		}
	}
	if have == nil {
		return fmt.Errorf(`nothing is called %q: nobody has named the words and regions here, so say "word 3" or "region 7"`, name)
	}
	return fmt.Errorf(`nothing is called %q; there are %s, and by position "word 3" or "region 7"`, name, strings.Join(have, ", "))
}
