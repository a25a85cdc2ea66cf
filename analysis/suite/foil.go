package suite

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// This file is FOIL-COCO (Shekhar et al. 2017) and its three tasks: is a caption right, which of its words is wrong, and which word is
// the right one in its place.

// foilCaption is an annotation of a file of FOIL. Target and Word are "ORIG" where the caption is right.
type foilCaption struct {
	ID      int64  `json:"id"`
	Image   int64  `json:"image_id"`
	Caption string `json:"caption"`
	Foil    bool   `json:"foil"`
	Target  string `json:"target_word"` // the word that stood there
	Word    string `json:"foil_word"`   // the one that stands there instead
}

// readFoil reads a whole file, which has the names of the pictures in a list of their own, before or behind the captions.
func readFoil(r io.Reader) (captions []foilCaption, names map[int64]string, err error) {
	var file struct {
		Images []struct {
			ID   int64  `json:"id"`
			Name string `json:"file_name"`
		} `json:"images"`
		Annotations []foilCaption `json:"annotations"`
	}
	if err := json.NewDecoder(r).Decode(&file); err != nil {
		return nil, nil, fmt.Errorf("%w: the file must be a JSON object with images and annotations: %w", ErrItem, reason(err))
	}
	if len(file.Annotations) == 0 {
		return nil, nil, fmt.Errorf("%w: the file must be a JSON object with images and annotations, and has none of these", ErrItem)
	}
	names = map[int64]string{}
	for _, x := range file.Images {
		names[x.ID] = x.Name
	}
	for n, x := range file.Annotations {
		if _, ok := names[x.Image]; !ok {
			return nil, nil, fmt.Errorf("%w: annotation %d is about image %d, which is not in images", ErrItem, n+1, x.Image)
		}
	}
	return file.Annotations, names, nil
}

// foilTask makes items of a file of FOIL; prepare sees all captions before the first item.
func foilTask(prepare func(all []foilCaption) func(x foilCaption) (sentences []string, right []int, ok bool)) func(r io.Reader, _ string) iter.Seq2[Item, error] {
	return func(r io.Reader, _ string) iter.Seq2[Item, error] {
		return func(yield func(Item, error) bool) {
			all, names, err := readFoil(r)
			if err != nil {
				yield(Item{}, err)
				return
			}
			sentences := prepare(all)
			for n, x := range all {
				if !give(yield, n+1, "annotation", x, func(_ int, x foilCaption) (Item, bool) {
					made := Item{ID: strconv.FormatInt(x.ID, 10), Images: []string{names[x.Image]}}
					some, right, ok := sentences(x)
					made.Sentences = some
					for _, y := range right {
						made.Right = append(made.Right, []int{y})
					}
					return made, ok
				}) {
					return
				}
			}
		}
	}
}

// foil is the first task: each caption by itself.
var foil = foilTask(func([]foilCaption) func(foilCaption) ([]string, []int, bool) {
	return func(x foilCaption) ([]string, []int, bool) {
		right := 1
		if x.Foil {
			right = 0
		}
		return []string{x.Caption}, []int{right}, true
	}
})

// foilWord is the second task: of a wrong caption a sentence without each of its content words. The one without the wrong word is right.
var foilWord = foilTask(func([]foilCaption) func(foilCaption) ([]string, []int, bool) {
	return func(x foilCaption) (sentences []string, right []int, ok bool) {
		words := strings.Fields(x.Caption)
		first, last, found := phraseIn(words, x.Word)
		if !x.Foil || !found {
			return nil, nil, false
		}
		for i := 0; i < len(words); i++ {
			end, wrong := i+1, 0
			if i == first {
				end, wrong = last, 1
			} else if functionWords[bare(words[i])] || bare(words[i]) == "" {
				continue
			}
			if rest := slices.Concat(words[:i], words[end:]); len(rest) > 0 {
				sentences, right = append(sentences, strings.Join(rest, " ")), append(right, wrong)
			}
			i = end - 1
		}
		return sentences, right, len(sentences) > 1 && slices.Contains(right, 1)
	}
})

// foilCorrection is the third task: of a wrong caption a sentence with each target word of the file in the place of the wrong word.
var foilCorrection = foilTask(func(all []foilCaption) func(foilCaption) ([]string, []int, bool) {
	var targets []string
	for _, x := range all {
		if word := strings.ToLower(strings.TrimSpace(x.Target)); x.Foil && word != "" && !slices.Contains(targets, word) {
			targets = append(targets, word)
		}
	}
	slices.Sort(targets)
	return func(x foilCaption) (sentences []string, right []int, ok bool) {
		words := strings.Fields(x.Caption)
		first, last, found := phraseIn(words, x.Word)
		if !x.Foil || !found || len(targets) < 2 || x.Target == "" {
			return nil, nil, false
		}
		// What is written at the edges of the wrong word, such as a comma, stays.
		before := words[first][:strings.IndexFunc(words[first], isLetter)]
		after := words[last-1][strings.LastIndexFunc(words[last-1], isLetter):]
		after = strings.TrimLeftFunc(after, isLetter)
		for _, target := range targets {
			if target == strings.ToLower(x.Word) { // it is what is wrong
				continue
			}
			y := 0
			if target == strings.ToLower(strings.TrimSpace(x.Target)) {
				y = 1
			}
			sentences, right = append(sentences, strings.Join(slices.Concat(words[:first], []string{before + target + after}, words[last:]), " ")), append(right, y)
		}
		return sentences, right, len(sentences) > 1 && slices.Contains(right, 1)
	}
})

// isLetter says that a character is a part of a word.
func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// bare is a word without capitals and without what is written at its edges.
func bare(word string) string {
	return strings.ToLower(strings.TrimFunc(word, func(r rune) bool { return !isLetter(r) }))
}

// phraseIn is where a phrase of one or more words first stands among words: from first up to, not including, last.
func phraseIn(words []string, phrase string) (first, last int, ok bool) {
	want := strings.Fields(strings.ToLower(phrase))
	for first = 0; len(want) > 0 && first+len(want) <= len(words); first++ {
		ok = true
		for k, w := range want {
			ok = ok && bare(words[first+k]) == bare(w) && bare(w) != ""
		}
		if ok {
			return first, first + len(want), true
		}
	}
	return 0, 0, false
}

// functionWords are English words of the closed classes: articles, pronouns, prepositions, conjunctions, auxiliary verbs and their like.
// All others of a caption are content words.
var functionWords = func() map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(`a an the this that these those some any no each every another other both all either neither
		i you he she it we they me him her us them my your his its our their who whom whose which what where when while
		of in on at by for with without to from into onto over under above below between among through during before after behind beside
		besides near off out up down around across along against about as like inside outside toward towards upon within next
		and or but nor so yet if than then because though although
		is are was were be been being am has have had having do does did doing can could will would may might must shall should
		not there here very too also just only`) {
		all[w] = true
	}
	return all
}()
