package probe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis"
)

// Item is a word or a region whose states are probed, or a sentence or a picture, and what is known about it.
type Item struct {
	Picture string // groups rows: no picture is in both the training and the test part

	Word     string // a word as it stands in the sentence, in lower case; "" for all others
	Sentence string // a whole sentence, in lower case; "" for all others
	Shown    string // of a sentence that was shown with its own picture "matched", with another one "foil"; "" for all others

	Box               [4]float64 // of a region, x0 y0 x1 y1, 0 to 1
	Object, Attribute string     // what the detector calls the region; "" where it does not

	// Objects, Attributes and Boxes are those of all regions of the picture.
	Objects, Attributes []string
	Boxes               [][4]float64
}

// Lexicon is what the detector calls things in all pictures that are probed, word by word, in lower case.
type Lexicon struct{ Objects, Attributes map[string]bool }

// Task is something that may be read from a state. Its labels come from what every user has: the detector's labels, boxes and
// words.
type Task struct {
	Name   string
	Stream analysis.Stream
	// Pooled: what is probed is the mean state of a sentence's words (without [CLS] and [SEP]), or of a picture's regions.
	Pooled bool
	// Foils: of the sentences half, drawn, are shown with the picture of another question, so the model runs once more.
	Foils bool
	About string // a phrase
	// Label is the label of an item, and the type for which the control task draws one; not ok: the item has none.
	Label func(it Item, l Lexicon) (label, kind string, ok bool)
	// Number, in the place of Label, is a number that is made a label by thirds of the training part: small, medium, large.
	Number func(it Item) (x float64, kind string, ok bool)
}

// rows are where a task's items come from.
type rows struct {
	stream analysis.Stream
	pooled bool
	foils  bool
}

func (t Task) rows() rows { return rows{t.Stream, t.Pooled, t.Foils} }

// Tasks are all tasks. Control tasks of what the detector says draw a label for each pair of object and attribute: one for
// each object would be the task itself under other names. Those of whole sentences and pictures draw one for each sentence or picture:
// none of the test part was seen, so they say what remembering gives, which is little.
func Tasks() []Task {
	return []Task{
		{Name: "object", Stream: analysis.RegionStream, About: "the detector's object of a region",
			Label: func(it Item, _ Lexicon) (string, string, bool) {
				return it.Object, it.Attribute + " " + it.Object, it.Object != ""
			}},
		{Name: "attribute", Stream: analysis.RegionStream, About: "the detector's attribute of a region",
			Label: func(it Item, _ Lexicon) (string, string, bool) {
				return it.Attribute, it.Attribute + " " + it.Object, it.Attribute != ""
			}},
		{Name: "position", Stream: analysis.RegionStream, About: "in which ninth of the picture a region's middle lies",
			Label: func(it Item, _ Lexicon) (string, string, bool) {
				return ninth(it.Box), it.Attribute + " " + it.Object, it.Object != ""
			}},
		{Name: "size", Stream: analysis.RegionStream, About: "the area of a region, in thirds",
			Number: func(it Item) (float64, string, bool) {
				return (it.Box[2] - it.Box[0]) * (it.Box[3] - it.Box[1]), it.Attribute + " " + it.Object, it.Object != ""
			}},
		{Name: "word-class", Stream: analysis.WordStream, About: "whether a word names objects, attributes, or something else",
			Label: func(it Item, l Lexicon) (string, string, bool) {
				return wordClass(it.Word, l), it.Word, it.Word != "" && len(l.Objects) > 0
			}},
		{Name: "present", Stream: analysis.WordStream, About: "whether the picture has an object that a word names",
			Label: func(it Item, l Lexicon) (string, string, bool) {
				found := "no"
				if len(named(it)) > 0 {
					found = "yes"
				}
				return found, it.Word, l.Objects[it.Word]
			}},
		{Name: "named-attribute", Stream: analysis.WordStream, About: "the attribute of the only region whose object a word names",
			Label: func(it Item, _ Lexicon) (string, string, bool) {
				at := named(it)
				if len(at) != 1 || at[0] >= len(it.Attributes) || it.Attributes[at[0]] == "" {
					return "", "", false
				}
				return it.Attributes[at[0]], it.Word + " " + it.Attributes[at[0]], true
			}},
		{Name: "named-position", Stream: analysis.WordStream, About: "in which ninth of the picture the only region lies whose object a word names",
			Label: func(it Item, _ Lexicon) (string, string, bool) {
				at := named(it)
				if len(at) != 1 || at[0] >= len(it.Boxes) {
					return "", "", false
				}
				cell := ninth(it.Boxes[at[0]])
				return cell, it.Word + " " + cell, true
			}},
		{Name: "question-type", Stream: analysis.WordStream, Pooled: true, About: "how a sentence begins: its first word, of \"how\" the first two",
			Label: func(it Item, _ Lexicon) (string, string, bool) {
				words := strings.Fields(it.Sentence)
				switch {
				case len(words) == 0:
					return "", "", false
				case words[0] == "how" && len(words) > 1:
					return "how " + words[1], it.Sentence, true
				}
				return words[0], it.Sentence, true
			}},
		{Name: "object-count", Stream: analysis.RegionStream, Pooled: true, About: "how many different objects the detector finds in a picture, in thirds",
			Number: func(it Item) (float64, string, bool) {
				different := map[string]bool{}
				for _, object := range it.Objects {
					if object != "" {
						different[object] = true
					}
				}
				return float64(len(different)), it.Picture, len(different) > 0
			}},
		{Name: "matched", Stream: analysis.WordStream, Pooled: true, Foils: true, About: "whether a sentence was shown with its own picture or with a foil, that of another question",
			Label: func(it Item, _ Lexicon) (string, string, bool) { return it.Shown, it.Sentence, it.Shown != "" }},
	}
}

