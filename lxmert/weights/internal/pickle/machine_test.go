package pickle

import (
	"math/big"
	"reflect"
	"strings"
	"testing"
)

func load(program string) (any, *Machine, error) {
	m := NewMachine(strings.NewReader(program), 0, int64(len(program)))
	v, err := m.Load()
	return v, m, err
}

func TestValues(t *testing.T) {
	huge, _ := new(big.Int).SetString("1950a86a20f9469cfc6c", 16)
	for program, want := range map[string]any{
		"\x80\x02N.":                 nil,
		"\x80\x02\x88.":              true,
		"\x80\x02K\xff.":             int64(255),
		"\x80\x02M\xff\xff.":         int64(65535),
		"\x80\x02J\xff\xff\xff\xff.": int64(-1),
		"\x80\x02\x8a\x00.":          int64(0),
		"\x80\x02\x8a\x02\x00\xff.":  int64(-256),
		"\x80\x02\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f.":     int64(1<<63 - 1),
		"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.":            huge,
		"\x80\x02G?\xf0\x00\x00\x00\x00\x00\x00.":               1.0,
		"\x80\x02X\x05\x00\x00\x00caf\xc3\xa9.":                 "café",
		"\x80\x04\x8c\x01a\x94.":                                "a",
		"\x80\x02U\x01\xff.":                                    Bytes("\xff"),
		"\x80\x03C\x02\x00\x01.":                                Bytes("\x00\x01"),
		"\x80\x02).":                                            &Tuple{},
		"\x80\x02K\x01K\x02\x86.":                               &Tuple{[]any{int64(1), int64(2)}},
		"\x80\x02](K\x01Ne.":                                    &List{[]any{int64(1), nil}},
		"\x80\x04\x8f(K\x01\x90.":                               &List{[]any{int64(1)}},
		"\x80\x04(K\x01\x91.":                                   &Tuple{[]any{int64(1)}},
		"\x80\x05\x96\x02\x00\x00\x00\x00\x00\x00\x00\x00\x01.": Bytes("\x00\x01"),
		"\x80\x02I-8589934592\n.":                               int64(-1 << 33),
		"\x80\x02X\x04\x00\x00\x00a\xed\xb3\xa9.":               "a\uFFFD",
		"\x80\x02(K\x01K\x02l.":                                 &List{[]any{int64(1), int64(2)}},
	} {
		got, _, err := load(program)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %#v (%v), want %#v", program, got, err, want)
		}
	}
}

// TestLargeDictsKeepOrderAndLastValue covers both ways of looking keys up.
func TestLargeDictsKeepOrderAndLastValue(t *testing.T) {
	program := "\x80\x02}("
	for round := range 2 {
		for i := range 40 {
			program += "K" + string([]byte{byte(i)}) + "K" + string([]byte{byte(round)})
		}
	}
	v, _, err := load(program + "u.")
	if err != nil {
		t.Fatal(err)
	}
	d := v.(*Dict)
	if len(d.Pairs) != 40 {
		t.Fatalf("%d pairs", len(d.Pairs))
	}
	for i, p := range d.Pairs {
		if got, ok := d.Get(int64(i)); p.Key != any(int64(i)) || !ok || got != any(int64(1)) {
			t.Errorf("pair %d is %v: %v", i, p, got)
		}
	}
	if _, ok := d.Get("x"); ok {
		t.Error("it has a key that nobody set")
	}
}

// TestPicklesFollowEachOther as in torch's older files.
func TestPicklesFollowEachOther(t *testing.T) {
	program := "\x80\x02K\x01.\x80\x02K\x02.rest"
	m := NewMachine(strings.NewReader("junk"+program), 4, int64(4+len(program)))
	for _, want := range []int64{1, 2} {
		if v, err := m.Load(); err != nil || v != any(want) {
			t.Fatal(v, err)
		}
	}
	if m.Offset() != int64(4+len(program)-len("rest")) {
		t.Errorf("offset %d", m.Offset())
	}
	if _, err := m.Load(); err == nil || !strings.Contains(err.Error(), "offset 14") {
		t.Errorf("error %v", err)
	}
}

// TestNamesNeedAReader: without Global and Persistent a pickle can only make plain values.
func TestNamesNeedAReader(t *testing.T) {
	for program, want := range map[string]string{
		"\x80\x02cos\nsystem\n.": `"os.system"`,
		"\x80\x02NQ.":            "persistent id",
		"\x80\x02c" + strings.Repeat("a", 300) + "\n.": "longer than 200",
		"\x80\x02NN.":                    "2 values on the stack",
		"\x80\x02(.":                     "on the stack",
		"\x80\x02(NNNu.":                 "the stack is empty",
		"\x80\x02}(Nu.":                  "a key without a value",
		"\x80\x02}Na.":                   "values are appended to a dict",
		"\x80\x02]NNs.":                  "items are set on a list",
		"\x80\x02Nt.":                    "no mark",
		"\x80\x02N(0\x85":                "cut short",
		"\x80\x02(NR.":                   "the stack is empty",
		"\x80\x02X\x01\x00\x00\x00\xff.": "not UTF-8",
	} {
		if _, _, err := load(program); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v does not say %q", program, err, want)
		}
	}
}
