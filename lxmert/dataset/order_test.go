package dataset

import (
	"math"
	"math/big"
	"slices"
	"testing"
)

// pcg states PCG-DXSM (O'Neill's PCG with a 128-bit state, as NumPy and math/rand/v2 have it) in whole numbers.
type pcg struct{ state *big.Int }

func hexNumber(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic(s)
	}
	return n
}

func modulo(n *big.Int, bits uint) *big.Int {
	return new(big.Int).And(n, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), bits), big.NewInt(1)))
}

func (p *pcg) next() *big.Int {
	multiplier, increment := hexNumber("2360ed051fc65da44385df649fccf645"), hexNumber("5851f42d4c957f2d14057b7ef767814f")
	p.state = modulo(new(big.Int).Add(new(big.Int).Mul(p.state, multiplier), increment), 128)
	high, low := new(big.Int).Rsh(p.state, 64), modulo(p.state, 64)
	cheap := hexNumber("da942042e4dd58b5")
	high.Xor(high, new(big.Int).Rsh(high, 32))
	high = modulo(new(big.Int).Mul(high, cheap), 64)
	high.Xor(high, new(big.Int).Rsh(high, 48))
	return modulo(new(big.Int).Mul(high, low.Or(low, big.NewInt(1))), 64)
}

// The documented algorithm, with numbers of any size.
func orderInWholeNumbers(n int, seed, epoch int64) []int {
	p := &pcg{new(big.Int).Add(new(big.Int).Lsh(big.NewInt(seed), 64), big.NewInt(epoch))}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := int(new(big.Int).Rsh(new(big.Int).Mul(p.next(), big.NewInt(int64(i)+1)), 64).Int64())
		order[i], order[j] = order[j], order[i]
	}
	return order
}

func TestOrderIsWhatItsCommentSays(t *testing.T) {
	for _, c := range []struct {
		n           int
		seed, epoch int64
	}{{0, 1, 1}, {1, 1, 1}, {2, 9595, 0}, {10, 9595, 0}, {10, 9595, 1}, {1000, 0, 0}, {1000, 1 << 40, 19}} {
		if got, want := Order(c.n, uint64(c.seed), int(c.epoch)), orderInWholeNumbers(c.n, c.seed, c.epoch); !slices.Equal(got, want) {
			t.Errorf("%+v: %v, want %v", c, got, want)
		}
	}
}

func TestOrderIsAPermutationOfItsOwn(t *testing.T) {
	const n = 500
	seen := map[string]bool{}
	for seed := range uint64(4) {
		for epoch := range 4 {
			order := Order(n, seed, epoch)
			for i, x := range slices.Sorted(slices.Values(order)) {
				if i != x {
					t.Fatalf("seed %d, epoch %d: no permutation", seed, epoch)
				}
			}
			key := ""
			for _, x := range order {
				key += string(rune(x))
			}
			if seen[key] {
				t.Errorf("seed %d, epoch %d: the same order as another", seed, epoch)
			}
			seen[key] = true
		}
	}
	if len(Order(-1, 0, 0)) != 0 {
		t.Error("a negative number of examples has an order")
	}
}

// Neighbouring epochs and seeds have nothing in common: their rank correlation is that of chance, at most 4 standard
// deviations of 1/sqrt(n-1).
func TestOrdersAreUnrelated(t *testing.T) {
	const n = 20000
	correlation := func(a, b []int) float64 {
		sum := 0.0
		for i := range a {
			sum += (float64(a[i]) - (n-1)/2.0) * (float64(b[i]) - (n-1)/2.0)
		}
		return sum * 12 / (n * (n*n - 1.0))
	}
	identity := make([]int, n)
	for i := range identity {
		identity[i] = i
	}
	base := Order(n, 9595, 0)
	for name, other := range map[string][]int{
		"the file's order": identity, "the next epoch": Order(n, 9595, 1), "the second next": Order(n, 9595, 2), "the next seed": Order(n, 9596, 0),
	} {
		if r := correlation(base, other); math.Abs(r) > 4/math.Sqrt(n-1) {
			t.Errorf("correlation with %s is %.4f", name, r)
		}
	}
}
