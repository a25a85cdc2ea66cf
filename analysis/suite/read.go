package suite

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"slices"
	"strconv"
	"strings"
)

// This file reads the benchmarks' own files.

func pairs(r io.Reader, _ string) iter.Seq2[Item, error] {
	return lines(r, func(_ int, x Item) (Item, bool) { return x, true })
}

// baseName is the name of a file without its folder and suffix.
func baseName(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	return strings.TrimSuffix(name, path.Ext(name))
}

// oneOf is a text, or the first of a list of texts: both are in published files.
type oneOf string

func (s *oneOf) UnmarshalJSON(raw []byte) error {
	var all []string
	if json.Unmarshal(raw, &all) == nil && len(all) > 0 {
		*s = oneOf(all[0])
		return nil
	}
	return json.Unmarshal(raw, (*string)(s))
}

// valse leaves out what annotators did not confirm, as published: at least two of three chose the caption alone.
func valse(r io.Reader, name string) iter.Seq2[Item, error] {
	type entry struct {
		Image   string `json:"image_file"`
		Caption oneOf  `json:"caption"`
		Foil    oneOf  `json:"foil"`
		Votes   struct {
			Caption int `json:"caption"`
		} `json:"mturk"`
	}
	return object(r, func(key string, x entry) (Item, bool) {
		return Item{ID: key, Group: baseName(name), Images: []string{x.Image}, Sentences: []string{string(x.Caption), string(x.Foil)}}, x.Votes.Caption >= 2
	})
}

func sugarcrepe(r io.Reader, name string) iter.Seq2[Item, error] {
	type entry struct {
		Image   string `json:"filename"`
		Caption string `json:"caption"`
		Wrong   string `json:"negative_caption"`
	}
	return object(r, func(key string, x entry) (Item, bool) {
		return Item{ID: key, Group: baseName(name), Images: []string{x.Image}, Sentences: []string{x.Caption, x.Wrong}}, true
	})
}

func aro(r io.Reader, _ string) iter.Seq2[Item, error] {
	type entry struct {
		Image      string   `json:"image_path"`
		Right      string   `json:"true_caption"`
		Wrong      string   `json:"false_caption"`
		Relation   string   `json:"relation_name"`
		Attributes []string `json:"attributes"`
	}
	return list(r, func(n int, x entry) (Item, bool) {
		group := x.Relation
		if group == "" {
			group = strings.Join(x.Attributes, "_")
		}
		return Item{ID: strconv.Itoa(n - 1), Group: group, Images: []string{x.Image}, Sentences: []string{x.Right, x.Wrong}}, true
	})
}

func winoground(r io.Reader, _ string) iter.Seq2[Item, error] {
	type entry struct {
		ID       json.Number `json:"id"`
		Image0   string      `json:"image_0"`
		Image1   string      `json:"image_1"`
		Caption0 string      `json:"caption_0"`
		Caption1 string      `json:"caption_1"`
		Tag      string      `json:"collapsed_tag"`
	}
	return lines(r, func(n int, x entry) (Item, bool) {
		if x.ID == "" {
			x.ID = json.Number(strconv.Itoa(n - 1))
		}
		for i, name := range []*string{&x.Image0, &x.Image1} {
			if *name == "" {
				*name = fmt.Sprintf("ex_%s_img_%d", x.ID, i)
			}
		}
		return Item{ID: string(x.ID), Group: x.Tag, Images: []string{x.Image0, x.Image1}, Sentences: []string{x.Caption0, x.Caption1}}, true
	})
}

func vsr(r io.Reader, _ string) iter.Seq2[Item, error] {
	type entry struct {
		Image    string `json:"image"`
		Caption  string `json:"caption"`
		Label    int    `json:"label"`
		Relation string `json:"relation"`
	}
	return lines(r, func(_ int, x entry) (Item, bool) {
		return Item{Group: x.Relation, Images: []string{x.Image}, Sentences: []string{x.Caption}, Right: [][]int{{x.Label}}}, true
	})
}

// svoRow is a row of svo_probes.csv.
type svoRow struct {
	sentence, positive, negative string
	kind                         string // of the difference; "" if there are several
	verb                         string
}

