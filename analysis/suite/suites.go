package suite

import (
	"fmt"
	"io"
	"iter"
	"strings"
)

// Suite is a benchmark: how its files are read, and what is measured.
type Suite struct {
	Name, About string
	Layout      string // what the reader of its files was written from
	// Items reads a file; name is that of the file, of which some suites take the group.
	Items  func(r io.Reader, name string) iter.Seq2[Item, error]
	Length int // the most word pieces of a sentence, as published; 0: those of LXMERT, 20
	// Notes say what of the published evaluation is different here.
	Notes    []string
	Measures []Measure
}

// Suites are all of them.
func Suites() []Suite {
	return []Suite{
		{Name: "pairs", About: "your own pairs and groups, as JSON lines", Layout: "defined here: see the package's documentation", Items: pairs, Measures: []Measure{right, pairwise, accuracy}},
		{Name: "valse", About: "VALSE: captions and foils of one linguistic phenomenon per file", Layout: "the benchmark's code and description", Items: valse, Length: 30,
			Measures: []Measure{valseAccuracy, captionFits, foilDetected, pairwise, pairwiseProbability}},
		{Name: "foil", About: "FOIL-COCO: is a caption right, or has one word been exchanged", Layout: "code that reads the published files", Items: foil,
			Measures: []Measure{accuracy, onRight, onWrong}},
		{Name: "foil-word", About: "FOIL-COCO's second task: which word of a wrong caption is the wrong one", Layout: "code that reads the published files; the task, from the paper", Items: foilWord,
			Measures: []Measure{detected}, Notes: []string{
				"As published, words are left out one after the other; here the one without which caption and picture match best is called wrong.",
				"Candidates are all content words, by a list of function words; the published variant of nouns alone takes a tagger. Captions in which the wrong word does not stand as the file writes it are left out."}},
		{Name: "foil-correction", About: "FOIL-COCO's third task: which word is right in the place of the wrong one", Layout: "code that reads the published files; the task, from the paper", Items: foilCorrection,
			Measures: []Measure{corrected}, Notes: []string{
				"As published, candidates are all target words: those of the file that is read, but for the wrong word itself. The one with which caption and picture match best is taken.",
				"Captions in which the wrong word does not stand as the file writes it are left out."}},
		{Name: "svo", About: "SVO-Probes: a sentence with a right picture and one of another subject, verb or object", Layout: "the benchmark's notebook and description", Items: svo,
			Measures: []Measure{svoAccuracy, svoPositive, svoNegative}, Notes: []string{"As published, pairs of sentence and picture count once, and rows with several kinds of difference are left out."}},
		{Name: "winoground", About: "Winoground: two pictures and two sentences of the same words", Layout: "code that reads the published examples.jsonl", Items: winoground,
			Measures: []Measure{textScore, imageScore, groupScore}},
		{Name: "vsr", About: "VSR: is a sentence about a spatial relation true", Layout: "the benchmark's files, code and description", Items: vsr, Measures: []Measure{accuracy, onRight, onWrong}},
		{Name: "sugarcrepe", About: "SugarCrepe: a caption beside a fluent wrong one", Layout: "the benchmark's files and code", Items: sugarcrepe, Measures: []Measure{pairwise},
			Notes: []string{"Published scores compare similarities; these are raw match logits."}},
		{Name: "aro", About: "ARO: visual_genome_relation.json and visual_genome_attribution.json", Layout: "the benchmark's code", Items: aro, Measures: []Measure{pairwise},
			Notes: []string{"Published scores are of pictures cropped to bbox_x, bbox_y, bbox_w, bbox_h: give features of these crops. Sentences in another order (COCO-Order) are made when that benchmark runs: give them as pairs."}},
		{Name: "masked", About: "guided masking: a word is hidden instead of exchanged, and guessed with and without the picture", Layout: "defined here: JSON lines with \"mask\"", Items: pairs, Measures: masking},
		{Name: "masked-svo", About: "guided masking of the verbs of SVO-Probes, with the right picture", Layout: "SVO-Probes' notebook; how verbs are found, from a description alone", Items: maskedVerbs, Measures: masking,
			Notes: []string{"A verb is found by its regular forms; sentences with another form, which the published evaluation finds by a tagger, are left out."}},
		{Name: "retrieval", About: "image-text retrieval: all sentences of a file with all of its pictures", Layout: "code that reads coco_karpathy_test.json and flickr30k_test.json", Items: retrieval, Measures: recalls},
	}
}

// Find returns the suite of a name. The error lists all.
func Find(name string) (Suite, error) {
	var names []string
	for _, s := range Suites() {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Suite{}, fmt.Errorf("there is no suite %q; there are %s", name, strings.Join(names, ", "))
}
