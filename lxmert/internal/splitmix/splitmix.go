// Package splitmix makes random numbers that are pure functions of where they are used.
package splitmix

// Gamma is by how much the state moves on: states that lie multiples of it apart give numbers of one sequence.
const Gamma = 0x9e3779b97f4a7c15

// First and Second are the factors of [Mix], for whoever computes it elsewhere.
const (
	First  = 0xbf58476d1ce4e5b9
	Second = 0x94d049bb133111eb
)

// Mix is the step of SplitMix64 (Steele, Lea and Flood, 2014): the state z moves on, and 64 bits come of it.
func Mix(z uint64) uint64 {
	z += Gamma
	z = (z ^ z>>30) * First
	z = (z ^ z>>27) * Second
	return z ^ z>>31
}
