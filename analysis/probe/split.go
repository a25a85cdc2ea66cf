package probe

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

// problem is a task with its rows, parted into training and test by picture: whoever knows a picture knows much about its
// other regions and words.
type problem struct {
	task        Task
	classes     []string // the most frequent first
	train, test []int    // numbers of items; those of a picture follow each other
	yTrain      []int    // class of each
	yTest       []int
	kinds       []string // types for the control task, of train and then test
	pictures    []string // of train and then test
	left        int      // rows that have a rarer label, or one that only the test part has
	same        bool     // each type has one label: the control task is the task under other names
}

// newProblem collects the rows of a task; nil if fewer than two classes are left.
func newProblem(t Task, items []Item, share float64, most int, random *rand.Rand) *problem {
	p := &problem{task: t}
	l := lexiconOf(items)
	labels, kinds, numbers := make([]string, len(items)), make([]string, len(items)), make([]float64, len(items))
	var rows []int
	var pictures []string
	for i, it := range items {
		var ok bool
		if t.Number != nil {
			numbers[i], kinds[i], ok = t.Number(it)
		} else {
			labels[i], kinds[i], ok = t.Label(it, l)
		}
		if ok {
			rows = append(rows, i)
			pictures = append(pictures, it.Picture)
		}
	}
	slices.Sort(pictures)
	pictures = slices.Compact(pictures)
	random.Shuffle(len(pictures), func(i, j int) { pictures[i], pictures[j] = pictures[j], pictures[i] })
	order := map[string]int{}
	for i, name := range pictures {
		order[name] = i
	}
	inTest := int(math.Round(share * float64(len(pictures))))
	slices.SortStableFunc(rows, func(a, b int) int { return cmp.Compare(order[items[a].Picture], order[items[b].Picture]) })
	var train, test []int
	for _, i := range rows {
		if order[items[i].Picture] < inTest {
			test = append(test, i)
		} else {
			train = append(train, i)
		}
	}
	if t.Number != nil {
		byThirds(labels, numbers, train, rows)
	}
	p.classes = frequent(labels, train, most)
	class := map[string]int{}
	for k, name := range p.classes {
		class[name] = k
	}
	take := func(from []int) (rows, y []int) {
		for _, i := range from {
			if k, ok := class[labels[i]]; ok {
				rows, y = append(rows, i), append(y, k)
				p.kinds, p.pictures = append(p.kinds, kinds[i]), append(p.pictures, items[i].Picture)
			} else {
				p.left++
			}
		}
		return rows, y
	}
	p.train, p.yTrain = take(train)
	p.test, p.yTest = take(test)
	if len(p.classes) < 2 || len(p.test) == 0 {
		return nil
	}
	p.same = true
	label := map[string]int{}
	for i, y := range slices.Concat(p.yTrain, p.yTest) {
		if was, ok := label[p.kinds[i]]; ok && was != y {
			p.same = false
		}
		label[p.kinds[i]] = y
	}
	of := map[int]int{}
	for _, y := range label {
		of[y]++
	}
	for _, n := range of { // several types with one label are no other names for it
		p.same = p.same && n == 1
	}
	return p
}

// byThirds makes labels of numbers: at most the first third of those in the training part, at most the second, more.
func byThirds(labels []string, numbers []float64, train, rows []int) {
	var sorted []float64
	for _, i := range train {
		sorted = append(sorted, numbers[i])
	}
	if len(sorted) == 0 {
		return
	}
	slices.Sort(sorted)
	low, high := stat.Quantile(1.0/3, stat.Empirical, sorted, nil), stat.Quantile(2.0/3, stat.Empirical, sorted, nil)
	for _, i := range rows {
		switch {
		case numbers[i] <= low:
			labels[i] = "small"
		case numbers[i] <= high:
			labels[i] = "medium"
		default:
			labels[i] = "large"
		}
	}
}

// frequent are the most frequent labels of rows, the most frequent first.
func frequent(labels []string, rows []int, most int) []string {
	count := map[string]int{}
	for _, i := range rows {
		count[labels[i]]++
	}
	var names []string
	for name := range count {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(count[b], count[a]), strings.Compare(a, b)) })
	return names[:min(len(names), most)]
}

// majority is how often the most frequent label of the training part is right in the test part.
func (p *problem) majority() float64 {
	right := 0.0
	for _, y := range p.yTest {
		if y == 0 {
			right++
		}
	}
	return right / float64(len(p.yTest))
}

// standardised takes every column's mean and standard deviation in the training part out of both parts, and returns what the
// columns were divided by. A column that is constant there only loses its mean. A part may be nil.
func standardised(train, test *mat.Dense) []float64 {
	_, dim := train.Dims()
	deviations := make([]float64, dim)
	for j := range dim {
		mean, deviation := stat.PopMeanStdDev(mat.Col(nil, j, train), nil)
		if !(deviation > 0x1p-20*math.Abs(mean)) { // what float32 leaves of a constant is not a signal
			deviation = 1
		}
		deviations[j] = deviation
		for _, x := range []*mat.Dense{train, test} {
			if x == nil {
				continue
			}
			n, _ := x.Dims()
			for i := range n {
				x.Set(i, j, (x.At(i, j)-mean)/deviation)
			}
		}
	}
	return deviations
}
