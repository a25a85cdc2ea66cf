package toy

import (
	"math"
	"math/rand/v2"
)

// FeatDim is the number of features of a RoI.
const FeatDim = 64

// What makes features hard to read. With these numbers the nearest direction tells the shape of an object in 97 or 98 of
// 100 RoIs, and its colour likewise.
const (
	noise          = 28  // standard deviation per feature, in hundredths
	cropShare      = 50  // how much of an object's features a bad crop of it has, in hundredths
	backgroundGain = 150 // length of what all distractors' features have in common, in hundredths
)

// Features are computed in integers, in steps of 2^-16, so that they are the same on every machine.
const one = 1 << 16

// directions are orthogonal vectors of length 1 in feature space, one for each thing that a RoI can show. They differ from
// seed to seed: a model of one world sees nothing in another.
type directions struct {
	shape, color, size map[string][]int64
	background         []int64
}

func newDirections(seed uint64) directions {
	rng := rand.New(stream(seed, "directions", 0))
	var basis [][]float64
	next := func() []int64 {
		v := orthogonal(rng, basis)
		basis = append(basis, v)
		fixed := make([]int64, FeatDim)
		for i, x := range v {
			fixed[i] = int64(math.Round(x * one))
		}
		return fixed
	}
	all := func(names []string) map[string][]int64 {
		m := map[string][]int64{}
		for _, name := range names {
			m[name] = next()
		}
		return m
	}
	return directions{shape: all(Shapes), color: all(Colors), size: all(Sizes), background: next()}
}

// orthogonal draws a direction at right angles to all of basis. The conversions keep compilers from fusing operations,
// which would round otherwise on some machines.
func orthogonal(rng *rand.Rand, basis [][]float64) []float64 {
	v := make([]float64, FeatDim)
	for i := range v {
		v[i] = float64(gauss(rng)) / one
	}
	dot := func(a, b []float64) float64 {
		sum := 0.0
		for i := range a {
			sum += float64(a[i] * b[i])
		}
		return sum
	}
	for range 2 { // the second time removes what rounding left
		for _, b := range basis {
			along := dot(v, b)
			for i := range v {
				v[i] -= float64(along * b[i])
			}
		}
	}
	length := math.Sqrt(dot(v, v))
	for i := range v {
		v[i] /= length
	}
	return v
}

// gauss draws from a distribution very near to the normal one, in steps of 2^-16: the sum of twelve uniform numbers of 16
// bits has a standard deviation of 2^16.
func gauss(rng *rand.Rand) int64 {
	const middle = 12 * (1<<16 - 1) / 2
	sum := int64(-middle)
	for range 3 {
		bits := rng.Uint64()
		sum += int64(bits&0xffff) + int64(bits>>16&0xffff) + int64(bits>>32&0xffff) + int64(bits>>48)
	}
	return sum
}

// features draws the features of a scene's RoIs, [ROIs,FeatDim].
func (d directions) features(rng *rand.Rand, s *Scene) []float32 {
	out := make([]float32, s.ROIs()*FeatDim)
	fill := func(roi int, signal func(i int) int64) {
		for i := range FeatDim {
			out[roi*FeatDim+i] = float32(signal(i)+gauss(rng)*noise/100) / one
		}
	}
	object := func(o Object) func(int) int64 {
		shape, color, size := d.shape[o.Shape], d.color[o.Color], d.size[o.Size]
		return func(i int) int64 { return shape[i] + color[i] + size[i] }
	}
	background := func(i int) int64 { return d.background[i] * backgroundGain / 100 }
	for _, o := range s.Objects {
		fill(o.ROI, object(o))
	}
	for _, x := range s.Distractors {
		signal := background
		if x.Of != nil {
			whole := object(s.Objects[*x.Of])
			signal = func(i int) int64 { return background(i) + whole(i)*cropShare/100 }
		}
		fill(x.ROI, signal)
	}
	return out
}

// label is what the detector says about a RoI.
type label struct {
	object, attribute         int64
	objectConf, attributeConf float32
}

// detect draws what a detector makes of a scene: right and rather sure about objects, unsure and mostly wrong about
// distractors.
func detect(rng *rand.Rand, s *Scene) []label {
	out := make([]label, s.ROIs())
	confidence := func(least, most int) float32 { return float32(least+rng.IntN(most-least+1)) / 256 }
	class := func(names []string, name string) int64 {
		for i, n := range names {
			if n == name {
				return int64(i)
			}
		}
		return int64(rng.IntN(len(names)))
	}
	for _, o := range s.Objects {
		out[o.ROI] = label{class(Shapes, o.Shape), class(Colors, o.Color), confidence(154, 250), confidence(128, 245)}
	}
	for _, d := range s.Distractors {
		var seen Object
		if d.Of != nil && rng.IntN(2) == 0 {
			seen = s.Objects[*d.Of]
		}
		out[d.ROI] = label{class(Shapes, seen.Shape), class(Colors, seen.Color), confidence(51, 110), confidence(13, 90)}
	}
	return out
}

// stream is the random stream of one thing in a world: a pure function of the seed, a name and an index.
func stream(seed uint64, name string, index int) *rand.PCG {
	h := uint64(0xcbf29ce484222325) // FNV-1a
	for _, b := range []byte(name) {
		h = (h ^ uint64(b)) * 0x100000001b3
	}
	return rand.NewPCG(seed, h+uint64(index)*0x9e3779b97f4a7c15)
}
