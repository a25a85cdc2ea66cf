package lxmert

import (
	"fmt"
	"strconv"
	"strings"
)

// Activation names one place inside the model and its shape, without the axis of rows.
type Activation struct {
	Name string
	Axes []Axis
	What string // one phrase
}

// Axis is the meaning of an axis of an activation.
type Axis byte

const (
	AxisHead    Axis = 'H' // attention heads
	AxisWord    Axis = 'T' // words
	AxisRegion  Axis = 'V' // regions
	AxisHidden  Axis = 'D' // hidden units
	AxisHeadDim Axis = 'd' // hidden units of one head
	AxisInner   Axis = 'I' // units inside a feed-forward block
	AxisFeat    Axis = 'F' // region features
	AxisBox     Axis = 'B' // numbers of a box
	AxisClass   Axis = 'C' // classes of an output
)

// Rows says which things the rows of an activation are.
type Rows int

const (
	PairRows  Rows = iota // (text, image) rows
	TextRows              // texts
	ImageRows             // images
	TaskRows              // rows of the fine-tuned head: pairs of rows for NLVR2
)

// Rows tells what a row of the activation is. For a name that is not one of [Config.Names] the answer means nothing.
func (c Config) Rows(name string) Rows {
	group, rest, _ := strings.Cut(name, ".")
	switch group {
	case "l":
		return TextRows
	case "r":
		return ImageRows
	case "in":
		if rest == "word" || rest == "position" {
			return TextRows
		}
		return ImageRows
	case "hid":
		stream, level, _ := strings.Cut(rest, ".")
		k, _ := strconv.Atoi(level)
		if stream == "t" && k <= c.LangLayers {
			return TextRows
		}
		if stream == "i" && k <= c.RegionLayers {
			return ImageRows
		}
	case "out":
		if rest == "task" && c.TaskImages == 2 {
			return TaskRows
		}
	}
	return PairRows
}

// ClassCount is the length of the last axis of an output, 0 where the model has no such head and for names that
// are not outputs.
func (c Config) ClassCount(name string) int {
	switch name {
	case "out.pooled":
		return c.Hidden
	case "out.mlm":
		if c.LM {
			return c.Vocab
		}
	case "out.match":
		if c.Match {
			return 2
		}
	case "out.obj":
		return c.Objects
	case "out.attr":
		return c.Attributes
	case "out.feat":
		if c.FeatHead {
			return c.FeatDim
		}
	case "out.qa":
		return c.Answers
	case "out.task":
		return c.TaskClasses
	}
	return 0
}

// Names lists every activation of the model, in the order in which they are computed.
func (c Config) Names() []Activation {
	var l nameList
	l.add("in.word", "TD", "word rows before position and LayerNorm")
	l.add("in.position", "TD", "position and segment rows, which are added to the word rows")
	l.add("in.feat", "VF", "region features")
	l.add("in.box", "VB", "region boxes")

	l.add("hid.t.0", "TD", "language level: embedding")
	for k := range c.LangLayers {
		p := "l." + strconv.Itoa(k)
		l.attention(p+".tt", 'T', 'T', "language self-attention")
		l.add(p+".att", "TD", "after the attention sublayer's LayerNorm")
		l.feedForward(p, 'T')
		l.add("hid.t."+strconv.Itoa(k+1), "TD", "language level: language layer "+strconv.Itoa(k))
	}
	l.add("hid.i.0", "VD", "vision level: embedding")
	for k := range c.RegionLayers {
		p := "r." + strconv.Itoa(k)
		l.attention(p+".ii", 'V', 'V', "object-relationship self-attention")
		l.add(p+".att", "VD", "after the attention sublayer's LayerNorm")
		l.feedForward(p, 'V')
		l.add("hid.i."+strconv.Itoa(k+1), "VD", "vision level: object-relationship layer "+strconv.Itoa(k))
	}
	for k := range c.CrossLayers {
		p := "x." + strconv.Itoa(k)
		l.attention(p+".ti", 'T', 'V', "cross-attention, queries words, keys regions")
		l.attention(p+".it", 'V', 'T', "cross-attention, queries regions, keys words")
		l.add(p+".t.cross", "TD", "words after cross-attention and LayerNorm")
		l.add(p+".i.cross", "VD", "regions after cross-attention and LayerNorm")
		l.attention(p+".tt", 'T', 'T', "words' self-attention inside the cross layer")
		l.attention(p+".ii", 'V', 'V', "regions' self-attention inside the cross layer")
		l.add(p+".t.self", "TD", "words after self-attention and LayerNorm")
		l.add(p+".i.self", "VD", "regions after self-attention and LayerNorm")
		l.feedForward(p+".t", 'T')
		l.feedForward(p+".i", 'V')
		l.add("hid.t."+strconv.Itoa(c.LangLayers+1+k), "TD", "language level: cross layer "+strconv.Itoa(k))
		l.add("hid.i."+strconv.Itoa(c.RegionLayers+1+k), "VD", "vision level: cross layer "+strconv.Itoa(k))
	}
	for _, o := range []struct{ name, axes, what string }{
		{"out.pooled", "D", "pooled [CLS]"},
		{"out.mlm", "TC", "masked-word logits"},
		{"out.match", "C", "matched logits, index 1 = matched"},
		{"out.obj", "VC", "object logits"},
		{"out.attr", "VC", "attribute logits"},
		{"out.feat", "VF", "region features as regressed"},
		{"out.qa", "C", "logits of the pre-training answer head"},
		{"out.task", "C", "logits of the fine-tuned head"},
	} {
		if c.ClassCount(o.name) > 0 {
			l.add(o.name, o.axes, o.what)
		}
	}
	return l
}

