package modality

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// This file is the mathematics of Shapley values: of a game that has a value for every set of its players. What the
// players are, and how a model is asked for a value, it does not know.

// exactShapley shares out values among n players: values[S] is that of the players whose bits are set in S, 2^n of them. The
// shares' sum is values[all] - values[none].
func exactShapley(values []float64) []float64 {
	n := bits.Len(uint(len(values))) - 1
	weight := sizeWeights(n)
	shares := make([]float64, n)
	for i := range shares {
		for s := range values {
			if s>>i&1 == 0 {
				shares[i] += weight[bits.OnesCount(uint(s))] * (values[s|1<<i] - values[s])
			}
		}
	}
	return shares
}

// sizeWeights are those of the sets without one player, by their size: s! (n-s-1)! / n!, which over all sets sum to 1.
func sizeWeights(n int) []float64 {
	weights := make([]float64, n+1)
	for s := range n {
		weights[s] = 1 / (float64(n) * binomial(n-1, s))
	}
	return weights
}

func binomial(n, k int) float64 {
	x := 1.0
	for i := 1; i <= k; i++ {
		x = x * float64(n-k+i) / float64(i)
	}
	return x
}

// exactInteractions are the pairwise Shapley interactions of players [first side][second side], of which the first `a`
// players are one side and the others the other: the mean over orders in which a pair comes as one of
// v(S+i+j) - v(S+i) - v(S+j) + v(S) (Grabisch and Roubens, 1999). Of players that do not interact it is 0.
func exactInteractions(values []float64, a int) [][]float64 {
	n := bits.Len(uint(len(values))) - 1
	out := zeros(a, n-a)
	if n < 2 {
		return out
	}
	weight := sizeWeights(n - 1) // the pair counts as one player
	for i := range a {
		for j := a; j < n; j++ {
			pair := 1<<i | 1<<j
			for s := range values {
				if s&pair == 0 {
					out[i][j-a] += weight[bits.OnesCount(uint(s))] * (values[s|pair] - values[s|1<<i] - values[s|1<<j] + values[s])
				}
			}
		}
	}
	return out
}

// antithetic draws orders of n players in pairs: each order is followed by its reverse.
func antithetic(n, pairs int, random *rand.Rand) [][]int {
	var orders [][]int
	for range pairs {
		order := random.Perm(n)
		reverse := make([]int, n)
		for i, p := range order {
			reverse[n-1-i] = p
		}
		orders = append(orders, order, reverse)
	}
	return orders
}

// fromOrders estimates shares from orders in which players come: a player's share is by how much the value rises when it
// comes. value is that of the players who came first, present[i] for each. Within each order the shares' sum is
// value(all) - value(none). Orders come in pairs that belong together; the standard errors are those of the mean over pairs,
// NaN of one pair.
func fromOrders(orders [][]int, value func(present []bool) float64) (shares, errors []float64) {
	n := len(orders[0])
	pairs := len(orders) / 2
	shares, errors = make([]float64, n), make([]float64, n)
	squares := make([]float64, n)
	for k := range pairs {
		mean := make([]float64, n)
		for _, order := range orders[2*k : 2*k+2] {
			present := make([]bool, n)
			before := value(present)
			for _, p := range order {
				present[p] = true
				after := value(present)
				mean[p] += (after - before) / 2
				before = after
			}
		}
		for i, x := range mean {
			// Welford's update, which does not subtract large sums.
			d := x - shares[i]
			shares[i] += d / float64(k+1)
			squares[i] += d * (x - shares[i])
		}
	}
	for i, s := range squares {
		errors[i] = math.Sqrt(s / float64(pairs-1) / float64(pairs))
	}
	return shares, errors
}