// svoRows reads svo_probes.csv.
func svoRows(r io.Reader) iter.Seq2[svoRow, error] {
	return func(yield func(svoRow, error) bool) {
		in := csv.NewReader(r)
		in.FieldsPerRecord, in.LazyQuotes = -1, true
		header, err := in.Read()
		if err != nil {
			yield(svoRow{}, fmt.Errorf("%w: the file must be a CSV with a header: %w", ErrItem, err))
			return
		}
		column := map[string]int{}
		for _, name := range []string{"sentence", "pos_triplet", "pos_image_id", "neg_image_id", "subj_neg", "verb_neg", "obj_neg"} {
			if column[name] = slices.Index(header, name); column[name] < 0 {
				yield(svoRow{}, fmt.Errorf("%w: the header has no %s", ErrItem, name))
				return
			}
		}
		for n := 2; ; n++ {
			row, err := in.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil && len(row) < len(header) {
				err = fmt.Errorf("%d fields, the header has %d", len(row), len(header))
			}
			if err != nil {
				yield(svoRow{}, fmt.Errorf("%w: line %d: %w", ErrItem, n, err))
				return
			}
			x := svoRow{sentence: row[column["sentence"]], positive: imageNumber(row[column["pos_image_id"]]), negative: imageNumber(row[column["neg_image_id"]])}
			if triplet := strings.Split(row[column["pos_triplet"]], ","); len(triplet) == 3 {
				x.verb = strings.TrimSpace(triplet[1])
			}
			kinds := 0
			for _, kind := range []string{"subj", "verb", "obj"} {
				if strings.EqualFold(row[column[kind+"_neg"]], "true") {
					x.kind, kinds = kind, kinds+1
				}
			}
			if kinds != 1 {
				x.kind = ""
			}
			if !yield(x, nil) {
				return
			}
		}
	}
}

// imageNumber is an image's id as a whole number: tables write 17 as "17.0".
func imageNumber(text string) string { return strings.TrimSuffix(text, ".0") }

func svo(r io.Reader, _ string) iter.Seq2[Item, error] {
	return fromRows(r, func(x svoRow) (Item, bool) {
		return Item{Group: x.kind, Images: []string{x.positive, x.negative}, Sentences: []string{x.sentence}, Right: [][]int{{1, 0}}}, x.kind != ""
	})
}

func fromRows(r io.Reader, item func(x svoRow) (Item, bool)) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		n := 1
		for x, err := range svoRows(r) {
			if n++; err != nil {
				yield(Item{}, err)
				return
			}
			if !give(yield, n, "line", x, func(_ int, x svoRow) (Item, bool) { return item(x) }) {
				return
			}
		}
	}
}

// maskedVerbs hides the verb of each sentence, with the picture that it belongs to, each pair once.
func maskedVerbs(r io.Reader, _ string) iter.Seq2[Item, error] {
	seen := map[string]bool{}
	return fromRows(r, func(x svoRow) (Item, bool) {
		verb := ""
		for _, word := range strings.FieldsFunc(strings.ToLower(x.sentence), func(c rune) bool { return strings.ContainsRune(" ,.;:!?\"", c) }) {
			if slices.Contains(forms(strings.ToLower(x.verb)), word) {
				verb = word
				break
			}
		}
		key := x.sentence + "|" + x.positive
		if verb == "" || seen[key] {
			return Item{}, false
		}
		seen[key] = true
		return Item{Images: []string{x.positive}, Sentences: []string{x.sentence}, Mask: verb}, true
	})
}

// forms are the regular forms of a verb.
func forms(verb string) []string {
	if len(verb) < 2 {
		return nil
	}
	stem, last := strings.TrimSuffix(verb, "e"), verb[len(verb)-1:]
	all := []string{verb, verb + "s", verb + "es", verb + "ed", verb + "ing", stem + "ed", stem + "ing", verb + last + "ed", verb + last + "ing"}
	if y, ok := strings.CutSuffix(verb, "y"); ok {
		all = append(all, y+"ies", y+"ied")
	}
	return all
}

// retrieval is one item of all pictures and sentences.
func retrieval(r io.Reader, name string) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		type entry struct {
			Image    string   `json:"image"`
			Captions captions `json:"caption"`
		}
		all, of := Item{ID: baseName(name)}, []int{}
		for x, err := range list(r, func(_ int, x entry) (Item, bool) { return Item{Images: []string{x.Image}, Sentences: x.Captions}, true }) {
			if err != nil {
				yield(Item{}, err)
				return
			}
			for _, sentence := range x.Sentences {
				all.Sentences, of = append(all.Sentences, sentence), append(of, len(all.Images))
			}
			all.Images = append(all.Images, x.Images...)
		}
		for _, at := range of {
			row := make([]int, len(all.Images))
			row[at] = 1
			all.Right = append(all.Right, row)
		}
		give(yield, 1, "file", all, func(_ int, x Item) (Item, bool) { return x, true })
	}
}

// captions are several sentences, or one.
type captions []string

func (c *captions) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*c = captions{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(c))
}
