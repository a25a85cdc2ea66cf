package probe

import "math/rand/v2"

// Control draws the labels of a control task (Hewitt and Liang 2019): one label for each type, such as each word or each
// class of the detector, as often as the labels y occur among rows. All rows of a type have its label. So a probe can
// only learn it by remembering types, and what the real task has more of is not owed to the probe's memory.
//
// Types are given for each row; the draw depends on the order in which they first occur.
func Control(types []string, y []int, random *rand.Rand) []int {
	drawn := map[string]int{}
	out := make([]int, len(y))
	for i, name := range types {
		label, known := drawn[name]
		if !known {
			label = y[random.IntN(len(y))]
			drawn[name] = label
		}
		out[i] = label
	}
	return out
}
