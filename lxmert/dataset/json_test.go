package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// value reads any value as encoding/json does.
func (d *decoder) value() (any, error) {
	kind, err := d.kind()
	if err != nil {
		return nil, err
	}
	switch kind {
	case "a string":
		s, err := d.string("a value")
		return string(s), err
	case "a number":
		return d.float("a value")
	case "a list":
		list := []any{}
		err := d.list("a value", func(int) error {
			v, err := d.value()
			list = append(list, v)
			return err
		})
		return list, err
	case "an object":
		object := map[string]any{}
		err := d.object("a value", func(key []byte) error {
			name := string(key)
			v, err := d.value()
			object[name] = v
			return err
		})
		return object, err
	}
	return map[string]any{"true": true, "false": false}[kind], d.skip()
}

func decodeAll(r io.Reader, buffer int) (any, error) {
	d := newDecoder(r, "x.json", "entry")
	d.buf = make([]byte, buffer)
	v, err := d.value()
	if err == nil {
		err = d.finish()
	}
	return v, err
}

// FuzzJSON: with a buffer of any size, the decoder accepts what encoding/json accepts, and understands the same.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"a": [1, -0.5e+3, true, false, null], "a": {"b": "x\u00e9\ud83d\ude00\n\/"}}`, `"\ud83d\ud83d\ude00"`, `"\udc00\n"`, `"\ud800x"`,
		`[]`, `[ ]`, `{ }`, `[1,]`, `{"a" : 1 , "b":2}`, `{"a"}`, `01`, `-`, `1.`, `.5`, `1e`, `1e999`, `"a`, `"\q"`, "\"\x01\"", `nul`, `truex`, `1 2`, ``, `"é"`,
	} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, data []byte, buffer int) {
		if !utf8.Valid(data) {
			return // encoding/json replaces what is not UTF-8
		}
		got, err := decodeAll(bytes.NewReader(data), 1+(buffer&0xff))
		var want any
		wantErr := json.Unmarshal(data, &want)
		if strings.Count(string(data), "[")+strings.Count(string(data), "{") > maxDepth {
			return
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: %v, encoding/json: %v", data, err, wantErr)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %v, want %v", data, got, want)
		}
	})
}

func TestBadJSONIsNamedByItsLine(t *testing.T) {
	cases := []struct{ text, want string }{
		{"[\n1,\n2", "x.json:3: the file ends here"},
		{"[\n1\n2]", `x.json:3: '2' after a value`},
		{"[\n\"a\x01\"]", "x.json:2: a value has the control character U+0001"},
		{"[\n\"\xff\"]", "x.json:2: a value is not UTF-8"},
		{`["\x"]`, "there is no escape of 'x'"},
		{`["\u12g4"]`, `"12g4", must be four hexadecimal digits`},
		{"[]\n[]", "x.json:2: '[' after the end"},
		{`{"a" 1}`, `'1' after the key "a", must be a colon`},
		{`{1: 2}`, "a key is a number, must be a string"},
		{"[+1]", "unexpected '+' where a value must begin"},
		{"[01]", `a value is "01", not a number`},
		{"[1e400]", "too large"},
		{"[tru", "cut short"},
		{"[trug]", `unexpected 'g' in true`},
		{`["` + strings.Repeat("é", 90) + "\x02", "control character"},
		{"[\"" + strings.Repeat("é", 90) + "\xff\"]", strings.Repeat("é", 50) + `…"`},
		{strings.Repeat("[", maxDepth+1), "nested more than"},
		{strings.Repeat(`{"a":`, maxDepth+1), "nested more than"},
	}
	for _, c := range cases {
		_, err := decodeAll(strings.NewReader(c.text), 64<<10)
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.20q: %v, want %s", c.text, err, c.want)
		}
	}
}

func TestLinesAreCountedAcrossBuffers(t *testing.T) {
	text := "[" + strings.Repeat("\n1,", 999) + "\n?]"
	for _, buffer := range []int{1, 7, 64, 1 << 20} {
		if _, err := decodeAll(strings.NewReader(text), buffer); err == nil || !strings.Contains(err.Error(), "x.json:1001:") {
			t.Errorf("buffer of %d: %v", buffer, err)
		}
	}
}

// TestAByteOrderMarkIsNoText: some editors write one in front of UTF-8. UTF-16, which they also write, is called by its name.
func TestAByteOrderMarkIsNoText(t *testing.T) {
	const text = "\ufeff" + `[{"question_id": 1, "img_id": "a", "sent": "b"}]`
	for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
		examples, err := ReadExamples(t.Context(), VQA, r, "x.json")
		if err != nil || len(examples) != 1 || examples[0].ID != "1" {
			t.Errorf("%v, error %v", examples, err)
		}
	}
	for _, c := range []struct{ text, want string }{
		{"\ufeff", "x.json:1: the file is empty"},
		{"\ufeff\n[1\n", "x.json:2: entry 1: the entry is a number"},
		{"[\ufeff1]", "unexpected '\u00ef' where a value must begin"},
		{"\xff\xfe[\x00]\x00", "text in UTF-16, not JSON: save it as UTF-8"},
	} {
		if _, err := ReadExamples(t.Context(), VQA, strings.NewReader(c.text), "x.json"); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.text, err, c.want)
		}
	}
}

func TestReadErrorIsPassedOn(t *testing.T) {
	broken := errors.New("broken disk")
	for _, text := range []string{"", "[", `["a`, `{"a"`, "[1", `["\u`} {
		r := io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))
		if _, err := decodeAll(r, 16); !errors.Is(err, broken) || errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
