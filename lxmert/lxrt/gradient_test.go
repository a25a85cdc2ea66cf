package lxrt

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gomlx/compute/dtypes"
	. "github.com/gomlx/gomlx/core/graph"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
	"github.com/seed-516990b0/golxmert/internal/roundingtest"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/backend"
	"github.com/seed-516990b0/golxmert/lxmert/backend/backendtest"
	"github.com/seed-516990b0/golxmert/lxmert/internal/program"
	"github.com/seed-516990b0/golxmert/lxmert/weights"
)

// lossFunc builds a loss and other outputs from the model; label makes an input out of a golden tensor.
type lossFunc func(net *Net, label func(name string, dtype dtypes.DType) *Node) (loss *Node, others []*Node)

// lossResult is a loss with what comes with it: gradients are those of the parameters that the loss depends on, as files
// shape them.
type lossResult struct {
	loss   float32
	others [][]float32
	grads  map[string][]float32
}

func (r lossResult) norm() float64 {
	sum := 0.0
	for _, g := range r.grads {
		for _, x := range g {
			sum += float64(x) * float64(x)
		}
	}
	return math.Sqrt(sum)
}

// differentiate computes a loss and its gradients with respect to all parameters that its graph has.
func differentiate(t *testing.T, m *Model, b *lxmert.Batch, golden *goldentest.File, opt NetOptions, define lossFunc) lossResult {
	t.Helper()
	p, err := newPlan(m.cfg, b, lxmert.Request{Want: lxmert.All("hid.t.0")})
	if err != nil {
		t.Fatal(err)
	}
	// Labels are not padded, so neither may the batch be.
	p.sizes = exact(p.sizes)
	labels := labelled{plan: p, data: map[labelInput]any{}}
	var params []string
	compiled, release, err := m.compiled(context.Background(), "loss "+t.Name(), func(bd *program.Builder) []*Node {
		net := NewNet(m.cfg, p.inputs(bd.Input), bd.Weight, opt)
		label := func(name string, dtype dtypes.DType) *Node {
			labels.take(golden, name, dtype)
			return bd.Input(labelInput(name), dtype, golden.Shape(name)...)
		}
		loss, others := define(net, label)
		var nodes []*Node
		params, nodes = bd.Weights()
		return slices.Concat([]*Node{loss}, others, Gradient(loss, nodes...))
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.execute(context.Background(), compiled, release, labels.feed)
	if err != nil {
		t.Fatal(err)
	}
	r := lossResult{loss: out[0].([]float32)[0], grads: map[string][]float32{}}
	count := len(out) - 1 - len(params)
	for _, o := range out[1 : 1+count] {
		r.others = append(r.others, o.([]float32))
	}
	for i, name := range params {
		r.grads[name] = asInFile(m, name, out[1+count+i].([]float32))
	}
	return r
}

// labelInput is an array of labels in a golden file.
type labelInput string

func (in labelInput) String() string { return string(in) }

// labelled feeds a graph that reads labels besides a batch.
type labelled struct {
	plan *plan
	data map[labelInput]any
}

// take feeds labels of a golden file.
func (l labelled) take(golden *goldentest.File, name string, dtype dtypes.DType) {
	if dtype == dtypes.Int32 {
		l.data[labelInput(name)] = golden.Int32s(name)
	} else {
		l.data[labelInput(name)] = golden.Float32s(name)
	}
}

func (l labelled) feed(in program.Input) any {
	if name, ok := in.(labelInput); ok {
		return l.data[name]
	}
	return l.plan.feed(in)
}

// asInFile transposes a linear layer's matrix back to [out,in].
func asInFile(m *Model, name string, x []float32) []float32 {
	shape := m.source.Shape(name)
	if !isLinear(name, shape) {
		return x
	}
	out := make([]float32, len(x))
	for o := range shape[0] {
		for i := range shape[1] {
			out[o*shape[1]+i] = x[i*shape[0]+o]
		}
	}
	return out
}

// compareGradients compares all of a file's gradients, and the parameters that have none. again computes them with the model of other weights. Where one is farther off
// than usual, that tells how far rounding alone may move it: the gradients of queries and keys go through the way back of a
// softmax, where numbers cancel that may be any number of times larger than what is left, so that no fixed bound holds for all
// weights and all orders of adding.
func compareGradients(t *testing.T, m *Model, golden *goldentest.File, r lossResult, tol goldentest.Tolerance, again func(m *Model) lossResult) {
	t.Helper()
	reach := sync.OnceValue(func() map[string]float64 { return gradientReach(t, m, r, again) })
	for _, name := range golden.Names() {
		param, ok := strings.CutPrefix(name, "grad.")
		if !ok {
			continue
		}
		got, ok := r.grads[param]
		if !ok {
			t.Errorf("%s has a gradient in the reference and none here", param)
			golden.Use(name)
			continue
		}
		if strings.HasSuffix(param, ".key.bias") {
			golden.Compare(name, got, keyBiasTolerance)
			continue
		}
		if goldentest.Difference(got, golden.Floats(name), tol) != nil {
			golden.Compare(name, got, tol.WithReach(reach()[param]))
			continue
		}
		golden.Compare(name, got, tol)
	}
	for _, table := range []string{"word", "position", "token_type"} {
		name := "bert.embeddings." + table + "_embeddings.weight"
		g := r.grads[name]
		if g == nil {
			continue
		}
		tied := table == "word" && r.grads["cls.predictions.bias"] != nil
		if isZero(g[:m.cfg.Hidden]) == tied {
			t.Errorf("row 0 of %s: zero gradient %v, expected %v", name, !tied, !tied)
		}
	}
}

// gradientReach is by how much numbers of each parameter's gradient may differ between two implementations that both round to
// float32: for each of them twice the largest move, as in roundingtest.Reach, here when every weight is moved by up to a last
// bit, in four ways. A last bit is twice as far as a rounding moves a number, and every number on the way there and back is a
// sum of products with weights, so that moving all of these moves all of those.
func gradientReach(t *testing.T, m *Model, exact lossResult, again func(m *Model) lossResult) map[string]float64 {
	t.Helper()
	reach := map[string]float64{}
	for seed := range uint64(4) {
		other, err := New(m.backend, m.cfg, movedWeights{m.source, seed}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		moved := again(other)
		other.Close()
		for param, g := range moved.grads {
			for i, x := range g {
				reach[param] = max(reach[param], 4*math.Abs(float64(x)-float64(exact.grads[param][i])))
			}
		}
	}
	return reach
}

// movedWeights are weights of which every number is moved by up to a last bit.
type movedWeights struct {
	Source
	seed uint64
}

func (s movedWeights) Read(name string, dst []float32, transposed bool) error {
	if err := s.Source.Read(name, dst, transposed); err != nil {
		return err
	}
	draw := rand.New(rand.NewPCG(s.seed, uint64(len(name))))
	for i := range dst {
		dst[i] *= 1 + float32(roundingtest.Float32*(2*draw.Float64()-1))
	}
	return nil
}

// checkFrozen compares the set of parameters that no gradient reaches: the reference's optimiser leaves them alone.
func checkFrozen(t *testing.T, m *Model, golden *goldentest.File, r lossResult) {
	t.Helper()
	want, ok := golden.Metadata["params_without_grad"]
	if !ok {
		t.Fatalf("%s does not say which parameters have no gradient", golden.Path)
	}
	var got, expected []string
	for _, p := range m.cfg.Params() {
		isPretraining := strings.HasPrefix(p.Name, "cls.") || strings.HasPrefix(p.Name, "obj_predict_head.") || strings.HasPrefix(p.Name, "answer_head.")
		if r.grads[p.Name] == nil && (m.cfg.TaskClasses == 0 || !isPretraining) {
			got = append(got, p.Name)
		}
	}
	if want != "" {
		expected = strings.Split(want, ",")
	}
	slices.Sort(got)
	slices.Sort(expected)
	if !slices.Equal(got, expected) {
		t.Errorf("without gradient: %v, expected %v", got, expected)
	}
}

func isZero(x []float32) bool {
	return !slices.ContainsFunc(x, func(v float32) bool { return v != 0 })
}

// pretrainingLosses are the six of LXMERT, section 3.1, in the reference's order, and their sum, of labels that are not
// weighted yet. Every word has its place among the masked ones, those that are not masked with weight 0.
func pretrainingLosses(net *Net, label func(string, dtypes.DType) *Node) (total *Node, each []*Node) {
	labels := map[string]*Node{}
	there := func(x *Node) *Node {
		known := ConvertDType(GreaterOrEqual(x, ZerosLike(x)), dtypes.Float32)
		return Div(known, ReduceAllSum(known))
	}
	regions := func(weights *Node) *Node {
		return MulScalar(weights, VisualLossScale/float64(weights.Shape().Size()))
	}
	i, f := dtypes.Int32, dtypes.Float32
	words := label("label.masked_lm_labels", i)
	labels[MaskedPlaces], labels[MaskedWords], labels[WordWeights] = Iota(words.Graph(), words.Shape(), 1), words, there(words)
	labels[Matched] = label("label.matched_label", i)
	labels[ObjectLabels], labels[ObjectWeights] = label("label.obj", i), regions(label("label.obj_conf", f))
	labels[AttrLabels], labels[AttrWeights] = label("label.attr", i), regions(label("label.attr_conf", f))
	labels[FeatTargets], labels[FeatWeights] = label("label.feat", f), regions(label("label.feat_mask", f))
	labels[QALabels] = label("label.ans", i)
	labels[QAWeights] = there(labels[QALabels])
	for _, l := range PretrainingLosses() {
		each = append(each, l.Of(net, func(name string) *Node { return labels[name] }))
	}
	total = each[0]
	for _, l := range each[1:] {
		total = Add(total, l)
	}
	return total, each
}

func TestPretrainingLossesAndGradientsEqualReference(t *testing.T) {
	eachGolden(t, "model", func(t *testing.T, b *backend.Backend, folder string) {
		m := openModel(t, b, filepath.Join(folder, "tiny", "weights.safetensors"), Options{})
		path := filepath.Join(folder, "tiny", "pretrain.safetensors")
		golden := goldentest.Open(t, path)
		golden.Use("input.")
		gradients := func(m *Model) lossResult {
			return differentiate(t, m, readBatch(t, path), golden, NetOptions{}, func(net *Net, label func(string, dtypes.DType) *Node) (*Node, []*Node) {
				total, each := pretrainingLosses(net, label)
				return total, append(each, net.Node("out.qa"), net.Node("out.pooled"), net.Node("out.match"))
			})
		}
		r := gradients(m)
		var losses []float32
		for _, l := range r.others[:6] {
			losses = append(losses, l[0])
		}
		golden.Compare("out.total_loss", []float32{r.loss}, lossTolerance)
		golden.Compare("f64.total_loss", []float32{r.loss}, lossTolerance)
		golden.Compare("out.losses", losses, lossTolerance)
		golden.Compare("f64.losses", losses, lossTolerance)
		golden.Compare("out.answer_score", r.others[6], forwardTolerance)
		golden.Compare("f64.qa_logits", r.others[6], forwardTolerance)
		golden.Compare("f64.pooled", r.others[7], forwardTolerance)
		golden.Compare("f64.matched_logits", r.others[8], forwardTolerance)
		golden.Compare("out.grad_norm", []float32{float32(r.norm())}, lossTolerance)
		golden.Compare("f64.grad_norm", []float32{float32(r.norm())}, lossTolerance)
		compareGradients(t, m, golden, r, gradientTolerance, gradients)
		checkFrozen(t, m, golden, r)
	})
}

// taskModel is the tiny model with a fine-tuning head from heads.safetensors.
func taskModel(t *testing.T, b *backend.Backend, folder, task string, images int) *Model {
	t.Helper()
	path := filepath.Join(folder, "tiny", "weights.safetensors")
	w, err := weights.OpenModel(path, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	heads, err := weights.Open(filepath.Join(folder, "tiny", "heads.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { heads.Close() })
	cfg := w.Config
	bias, ok := heads.Tensor(task + ".logit_fc.3.bias")
	if !ok {
		t.Fatalf("heads.safetensors has no head for %s", task)
	}
	cfg.TaskClasses, cfg.TaskImages = bias.Shape[0], images
	m, err := New(b.Backend, cfg, withHead{fileSource{w}, heads, task}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// withHead adds a task's head to a model's weights.
type withHead struct {
	fileSource
	heads *weights.File
	task  string
}

func (s withHead) Shape(name string) []int {
	if t, ok := s.heads.Tensor(s.task + "." + name); ok {
		return t.Shape
	}
	return s.fileSource.Shape(name)
}

func (s withHead) Read(name string, dst []float32, transposed bool) error {
	t, ok := s.heads.Tensor(s.task + "." + name)
	switch {
	case !ok:
		return s.fileSource.Read(name, dst, transposed)
	case transposed:
		return t.ReadTransposed(dst)
	}
	return t.ReadFloat32(dst)
}

func TestTaskLossesAndGradientsEqualReference(t *testing.T) {
	tasks := []struct {
		file, head string
		images     int
		lossName   string
		loss       func(logits *Node, label func(string, dtypes.DType) *Node) *Node
	}{
		{"vqa", "vqa", 1, "out.loss", func(logits *Node, label func(string, dtypes.DType) *Node) *Node {
			return SoftAnswerLoss(logits, label("input.target", dtypes.Float32))
		}},
		{"gqa_mce", "vqa", 1, "out.mce_loss", func(logits *Node, label func(string, dtypes.DType) *Node) *Node {
			return HardAnswerLoss(logits, label("input.target", dtypes.Float32))
		}},
		{"nlvr2", "nlvr2", 2, "out.loss", func(logits *Node, label func(string, dtypes.DType) *Node) *Node {
			return LabelLoss(logits, label("input.label", dtypes.Int32))
		}},
	}
	eachGolden(t, "model", func(t *testing.T, b *backend.Backend, folder string) {
		for _, task := range tasks {
			t.Run(task.file, func(t *testing.T) {
				m := taskModel(t, b, folder, task.head, task.images)
				path := filepath.Join(folder, "tiny", task.file+".safetensors")
				golden := goldentest.Open(t, path)
				golden.Use("input.")
				gradients := func(m *Model) lossResult {
					return differentiate(t, m, readBatch(t, path), golden, NetOptions{PooledOnly: true}, func(net *Net, label func(string, dtypes.DType) *Node) (*Node, []*Node) {
						logits := net.Node("out.task")
						return task.loss(logits, label), []*Node{logits}
					})
				}
				r := gradients(m)
				golden.Compare(task.lossName, []float32{r.loss}, lossTolerance)
				golden.Compare("out.logits", r.others[0], forwardTolerance)
				for _, norm := range []string{"out.grad_norm", "f64.grad_norm"} {
					if golden.Has(norm) {
						golden.Compare(norm, []float32{float32(r.norm())}, lossTolerance)
					}
				}
				compareGradients(t, m, golden, r, gradientTolerance, gradients)
				if task.file != "gqa_mce" { // which has some of the gradients only, and does not say what has none
					checkFrozen(t, m, golden, r)
				}
			})
		}
	})
}

func TestHardTargetIsTheFirstLargestAnswer(t *testing.T) {
	goldentest.Each(t, "model", func(t *testing.T, folder string) {
		golden := goldentest.Open(t, filepath.Join(folder, "tiny", "gqa_mce.safetensors"))
		golden.Use("")
		b := backendtest.Open(t, "go")
		got, err := ExecOnce(b.Backend, func(x *Node) *Node { return ArgMax(x, -1, dtypes.Int32) },
			matrix(golden.Float32s("input.target"), golden.Shape("input.target")))
		if err != nil {
			t.Fatal(err)
		}
		if want := golden.Int32s("input.hard_target"); !slices.Equal(got.Value().([]int32), want) {
			t.Errorf("argmax %v, expected %v", got.Value(), want)
		}
	})
}

// matrix cuts a flat matrix into rows.
func matrix(flat []float32, shape []int) [][]float32 {
	var out [][]float32
	for i := range shape[0] {
		out = append(out, flat[i*shape[1]:(i+1)*shape[1]])
	}
	return out
}
