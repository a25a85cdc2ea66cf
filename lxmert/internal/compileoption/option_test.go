package compileoption

import (
	"bytes"
	"testing"
)

// TestOptionsAreWrittenAsProtocolBuffers, after the encoding's description: a key is the field's number times 8 plus the kind (0: a
// number, 2: so many bytes).
func TestOptionsAreWrittenAsProtocolBuffers(t *testing.T) {
	got, err := encode([]Option{{"ab", true}, {"c", "xyz"}, {"d", 300}})
	if err != nil {
		t.Fatal(err)
	}
	want := []byte{
		7<<3 | 2, 8, 1<<3 | 2, 2, 'a', 'b', 2<<3 | 2, 2, 2 << 3, 1,
		7<<3 | 2, 10, 1<<3 | 2, 1, 'c', 2<<3 | 2, 5, 1<<3 | 2, 3, 'x', 'y', 'z',
		7<<3 | 2, 8, 1<<3 | 2, 1, 'd', 2<<3 | 2, 3, 3 << 3, 0xac, 0x02,
	}
	if !bytes.Equal(got, want) {
		t.Errorf("% x, want % x", got, want)
	}
	if _, err := encode([]Option{{"e", 0.5}}); err == nil {
		t.Error("a number that is not whole is written")
	}
}

// TestOptionsAreAddedBehindThoseThatAreThere, as a list of one more: they count where both say something.
func TestOptionsAreAddedBehindThoseThatAreThere(t *testing.T) {
	const there = "what go-xla said"
	for want, got := range map[string][]byte{
		"xla_gpu_enable_triton_gemm": WithoutTriton([]byte(there)), "xla_dump_hlo_as_text": Dumping([]byte(there), "/a/folder"), "/a/folder": Dumping([]byte(there), "/a/folder"),
	} {
		if !bytes.HasPrefix(got, []byte(there)) || !bytes.Contains(got[len(there):], []byte(want)) {
			t.Errorf("%q has no %s behind what was there", got, want)
		}
	}
}

func TestOptionsThatDoNotReachACompilerAreAnError(t *testing.T) {
	nothing := func() error { return nil }
	if _, err := With(nil, nothing); err != nil {
		t.Error(err)
	}
	if _, err := With([]Option{{"a", true}}, nothing); err == nil {
		t.Error("options that nobody took are not an error")
	}
}
