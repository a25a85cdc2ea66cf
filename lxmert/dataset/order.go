package dataset

import (
	"math/bits"
	"math/rand/v2"
)

// Order is the order in which an epoch goes through n examples: a permutation that depends on nothing else, so that a run
// resumes at any batch of any epoch. It is the Fisher-Yates shuffle of 0, 1, …, n-1 from the last place down, place i
// changing with the upper half of the 128-bit product of i+1 and the next number of PCG-DXSM, which starts at
// (seed, epoch). A negative epoch counts as its two's complement; n below 1 gives an empty order.
func Order(n int, seed uint64, epoch int) []int {
	order := make([]int, max(n, 0))
	for i := range order {
		order[i] = i
	}
	// Stated here rather than left to rand.Perm, because a run may be resumed by a program built with another Go.
	random := rand.NewPCG(seed, uint64(epoch))
	for i := n - 1; i > 0; i-- {
		j, _ := bits.Mul64(random.Uint64(), uint64(i)+1)
		order[i], order[j] = order[j], order[i]
	}
	return order
}
