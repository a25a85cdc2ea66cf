package toy

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The checker answers questions from the scene by reading their words; it shares nothing with what draws them.

var (
	reColor    = regexp.MustCompile(`^what color is the (\w+)\?$`)
	reShape    = regexp.MustCompile(`^what shape is the (\w+) thing\?$`)
	reExist    = regexp.MustCompile(`^is there a (\w+ \w+)\?$`)
	reCount    = regexp.MustCompile(`^how many (.+) are there\?$`)
	reCompare  = regexp.MustCompile(`^are there more (.+) than (.+)\?$`)
	reSide     = regexp.MustCompile(`^is the (.+) (left or right of|above or below) the (.+)\?$`)
	reWhere    = regexp.MustCompile(`^is the (.+) on the (top or bottom|left or right)\?$`)
	rePosition = regexp.MustCompile(`^is the (.+) (left of|right of|above|below) the (.+)\?$`)

	reOne    = regexp.MustCompile(`^there is a (.+) in the (left|right) picture\.$`)
	reBoth   = regexp.MustCompile(`^there is a (.+) in both pictures\.$`)
	reSingle = regexp.MustCompile(`^exactly one picture has a (.+)\.$`)
	reMany   = regexp.MustCompile(`^there (?:are|is) exactly (one|two|three) (.+) in the (left|right) picture\.$`)
	reMore   = regexp.MustCompile(`^the (left|right) picture has more (.+) than the (left|right) picture\.$`)

	reList     = regexp.MustCompile(`^a picture with (.+)\.$`)
	reRelation = regexp.MustCompile(`^a (.+) (left of|right of|above|below) a (.+)\.$`)
	reNumber   = regexp.MustCompile(`^there are (two|three|four) (.+)\.$`)
)

// matching lists the objects that words such as "small red circle", "circles" or "red things" speak of.
func matching(s *Scene, words string) ([]Object, error) {
	out := slices.Clone(s.Objects)
	for _, word := range strings.Fields(words) {
		known := false
		for _, name := range slices.Concat(Shapes, Colors, Sizes) {
			if word == name || word == name+"s" || word == name+"es" && name == "cross" {
				known = true
				out = slices.DeleteFunc(out, func(o Object) bool { return o.Shape != name && o.Color != name && o.Size != name })
			}
		}
		if !known && word != "thing" && word != "things" {
			return nil, fmt.Errorf("the word %q", word)
		}
	}
	return out, nil
}

func only(s *Scene, words string) (Object, error) {
	found, err := matching(s, words)
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("%q fits %d objects", words, len(found))
	}
	if err != nil {
		return Object{}, err
	}
	return found[0], nil
}

