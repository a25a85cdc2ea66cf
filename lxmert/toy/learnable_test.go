package toy

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// questionOnly is what a model can do that sees no picture: the most frequent answer to each sentence, or to its kind
// where the sentence is unknown. It returns right answers and questions by kind.
func questionOnly(train, test []question) (right, all map[string]int) {
	count := map[string]map[string]int{}
	for _, q := range train {
		for _, known := range []string{q.text, q.kind} {
			if count[known] == nil {
				count[known] = map[string]int{}
			}
			count[known][q.answer]++
		}
	}
	best := func(known string) string {
		answers := slices.Sorted(maps.Keys(count[known]))
		return slices.MaxFunc(answers, func(a, b string) int { return cmp.Compare(count[known][a], count[known][b]) })
	}
	right, all = map[string]int{}, map[string]int{}
	for _, q := range test {
		guess := best(q.kind)
		if count[q.text] != nil {
			guess = best(q.text)
		}
		for _, part := range []string{"", q.kind} {
			all[part]++
			if guess == q.answer {
				right[part]++
			}
		}
	}
	return right, all
}

// A model that gets 95 % right is thus 50 points above what sees no picture, and 35 in each kind.
func TestQuestionsDoNotTellTheirAnswers(t *testing.T) {
	train := asked(t, "train", 10000)
	for _, split := range []string{"heldout", "novel"} {
		right, all := questionOnly(train, asked(t, split, 1000))
		p, text := share(right[""], all[""])
		t.Logf("%s: %s", split, text)
		if p > 45 {
			t.Errorf("%s: without pictures %s are right", split, text)
		}
		for _, kind := range Kinds {
			p, text := share(right[kind], all[kind])
			t.Logf("%s, %s: %s", split, kind, text)
			if p > 60 {
				t.Errorf("%s: without pictures %s of the %s questions are right", split, text, kind)
			}
		}
	}
}

func TestAnswersAreBalanced(t *testing.T) {
	counts := map[string]map[string]int{}
	for _, kind := range Kinds {
		counts[kind] = map[string]int{}
	}
	for _, q := range asked(t, "train", 8000) {
		counts[q.kind][q.answer]++
		counts[q.kind][""]++
	}
	for _, want := range []struct {
		kind        string
		answers     []string
		least, most float64 // per cent
	}{
		{KindColor, Colors, 13.5, 20.5}, {KindShape, Shapes, 17, 23},
		{KindExist, []string{"yes", "no"}, 48, 52}, {KindPosition, []string{"yes", "no"}, 48, 52}, {KindCompare, []string{"yes", "no"}, 48, 52},
		{KindCount, []string{"0", "1", "2", "3", "4"}, 7, 35},
		{KindSide, []string{"left", "right", "above", "below"}, 23, 27}, {KindWhere, []string{"left", "right", "top", "bottom"}, 23, 27},
	} {
		total := 0
		for _, answer := range want.answers {
			total += counts[want.kind][answer]
			if p, text := share(counts[want.kind][answer], counts[want.kind][""]); p < want.least || p > want.most {
				t.Errorf("%s: %s is the answer to %s", want.kind, answer, text)
			}
		}
		if n := counts[want.kind][""]; total != n || n < 5000 {
			t.Errorf("%s: %d of %d questions have one of the answers %v", want.kind, total, n, want.answers)
		}
	}
}

func TestNothingIsTrainedOnNovelCombinations(t *testing.T) {
	w := smallWorld(t)
	seen := map[Combination]int{}
	for _, split := range w.Splits {
		novelPictures := 0
		for _, s := range readScenes(t, w, split.Task, split.Name) {
			novel := false
			for _, o := range s.Objects {
				c := Combination{o.Shape, o.Color}
				if slices.Contains(Combinations, c) {
					novel = true
				} else if split.Name == "train" {
					seen[c]++
				}
			}
			if novel {
				novelPictures++
			}
		}
		want := 0
		if split.Name == "novel" {
			want = split.Pictures
		}
		if novelPictures != want {
			t.Errorf("%d of the %d pictures of %s %s show a combination that is never trained, %d should", novelPictures, split.Pictures, split.Task, split.Name, want)
		}
	}
	if len(seen) != len(Shapes)*len(Colors)-len(Combinations) {
		t.Errorf("%d combinations are trained", len(seen))
	}
	// The feature files agree: what the detector is sure of is no such combination either.
	for _, file := range featureFiles {
		for _, r := range readRegions(t, w, featurePath(file.path)) {
			for roi := range r.N {
				if c := (Combination{Shapes[r.ObjectIDs[roi]], Colors[r.AttrIDs[roi]]}); r.ObjectConf[roi] > 0.5 && slices.Contains(Combinations, c) && file.splits != "novel" {
					t.Fatalf("%s of %s shows %v", r.ID, file.path, c)
				}
			}
		}
	}
}

