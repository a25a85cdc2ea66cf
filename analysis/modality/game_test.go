package modality

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed-516990b0/golxmert/analysis/internal/goldencase"
	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// TestSharesOfGivenGamesEqualReference needs no model: values of all sets and the orders are given.
func TestSharesOfGivenGamesEqualReference(t *testing.T) {
	for _, folder := range goldentest.Folders(t, "analysis") {
		golden := goldencase.Open(t, folder, "shap")
		golden.Use("shap.")
		n := golden.Shape("shap.mask.coalitions")[1]
		for _, word := range []string{"mask", "pad"} {
			sets := golden.Ints("shap." + word + ".coalitions")
			for _, target := range []string{"itm", "qa"} {
				key := "shap." + word + "." + target
				values := make([]float64, 1<<n)
				for k, v := range golden.Floats(key + ".values") {
					values[set(sets[k*n:(k+1)*n])] = v
				}
				exactly(t, golden, key+".phi", exactShapley(values))
				if key != "shap.mask.itm" {
					continue
				}
				var orders [][]int
				for o := range slices.Chunk(golden.Ints("shap.perm.orders"), n) {
					orders = append(orders, o)
				}
				shares, _ := fromOrders(orders, table(values))
				exactly(t, golden, "shap.perm.phi", shares)
			}
		}
	}
}

func set(present []int) (s int) {
	for i, p := range present {
		s |= p << i
	}
	return s
}

// table is the value of a set in a list of all sets' values.
func table(values []float64) func(present []bool) float64 {
	return func(present []bool) float64 {
		s := 0
		for i, there := range present {
			if there {
				s |= 1 << i
			}
		}
		return values[s]
	}
}

// exactly compares what double precision computes from given values: a sum of at most 2^n products of them.
func exactly(t *testing.T, golden goldencase.File, name string, got []float64) {
	t.Helper()
	for i, want := range golden.Floats(name) {
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("%s[%d] is %g, expected %g", name, i, got[i], want)
		}
	}
}

func TestOrdersComeWithTheirReverse(t *testing.T) {
	orders := antithetic(9, 5, rand.New(rand.NewPCG(1, 1)))
	if len(orders) != 10 {
		t.Fatalf("%d orders", len(orders))
	}
	for k := 0; k < len(orders); k += 2 {
		back := slices.Clone(orders[k+1])
		slices.Reverse(back)
		sorted := slices.Sorted(slices.Values(orders[k]))
		if !slices.Equal(orders[k], back) || sorted[0] != 0 || sorted[8] != 8 {
			t.Errorf("order %v is followed by %v", orders[k], orders[k+1])
		}
	}
}

// TestStandardErrorsAreThoseOfTheMeanOverPairs computes them from scratch.
func TestStandardErrorsAreThoseOfTheMeanOverPairs(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	values := make([]float64, 1<<5)
	for i := range values {
		values[i] = random.NormFloat64()
	}
	value := table(values)
	orders := antithetic(5, 8, random)
	shares, errors := fromOrders(orders, value)
	for i := range shares {
		var each []float64
		mean := 0.0
		for k := 0; k < len(orders); k += 2 {
			one, alone := fromOrders(orders[k:k+2], value)
			if !math.IsNaN(alone[i]) {
				t.Errorf("one pair of orders has the standard error %g", alone[i])
			}
			each = append(each, one[i])
			mean += one[i] / 8
		}
		squares := 0.0
		for _, x := range each {
			squares += (x - mean) * (x - mean)
		}
		if want := math.Sqrt(squares / 7 / 8); math.Abs(errors[i]-want) > 1e-12 || math.Abs(shares[i]-mean) > 1e-12 {
			t.Errorf("player %d: %g ± %g, expected %g ± %g", i, shares[i], errors[i], mean, want)
		}
	}
}

// TestAllOrdersGiveTheExactShares: the mean over every order there is.
func TestAllOrdersGiveTheExactShares(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	values := make([]float64, 1<<4)
	for i := range values {
		values[i] = random.NormFloat64()
	}
	var orders [][]int
	var permute func(order, left []int)
	permute = func(order, left []int) {
		if len(left) == 0 {
			orders = append(orders, slices.Clone(order))
		}
		for i, p := range left {
			permute(append(slices.Clone(order), p), slices.Delete(slices.Clone(left), i, i+1))
		}
	}
	permute(nil, []int{0, 1, 2, 3})
	got, _ := fromOrders(orders, table(values))
	for i, want := range exactShapley(values) {
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("player %d has %g over all %d orders, exactly %g", i, got[i], len(orders), want)
		}
	}
}

func TestInteractionsOfPlayersThatAddUpAreZeroAndOthersAreTheirProducts(t *testing.T) {
	const a, n = 2, 5
	random := rand.New(rand.NewPCG(4, 4))
	alone, together := make([]float64, n), zeros(a, n-a)
	for i := range alone {
		alone[i] = random.NormFloat64()
	}
	for i := range together {
		for j := range together[i] {
			together[i][j] = random.NormFloat64()
		}
	}
	together[1][2] = 0
	values := make([]float64, 1<<n)
	for s := range values {
		for i := range n {
			if s>>i&1 == 1 {
				values[s] += alone[i]
			}
		}
		for i := range a {
			for j := range n - a {
				if s>>i&1 == 1 && s>>(a+j)&1 == 1 {
					values[s] += together[i][j]
				}
			}
		}
	}
	got := exactInteractions(values, a)
	for i := range together {
		for j, want := range together[i] {
			if math.Abs(got[i][j]-want) > 1e-12 {
				t.Errorf("players %d and %d interact by %g, expected %g", i, a+j, got[i][j], want)
			}
		}
	}
	// Where players interact in pairs at the most, an order and its reverse tell all.
	shares, _ := fromOrders(antithetic(n, 1, random), table(values))
	for i, want := range exactShapley(values) {
		if math.Abs(shares[i]-want) > 1e-12 {
			t.Errorf("player %d has %g from an order and its reverse, exactly %g", i, shares[i], want)
		}
	}
}

// TestSetsWithoutAPairAreAsLargeAsTheFormulaWeighsThem: Shapley's formula gives each size from 0 to n-2 the same weight.
func TestSetsWithoutAPairAreAsLargeAsTheFormulaWeighsThem(t *testing.T) {
	const words, regions, draws = 3, 4, 60000
	const n = words + regions
	met := make([]int, n-1)
	for _, set := range drawSets(words, regions, draws, rand.New(rand.NewPCG(5, 5))) {
		size := 0
		for _, there := range set {
			if there {
				size++
			}
		}
		if !set[1] && !set[words+2] {
			met[size]++
		}
	}
	p := 1.0 / (n - 1) / (n - 1) // of a draw to leave the pair out and to be of one size
	for size, times := range met {
		if off := math.Abs(float64(times) - draws*p); off > 6*math.Sqrt(draws*p*(1-p)) {
			t.Errorf("%d sets of %d lack the pair, expected %.0f", times, size, draws*p)
		}
	}
}
