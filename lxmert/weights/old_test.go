package weights

import (
	"slices"
	"testing"
)

// TestPartsOfStorages reads what torch before 0.4 and Python 2 wrote: byte strings for text, and tensors over parts of a
// storage that the persistent id names by (key, first element, number of elements).
func TestPartsOfStorages(t *testing.T) {
	tensor := func(name, part string, count byte) string {
		return "U\x01" + name + "ctorch._utils\n_rebuild_tensor\n((U\x07storagectorch\nFloatStorage\nU\x04rootU\x06cuda:0K\x04" + part + "tQK\x00K" + string(rune(count)) + "\x85K\x01\x85tRs"
	}
	object := "\x80\x02ccollections\nOrderedDict\n]\x85R" +
		tensor("a", "N", 4) + tensor("b", "(U\x01vK\x02K\x02t", 2) + tensor("c", "(U\x01vK\x01K\x01t", 1) + "."
	values := "\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x40\x40\x00\x00\x80\x40"
	data := legacyOf(object, "\x80\x02]U\x04roota.", "\x04\x00\x00\x00\x00\x00\x00\x00"+values)
	for _, mapped := range []bool{true, false} {
		f, err := openBytes(data, mapped)
		if err != nil {
			t.Fatal(err)
		}
		first, _ := f.Tensor("a")
		for name, want := range map[string][]float32{"a": {1, 2, 3, 4}, "b": {3, 4}, "c": {2}} {
			x, _ := f.Tensor(name)
			got, err := x.Float32s()
			if err != nil || !slices.Equal(got, want) || !x.SharesStorage(first) {
				t.Errorf("%s is %v (%v), want %v of one storage", name, got, err, want)
			}
		}
	}
	outside := legacyOf("\x80\x02}"+tensor("b", "(U\x01vK\x02K\x02t", 3)+".", "\x80\x02]U\x04roota.", "\x04\x00\x00\x00\x00\x00\x00\x00"+values)
	if _, err := openBytes(outside, true); err == nil {
		t.Error("a tensor reaches beyond its part of a storage")
	}
}
