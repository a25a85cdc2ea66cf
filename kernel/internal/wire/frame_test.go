package wire

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/lxmert"
)

// sample is a batch and a request with something in every field.
func sample() (*lxmert.Batch, lxmert.Request) {
	b := &lxmert.Batch{
		IDs: [][]int32{{1, 5, 2}, {1, 2}}, Segments: [][]int32{{0, 0, 1}, {0, 0}}, TextMask: [][]float32{{1, 1, 0.5}, {1, 1}},
		Feats: lxmert.NewTensor(1, 2, 3), Boxes: lxmert.NewTensor(1, 2, 4), RegionMask: [][]float32{{1, 0}}, Pairs: [][2]int{{0, 0}, {1, 0}},
	}
	b.Feats.Data[4] = 0.1
	r := lxmert.Request{
		Want:  []lxmert.Read{{Name: "x.*.ti", Positions: [][]int{{0}, {1}}, Top: 2, As: "a"}, {Name: "out.qa", Positions: [][]int{}}},
		Edits: []lxmert.Edit{{Name: "x.0.ti", Op: lxmert.Set, Value: lxmert.NewTensor(2, 1, 1, 1), Mask: lxmert.NewTensor(1, 1, 1, 1)}, {Name: "in.feat", Op: lxmert.Add, Value: lxmert.NewTensor(1, 1, 1)}, {Name: "x.0.ti", Op: lxmert.Cut, Value: lxmert.NewTensor(1, 1, 3, 2)}},
		Grad: &lxmert.Grad{Rule: lxmert.AttnLRP, Names: []string{"x.0.ti"}, Of: []lxmert.Term{
			{Output: "out.mlm", Kind: lxmert.Probability, Position: []int{0, 1}, Class: []int{3, 4}, Weight: []float32{1, -0.1}}, {Output: "out.qa"},
		}},
		NoRegions: lxmert.AttendNothing,
	}
	return b, r
}

func TestARequestArrivesAsItWas(t *testing.T) {
	b, r := sample()
	for name, r := range map[string]lxmert.Request{"everything": r, "nothing": {}} {
		packed, trace := Pack(b, r)
		var frame bytes.Buffer
		if err := WriteFrame(&frame, packed, trace); err != nil {
			t.Fatal(err)
		}
		var h Request
		got, err := ReadFrame(frame.Bytes(), &h)
		if err != nil {
			t.Fatal(err)
		}
		b2, r2, err := h.Unpack(got)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(b2, b) || !reflect.DeepEqual(r2, r) {
			t.Errorf("%s: %+v and %+v arrive as %+v and %+v", name, b, r, b2, r2)
		}
	}
}

// TestEveryFieldOfARequestTravels fails when a field is added to a request that Pack does not know.
func TestEveryFieldOfARequestTravels(t *testing.T) {
	for _, x := range []struct {
		value any
		known string
	}{
		{lxmert.Request{}, "Want Edits Grad NoRegions"}, {lxmert.Edit{}, "Name Op Value Mask"}, {lxmert.Grad{}, "Of Names Rule"},
		{lxmert.Term{}, "Output Kind Position Class Weight"},
	} {
		var fields []string
		for f := range reflect.TypeOf(x.value).Fields() {
			fields = append(fields, f.Name)
		}
		if got := strings.Join(fields, " "); got != x.known {
			t.Errorf("%T has the fields %s, known are %s", x.value, got, x.known)
		}
	}
}

func TestWhatIsNoFrameIsAnError(t *testing.T) {
	b, r := sample()
	packed, trace := Pack(b, r)
	var frame bytes.Buffer
	if err := WriteFrame(&frame, packed, trace); err != nil {
		t.Fatal(err)
	}
	whole := frame.Bytes()
	for n := range len(whole) {
		var h Request
		if got, err := ReadFrame(whole[:n], &h); err == nil {
			if _, _, err = h.Unpack(got); err == nil {
				t.Fatalf("the first %d of %d bytes are taken for a request", n, len(whole))
			}
		} else if !errors.Is(err, ErrFrame) {
			t.Fatalf("the first %d bytes: %v", n, err)
		}
	}
	for name, change := range map[string]func(*Request, *lxmert.Trace){
		"an edit without its value": func(_ *Request, t *lxmert.Trace) { delete(t.Values, "edit.0.value") },
		"a value of no edit":        func(p *Request, _ *lxmert.Trace) { p.Edits = nil },
		"weights in a square":       func(_ *Request, t *lxmert.Trace) { t.Values["term.0.weight"] = lxmert.NewTensor(2, 2) },
		"no batch":                  func(_ *Request, t *lxmert.Trace) { t.Batch = nil },
	} {
		packed, trace := Pack(b, r)
		change(&packed, trace)
		if _, _, err := packed.Unpack(trace); !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHeadersHoldAnyText(t *testing.T) {
	for _, text := range []string{"", "plain", "ä\n\"\\\x00 ", "\xff\xfe", strings.Repeat("x", 1000)} {
		h := HeaderText(text)
		if strings.ContainsFunc(h, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q becomes %q", text, h)
		}
		if got, err := HeaderValue(h); err != nil || got != text {
			t.Errorf("%q comes back as %q, %v", text, got, err)
		}
	}
	if _, err := HeaderValue(`a"b`); err == nil {
		t.Error("a quote in a header is not an error")
	}
}

func FuzzReadFrame(f *testing.F) {
	b, r := sample()
	packed, trace := Pack(b, r)
	var frame bytes.Buffer
	if err := WriteFrame(&frame, packed, trace); err != nil {
		f.Fatal(err)
	}
	f.Add(frame.Bytes())
	f.Add([]byte{2, 0, 0, 0, '{', '}'})
	f.Add([]byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, body []byte) {
		var h Request
		got, err := ReadFrame(body, &h)
		if err != nil {
			return
		}
		b, r, err := h.Unpack(got)
		if err != nil {
			return
		}
		packed, trace := Pack(b, r)
		if err := WriteFrame(&bytes.Buffer{}, packed, trace); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}