// lies says whether a is left of, right of, above or below b, each by a margin; it fails where the margin is not kept.
func lies(a, b Object, how string) (bool, error) {
	axis := 0
	if how == "above" || how == "below" {
		axis = 1
	}
	d := float64(a.Box[axis]+a.Box[axis+2]-b.Box[axis]-b.Box[axis+2]) / 2 / Side
	if math.Abs(d) < 0.1-1e-6 { // the generator computes in float32
		return false, fmt.Errorf("the centres are %.3f apart, at least 0.1 was promised", d)
	}
	return (d < 0) == (how == "left of" || how == "above"), nil
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func rois(objects ...Object) []int {
	out := []int{}
	for _, o := range objects {
		out = append(out, o.ROI)
	}
	return out
}

// solve answers a question and says which RoIs it is about.
func solve(s *Scene, text string) (kind, answer string, about []int, err error) {
	var a, b Object
	var as, bs []Object
	switch {
	case reColor.MatchString(text):
		a, err = only(s, reColor.FindStringSubmatch(text)[1])
		return KindColor, a.Color, rois(a), err
	case reShape.MatchString(text):
		a, err = only(s, reShape.FindStringSubmatch(text)[1])
		return KindShape, a.Shape, rois(a), err
	case reExist.MatchString(text):
		as, err = matching(s, reExist.FindStringSubmatch(text)[1])
		return KindExist, yesNo(len(as) > 0), rois(as...), err
	case reCount.MatchString(text):
		as, err = matching(s, reCount.FindStringSubmatch(text)[1])
		return KindCount, strconv.Itoa(len(as)), rois(as...), err
	case reCompare.MatchString(text):
		m := reCompare.FindStringSubmatch(text)
		if as, err = matching(s, m[1]); err == nil {
			bs, err = matching(s, m[2])
		}
		return KindCompare, yesNo(len(as) > len(bs)), rois(append(as, bs...)...), err
	case reSide.MatchString(text):
		m := reSide.FindStringSubmatch(text)
		if a, err = only(s, m[1]); err == nil {
			b, err = only(s, m[3])
		}
		first, second := "left", "right"
		if m[2] == "above or below" {
			first, second = "above", "below"
		}
		if err == nil {
			var yes bool
			if yes, err = lies(a, b, map[string]string{"left": "left of", "above": "above"}[first]); !yes {
				first = second
			}
		}
		return KindSide, first, rois(a, b), err
	case reWhere.MatchString(text):
		m := reWhere.FindStringSubmatch(text)
		a, err = only(s, m[1])
		axis, first, second := 0, "left", "right"
		if m[2] == "top or bottom" {
			axis, first, second = 1, "top", "bottom"
		}
		d := float64(a.Box[axis]+a.Box[axis+2])/2/Side - 0.5
		if err == nil && math.Abs(d) < 0.05-1e-6 {
			err = fmt.Errorf("%.3f from the middle, at least 0.05 was promised", d)
		}
		if d > 0 {
			first = second
		}
		return KindWhere, first, rois(a), err
	case rePosition.MatchString(text):
		m := rePosition.FindStringSubmatch(text)
		if a, err = only(s, m[1]); err == nil {
			b, err = only(s, m[3])
		}
		var yes bool
		if err == nil {
			yes, err = lies(a, b, m[2])
		}
		return KindPosition, yesNo(yes), rois(a, b), err
	}
	return "", "", nil, fmt.Errorf("the sentence is of no kind")
}

// judge says whether a statement about two pictures is true, and which RoIs of each it is about.
func judge(left, right *Scene, text string) (kind string, yes bool, aboutLeft, aboutRight []int, err error) {
	count := func(words string) (l, r int) {
		var ls, rs []Object
		if ls, err = matching(left, words); err == nil {
			rs, err = matching(right, words)
		}
		aboutLeft, aboutRight = rois(ls...), rois(rs...)
		return len(ls), len(rs)
	}
	on := func(side string, l, r int) (one, other int) {
		if side == "left" {
			return l, r
		}
		return r, l
	}
	switch {
	case reMany.MatchString(text):
		m := reMany.FindStringSubmatch(text)
		l, r := count(m[2])
		n, _ := on(m[3], l, r)
		return PairCount, n == map[string]int{"one": 1, "two": 2, "three": 3}[m[1]], aboutLeft, aboutRight, err
	case reOne.MatchString(text):
		m := reOne.FindStringSubmatch(text)
		l, r := count(m[1])
		n, _ := on(m[2], l, r)
		return PairOne, n > 0, aboutLeft, aboutRight, err
	case reBoth.MatchString(text):
		l, r := count(reBoth.FindStringSubmatch(text)[1])
		return PairBoth, l > 0 && r > 0, aboutLeft, aboutRight, err
	case reSingle.MatchString(text):
		l, r := count(reSingle.FindStringSubmatch(text)[1])
		return PairSingle, l > 0 && r == 0 || l == 0 && r > 0, aboutLeft, aboutRight, err
	case reMore.MatchString(text):
		m := reMore.FindStringSubmatch(text)
		l, r := count(m[2])
		one, other := on(m[1], l, r)
		if m[1] == m[3] {
			err = fmt.Errorf("both pictures are the %s one", m[1])
		}
		return PairMore, one > other, aboutLeft, aboutRight, err
	}
	return "", false, nil, nil, fmt.Errorf("the sentence is of no kind")
}

// holds says whether a caption is true of a scene.
func holds(s *Scene, text string) (bool, error) {
	switch {
	case reList.MatchString(text):
		list := strings.ReplaceAll(reList.FindStringSubmatch(text)[1], " and ", ", ")
		seen := map[int]bool{}
		parts := strings.Split(list, ", ")
		for _, part := range parts {
			found, err := matching(s, strings.TrimPrefix(part, "a "))
			if err != nil || len(found) == 0 {
				return false, err
			}
			for _, o := range found {
				seen[o.ROI] = true
			}
		}
		return len(seen) >= len(parts), nil
	case reRelation.MatchString(text):
		m := reRelation.FindStringSubmatch(text)
		as, err := matching(s, m[1])
		if err != nil {
			return false, err
		}
		bs, err := matching(s, m[3])
		for _, a := range as {
			for _, b := range bs {
				if yes, doubt := lies(a, b, m[2]); yes && doubt == nil && a.ROI != b.ROI {
					return true, err
				}
			}
		}
		return false, err
	case reNumber.MatchString(text):
		m := reNumber.FindStringSubmatch(text)
		found, err := matching(s, m[2])
		return len(found) == map[string]int{"two": 2, "three": 3, "four": 4}[m[1]], err
	}
	return false, fmt.Errorf("the sentence is of no kind")
}

func TestEveryAnswerFollowsFromThePicture(t *testing.T) {
	w := smallWorld(t)
	for _, split := range w.Splits {
		if split.Task == "nlvr2" || split.Name == "submit" {
			continue
		}
		scenes := byID(readScenes(t, w, split.Task, split.Name))
		truths := readTruths(t, w, split.Task, split.Name)
		entries := readJSON[[]entry](t, w, questionPath(split.Task+"/"+split.Name))
		if len(entries) != split.Questions || len(truths) != split.Questions || len(scenes) != split.Pictures {
			t.Fatalf("%s %s has %d questions, %d truths and %d scenes; said were %d and %d", split.Task, split.Name,
				len(entries), len(truths), len(scenes), split.Questions, split.Pictures)
		}
		kinds := map[string]int{}
		for i, e := range entries {
			s := scenes[e.Image]
			if s == nil {
				t.Fatalf("no picture %s", e.Image)
			}
			kind, answer, about, err := solve(s, e.Text)
			if err != nil {
				t.Fatalf("%s, %q: %v", e.Image, e.Text, err)
			}
			if answer != e.answer(t) || kind != truths[i].Kind || split.Task == "vqa" && kind != e.Kind {
				t.Fatalf("%s, %q: a %s question answered by %s; the file says %s, %s and %s", e.Image, e.Text, kind, answer, e.Label, e.Kind, truths[i].Kind)
			}
			if !slices.Equal(about, truths[i].ROIs) || strings.Trim(string(e.ID), `"`) != truths[i].ID {
				t.Fatalf("%s, %q is about the RoIs %v; truth says %+v of question %s", e.Image, e.Text, about, *truths[i], e.ID)
			}
			novel := false
			for _, o := range s.Objects {
				novel = novel || slices.Contains(about, o.ROI) && slices.Contains(Combinations, Combination{o.Shape, o.Color})
			}
			for _, c := range Combinations {
				novel = novel || strings.Contains(e.Text, c.Color+" "+c.Shape)
			}
			if novel != truths[i].Novel || novel && split.Name != "novel" {
				t.Fatalf("%s %s, %q: never trained is %v, truth says %v", split.Name, e.Image, e.Text, novel, truths[i].Novel)
			}
			if kinds[e.Image+e.Text]++; kinds[e.Image+e.Text] > 1 {
				t.Fatalf("%s is asked %q twice", e.Image, e.Text)
			}
			most := 1
			if slices.Contains([]string{"stage2", "train"}, split.Name) {
				most = 2
			}
			if kinds[e.Image+kind]++; kinds[e.Image+kind] > most {
				t.Fatalf("%s %s is asked %d questions of kind %s", split.Name, e.Image, kinds[e.Image+kind], kind)
			}
		}
	}
}

func TestEveryStatementIsTrueOfHalfOfItsPairs(t *testing.T) {
	w := smallWorld(t)
	for _, split := range w.Splits {
		if split.Task != "nlvr2" {
			continue
		}
		scenes := byID(readScenes(t, w, "nlvr2", split.Name))
		truths := readTruths(t, w, "nlvr2", split.Name)
		labels := map[string][]string{} // by what NLVR2's consistency groups by
		for i, e := range readJSON[[]entry](t, w, questionPath("nlvr2/"+split.Name)) {
			left, right := scenes[e.Left], scenes[e.Right]
			if left == nil || right == nil {
				t.Fatalf("no picture %s or %s", e.Left, e.Right)
			}
			kind, yes, aboutLeft, aboutRight, err := judge(left, right, e.Text)
			if err != nil {
				t.Fatalf("%s, %q: %v", e.Identifier, e.Text, err)
			}
			if want := map[bool]string{true: "1", false: "0"}[yes]; want != string(e.Label) || kind != truths[i].Kind {
				t.Fatalf("%s, %q: %s, %s; the files say %s, %s", e.Identifier, e.Text, kind, want, truths[i].Kind, e.Label)
			}
			if truths[i].ID != e.UID || !slices.Equal(aboutLeft, truths[i].ROIs) || !slices.Equal(aboutRight, truths[i].Right) {
				t.Fatalf("%s, %q is about %v and %v, truth says %+v", e.Identifier, e.Text, aboutLeft, aboutRight, *truths[i])
			}
			parts := strings.Split(e.Identifier, "-")
			pictures := strings.Join(parts[:3], "-")
			if len(parts) != 4 || e.Left != pictures+"-img0" || e.Right != pictures+"-img1" || e.UID != fmt.Sprintf("nlvr2_%s_%d", split.Name, i) {
				t.Fatalf("ids of %+v", e)
			}
			parts[2] = ""
			labels[strings.Join(parts, "-")+e.Text] = append(labels[strings.Join(parts, "-")+e.Text], string(e.Label))
		}
		for at, group := range labels {
			if slices.Sort(group); !slices.Equal(group, []string{"0", "0", "1", "1"}) {
				t.Errorf("%s has the labels %v", at, group)
			}
		}
	}
}

func TestEveryCaptionIsTrue(t *testing.T) {
	w := smallWorld(t)
	for _, part := range []struct{ file, task, split, captions, questions string }{
		{"mscoco_train", "vqa", "train", "mscoco", "vqa"}, {"mscoco_minival", "vqa", "minival", "mscoco", "vqa"},
		{"mscoco_nominival", "vqa", "nominival", "mscoco", "vqa"}, {"vgnococo", "gqa", "train", "vg", "gqa"},
		{"stage1", "vqa", "stage1", "mscoco", "vqa"}, {"stage2", "vqa", "stage2", "mscoco", "vqa"},
		{"heldout", "vqa", "heldout", "mscoco", "vqa"},
	} {
		scenes := byID(readScenes(t, w, part.task, part.split))
		records := readJSON[[]struct {
			Image  string                          `json:"img_id"`
			Texts  map[string][]string             `json:"sentf"`
			Labels map[string][]map[string]float64 `json:"labelf"`
		}](t, w, questionPath("lxmert/"+part.file))
		if len(records) < 10 {
			t.Errorf("%s has %d pictures", part.file, len(records))
		}
		for _, r := range records {
			s := scenes[r.Image]
			if s == nil || len(r.Texts) != 2 || len(r.Labels) != 1 || len(r.Texts[part.captions]) == 0 ||
				len(r.Texts[part.questions]) != len(r.Labels[part.questions]) {
				t.Fatalf("%s: %+v", part.file, r)
			}
			for _, text := range r.Texts[part.captions] {
				if yes, err := holds(s, text); err != nil || !yes {
					t.Fatalf("%s: %q is %v, %v", r.Image, text, yes, err)
				}
			}
			for i, text := range r.Texts[part.questions] {
				_, answer, _, err := solve(s, text)
				if _, right := r.Labels[part.questions][i][answer]; err != nil || !right {
					t.Fatalf("%s: %q: %s or %v, %v", r.Image, text, answer, r.Labels[part.questions][i], err)
				}
			}
		}
	}
}