// Maps lists the names of the attention maps alone: l + r + 4x of them, 34 in the published model.
func (c Config) Maps() []string {
	var maps []string
	for _, a := range c.Names() {
		if a.IsMap() {
			maps = append(maps, a.Name)
		}
	}
	return maps
}

// IsMap reports whether the activation is an attention map: weights of keys, after softmax, for each head and query.
func (a Activation) IsMap() bool {
	return len(a.Axes) == 3 && a.Axes[0] == AxisHead && a.Axes[2] != AxisHeadDim && !a.IsScore()
}

// IsScore reports whether the activation is what softmax makes a map of: numbers of keys for each head and query. Those of keys
// that are masked out are about -10000.
func (a Activation) IsScore() bool { return strings.HasSuffix(a.Name, scoreSuffix) }

const scoreSuffix = ".score"

type nameList []Activation

func (l *nameList) add(name, axes, what string) {
	a := Activation{Name: name, What: what}
	for i := range axes {
		a.Axes = append(a.Axes, Axis(axes[i]))
	}
	*l = append(*l, a)
}

func (l *nameList) attention(name string, query, key byte, what string) {
	q, k := string(query), string(key)
	l.add(name+".q", "H"+q+"d", "queries of "+name)
	l.add(name+".k", "H"+k+"d", "keys of "+name)
	l.add(name+".v", "H"+k+"d", "values of "+name)
	l.add(name+scoreSuffix, "H"+q+k, "scores of "+name+", before softmax, after scale and mask")
	l.add(name, "H"+q+k, what)
	l.add(name+".ctx", "H"+q+"d", "weighted values of "+name)
	l.add(name+".out", q+"D", "after the output projection of "+name+", before the residual")
}

func (l *nameList) feedForward(block string, position byte) {
	l.add(block+".ffn", string(position)+"I", "inside the feed-forward block, after its activation function")
	l.add(block+".ffn.out", string(position)+"D", "after the feed-forward block, before the residual and LayerNorm")
}

// Match reports whether a name fits a pattern, in which "*" stands for exactly one dot-separated part and "*" alone for
// every name.
func Match(pattern, name string) bool {
	if pattern == "*" || pattern == name {
		return true
	}
	if !strings.Contains(pattern, "*") {
		return false
	}
	ps, ns := strings.Split(pattern, "."), strings.Split(name, ".")
	if len(ps) != len(ns) {
		return false
	}
	for i := range ps {
		if ps[i] != "*" && ps[i] != ns[i] {
			return false
		}
	}
	return true
}

// Find lists the activations that fit a pattern, in the order of [Config.Names]. A pattern that fits none is an error.
func (c Config) Find(pattern string) ([]Activation, error) {
	var found []Activation
	for _, a := range c.Names() {
		if Match(pattern, a.Name) {
			found = append(found, a)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no activation is called %q in a model with %d language, %d object-relationship and %d cross layers%s; `lxmert trace --list` prints the names",
			pattern, c.LangLayers, c.RegionLayers, c.CrossLayers, c.missingHead(pattern))
	}
	return found, nil
}

// FindAll lists the activations that fit any of some patterns, each once, in the order of the patterns.
func (c Config) FindAll(patterns ...string) ([]Activation, error) {
	var all []Activation
	seen := map[string]bool{}
	for _, p := range patterns {
		found, err := c.Find(strings.TrimSpace(p))
		if err != nil {
			return nil, err
		}
		for _, a := range found {
			if !seen[a.Name] {
				seen[a.Name] = true
				all = append(all, a)
			}
		}
	}
	return all, nil
}

func (c Config) missingHead(pattern string) string {
	head := map[string]string{
		"out.mlm": "masked-word", "out.match": "matched", "out.obj": "object", "out.attr": "attribute",
		"out.feat": "feature-regression", "out.qa": "pre-training answer", "out.task": "fine-tuned",
	}[pattern]
	if head == "" {
		return ""
	}
	return " (these weights have no " + head + " head)"
}

// Shape writes the activation's axes without that of rows, as in "[H,T,V]"; the numbers of a box are written "4".
func (a Activation) Shape() string {
	parts := make([]string, len(a.Axes))
	for i, x := range a.Axes {
		parts[i] = string(rune(x))
		if x == AxisBox {
			parts[i] = "4"
		}
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// Dims gives the axes' sizes, without that of rows, for texts of t word pieces and images of v regions.
func (a Activation) Dims(c Config, t, v int) []int {
	dims := make([]int, len(a.Axes))
	for i, x := range a.Axes {
		switch x {
		case AxisHead:
			dims[i] = c.Heads
		case AxisWord:
			dims[i] = t
		case AxisRegion:
			dims[i] = v
		case AxisHidden:
			dims[i] = c.Hidden
		case AxisHeadDim:
			dims[i] = c.HeadDim()
		case AxisInner:
			dims[i] = c.Intermediate
		case AxisFeat:
			dims[i] = c.FeatDim
		case AxisBox:
			dims[i] = c.BoxDim
		case AxisClass:
			dims[i] = c.ClassCount(a.Name)
		}
	}
	return dims
}
