package probe

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// MutualInformation says how much two labellings of the same things tell about each other: their mutual information divided
// by the arithmetic mean, the geometric mean and the larger of their entropies, 0 to 1 each. Names of the labels do not
// matter. Two labellings with a single label each tell each other everything there is, 1; one alone tells nothing, 0.
func MutualInformation(a, b []int) (arithmetic, geometric, larger float64) {
	n := float64(len(a))
	countA, countB, both := map[int]float64{}, map[int]float64{}, map[[2]int]float64{}
	for i := range a {
		countA[a[i]]++
		countB[b[i]]++
		both[[2]int{a[i], b[i]}]++
	}
	if len(countA) == 1 && len(countB) == 1 {
		return 1, 1, 1
	}
	if len(countA) < 2 || len(countB) < 2 {
		return 0, 0, 0
	}
	hA, hB, common := 0.0, 0.0, 0.0
	for _, c := range countA {
		hA -= c / n * math.Log(c/n)
	}
	for _, c := range countB {
		hB -= c / n * math.Log(c/n)
	}
	for pair, c := range both {
		common += c / n * math.Log(n*c/(countA[pair[0]]*countB[pair[1]]))
	}
	share := func(of float64) float64 { return min(1, max(0, common/of)) } // rounding alone goes beyond
	return share((hA + hB) / 2), share(math.Sqrt(hA * hB)), share(max(hA, hB))
}

// twoMeans parts rows x [n,D] into two groups by k-means: of restarts tries, each from two rows drawn as k-means++ does, the
// one whose rows are nearest to their group's mean. The groups' names, 0 and 1, mean nothing.
func twoMeans(x *mat.Dense, restarts int, random *rand.Rand) []int {
	n, _ := x.Dims()
	var best []int
	least := math.Inf(1)
	for range restarts {
		centres := seeds(x, random)
		groups, far := make([]int, n), math.Inf(1)
		for {
			sum := 0.0
			for i := range groups {
				row := x.RawRowView(i)
				d0, d1 := floats.Distance(row, centres[0], 2), floats.Distance(row, centres[1], 2)
				groups[i] = 0
				if d1 < d0 {
					groups[i] = 1
				}
				sum += min(d0, d1) * min(d0, d1)
			}
			if !(sum < far) { // each round brings the rows nearer, until none changes its group
				break
			}
			far = sum
			recentre(x, groups, centres)
		}
		if far < least {
			least, best = far, groups
		}
	}
	return best
}

// seeds draws a row, and another with a probability that grows with the square of its distance from the first.
func seeds(x *mat.Dense, random *rand.Rand) [2][]float64 {
	n, _ := x.Dims()
	first := append([]float64(nil), x.RawRowView(random.IntN(n))...)
	weights := make([]float64, n)
	for i := range weights {
		d := floats.Distance(x.RawRowView(i), first, 2)
		weights[i] = d * d
	}
	at := random.Float64() * floats.Sum(weights)
	second := 0
	for i, w := range weights {
		if at -= w; at < 0 {
			second = i
			break
		}
	}
	return [2][]float64{first, append([]float64(nil), x.RawRowView(second)...)}
}

// recentre moves the centres to the means of their groups; that of an empty one stays.
func recentre(x *mat.Dense, groups []int, centres [2][]float64) {
	for g, centre := range centres {
		members := 0.0
		for _, of := range groups {
			if of == g {
				members++
			}
		}
		if members == 0 {
			continue
		}
		clear(centre)
		for i, of := range groups {
			if of == g {
				floats.AddScaled(centre, 1/members, x.RawRowView(i))
			}
		}
	}
}