func TestPicturesAreOfTheirStage(t *testing.T) {
	w := smallWorld(t)
	for _, want := range []struct {
		split             string
		least, most, rois int
		distractors       float64 // per cent
	}{{"stage1", 1, 2, 3, 50}, {"stage2", 1, 3, 4, 50}, {"train", 3, 6, 8, 44}} {
		objects, distractors, kinds := map[int]int{}, 0, map[string]int{}
		scenes := readScenes(t, w, "vqa", want.split)
		for _, s := range scenes {
			objects[len(s.Objects)]++
			distractors += len(s.Distractors)
			if s.ROIs() != want.rois {
				t.Fatalf("%s has %d RoIs", s.ID, s.ROIs())
			}
			for i, o := range s.Objects {
				for _, other := range s.Objects[:i] {
					if overlap(o.Box, other.Box) > 0 {
						t.Fatalf("%s: %v and %v overlap", s.ID, o, other)
					}
				}
				if side := (o.Box[2] - o.Box[0]) / Side; side != (o.Box[3]-o.Box[1])/Side || side < 0.11 || side > 0.29 || side > 0.15 != (o.Size == "large") {
					t.Fatalf("%s: a %s object has the side %.3f", s.ID, o.Size, side)
				}
			}
			for _, d := range s.Distractors {
				kinds[d.Kind]++
			}
		}
		for n := range objects {
			if n < want.least || n > want.most || objects[n] < len(scenes)/8 {
				t.Errorf("%s: %d of %d pictures have %d objects", want.split, objects[n], len(scenes), n)
			}
		}
		if p, text := share(distractors, len(scenes)*want.rois); math.Abs(p-want.distractors) > 4 {
			t.Errorf("%s: %s of the RoIs are distractors", want.split, text)
		}
		if p, _ := share(kinds["background"], distractors); math.Abs(p-50) > 12 || kinds["loose"] == 0 || kinds["half"] == 0 {
			t.Errorf("%s: distractors are %v", want.split, kinds)
		}
	}
}

// prototypes are the mean features of each class of RoIs, of files alone.
type prototypes map[string][]float64

func learn(all []*region.Regions, class func(r *region.Regions, roi int) string) prototypes {
	p, n := prototypes{}, map[string]float64{}
	for _, r := range all {
		for roi := range r.N {
			c := class(r, roi)
			if c == "" {
				continue
			}
			if p[c] == nil {
				p[c] = make([]float64, r.Dim)
			}
			n[c]++
			for i, v := range r.Features[roi*r.Dim : (roi+1)*r.Dim] {
				p[c][i] += float64(v)
			}
		}
	}
	for c := range p {
		for i := range p[c] {
			p[c][i] /= n[c]
		}
	}
	return p
}

// read says which share of RoIs is nearest to the prototype of its class.
func (p prototypes) read(all []*region.Regions, class func(r *region.Regions, roi int) string) float64 {
	right, total := 0, 0
	for _, r := range all {
		for roi := range r.N {
			want := class(r, roi)
			if want == "" {
				continue
			}
			best, least := "", math.Inf(1)
			for _, c := range slices.Sorted(maps.Keys(p)) {
				d := 0.0
				for i, v := range r.Features[roi*r.Dim : (roi+1)*r.Dim] {
					d += (float64(v) - p[c][i]) * (float64(v) - p[c][i])
				}
				if d < least {
					best, least = c, d
				}
			}
			if total++; best == want {
				right++
			}
		}
	}
	return 100 * float64(right) / float64(total)
}

func TestFeaturesTellWhatIsThereButNotWhere(t *testing.T) {
	w := smallWorld(t)
	train, test := readRegions(t, w, featurePath("mscoco_imgfeat/train2014")), readRegions(t, w, featurePath("mscoco_imgfeat/stage2"))
	clean := func(class func(r *region.Regions, roi int) string) func(r *region.Regions, roi int) string {
		return func(r *region.Regions, roi int) string {
			if r.ObjectConf[roi] < 0.5 {
				return ""
			}
			return class(r, roi)
		}
	}
	for _, want := range []struct {
		what        string
		class       func(r *region.Regions, roi int) string
		least, most float64 // per cent; chance is 20, 17, 50, 50, 50
	}{
		{"shape", clean(func(r *region.Regions, roi int) string { return Shapes[r.ObjectIDs[roi]] }), 96, 99},
		{"color", clean(func(r *region.Regions, roi int) string { return Colors[r.AttrIDs[roi]] }), 96, 99},
		{"object or not", func(r *region.Regions, roi int) string {
			return map[bool]string{true: "object", false: "distractor"}[r.ObjectConf[roi] > 0.5]
		}, 97, 100},
		{"left or right", clean(func(r *region.Regions, roi int) string {
			return map[bool]string{true: "left", false: "right"}[r.Boxes[4*roi]+r.Boxes[4*roi+2] < Side]
		}), 45, 55},
		{"top or bottom", clean(func(r *region.Regions, roi int) string {
			return map[bool]string{true: "top", false: "bottom"}[r.Boxes[4*roi+1]+r.Boxes[4*roi+3] < Side]
		}), 45, 55},
	} {
		p := learn(train, want.class).read(test, want.class)
		t.Logf("%s is read right in %.1f %%", want.what, p)
		if p < want.least || p > want.most {
			t.Errorf("%s is read right in %.1f %% of the RoIs, not in %g to %g", want.what, p, want.least, want.most)
		}
	}
}

func TestFeaturesAreNoisyDirections(t *testing.T) {
	d := newDirections(7)
	var all [][]int64
	for _, m := range []map[string][]int64{d.shape, d.color, d.size, {"": d.background}} {
		for _, name := range slices.Sorted(maps.Keys(m)) {
			all = append(all, m[name])
		}
	}
	for i, a := range all {
		for j, b := range all {
			dot := 0.0
			for k := range a {
				dot += float64(a[k]) / one * float64(b[k]) / one
			}
			if want := map[bool]float64{true: 1}[i == j]; math.Abs(dot-want) > 1e-4 {
				t.Errorf("directions %d and %d: %g", i, j, dot)
			}
		}
	}
}
