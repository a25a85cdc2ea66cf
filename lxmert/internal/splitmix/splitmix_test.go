package splitmix

import "testing"

// The expected values are the first three that Java's SplittableRandom(1234567).nextLong() gives, which is SplitMix64.
func TestMix(t *testing.T) {
	state := uint64(1234567)
	for i, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423} {
		if got := Mix(state); got != want {
			t.Errorf("number %d is %d, expected %d", i, got, want)
		}
		state += Gamma
	}
}