// FindTasks finds tasks by their names; none: all but those with foils, which take another run of the model.
func FindTasks(names ...string) ([]Task, error) {
	all := Tasks()
	if len(names) == 0 {
		return slices.DeleteFunc(all, func(t Task) bool { return t.Foils }), nil
	}
	var found []Task
	for _, name := range names {
		at := -1
		var known []string
		for i, t := range all {
			known = append(known, t.Name)
			if t.Name == name {
				at = i
			}
		}
		if at < 0 {
			return nil, fmt.Errorf("there is no probing task %q; there are %s", name, strings.Join(known, ", "))
		}
		found = append(found, all[at])
	}
	return found, nil
}

// named are the regions of an item's picture whose object its word names.
func named(it Item) []int {
	var at []int
	for v, object := range it.Objects {
		if it.Word != "" && strings.ToLower(object) == it.Word {
			at = append(at, v)
		}
	}
	return at
}

func wordClass(word string, l Lexicon) string {
	switch {
	case l.Objects[word]:
		return "object"
	case l.Attributes[word]:
		return "attribute"
	}
	return "other"
}

// ninth names the cell of a grid of three by three in which the middle of a box lies.
func ninth(box [4]float64) string {
	third := func(x float64) int { return min(2, max(0, int(3*x))) }
	row := [3]string{"top", "middle", "bottom"}[third((box[1]+box[3])/2)]
	return row + " " + [3]string{"left", "centre", "right"}[third((box[0]+box[2])/2)]
}

// lexiconOf collects what the detector calls things.
func lexiconOf(items []Item) Lexicon {
	l := Lexicon{map[string]bool{}, map[string]bool{}}
	for _, it := range items {
		for _, side := range []struct {
			to    map[string]bool
			names []string
		}{{l.Objects, it.Objects}, {l.Attributes, it.Attributes}} {
			for _, name := range side.names {
				for _, word := range strings.Fields(strings.ToLower(name)) {
					side.to[word] = true
				}
			}
		}
	}
	return l
}
