package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// fileWith is a file with the given header and bytes of data.
func fileWith(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

func read(data []byte) ([]Entry, map[string]string, int64, error) {
	return ReadHeader(bytes.NewReader(data), int64(len(data)))
}

func TestRoundTrip(t *testing.T) {
	items := []Item{
		{"b", "BOOL", []int{3}, Raw([]byte{1, 0, 1})},
		{"f\u2028<", "F32", []int{2, 0}, Raw(nil)},
		{"d", "F64", nil, Raw(make([]byte, 8))},
		{"h", "BF16", []int{2, 2}, Raw(make([]byte, 8))},
	}
	Sort(items)
	var b bytes.Buffer
	if err := Write(&b, items, map[string]string{"note": "x"}); err != nil {
		t.Fatal(err)
	}
	entries, metadata, start, err := read(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want := []Entry{{"d", "F64", []int{}, 0, 8}, {"f\u2028<", "F32", []int{2, 0}, 8, 8}, {"h", "BF16", []int{2, 2}, 8, 16}, {"b", "BOOL", []int{3}, 16, 19}}
	if !reflect.DeepEqual(entries, want) || metadata["note"] != "x" || start%8 != 0 || int(start)+19 != b.Len() {
		t.Errorf("%v %v %d of %d", entries, metadata, start, b.Len())
	}
	if got := b.Bytes()[start+16:]; !bytes.Equal(got, []byte{1, 0, 1}) {
		t.Errorf("values %v", got)
	}
	var empty bytes.Buffer
	if err := Write(&empty, nil, nil); err != nil {
		t.Fatal(err)
	}
	if entries, _, _, err := read(empty.Bytes()); err != nil || len(entries) != 0 {
		t.Errorf("%v %v", entries, err)
	}
}

func TestWriteRefusesWhatItCouldNotRead(t *testing.T) {
	for want, items := range map[string][]Item{
		"two tensors called":   {{"a", "U8", []int{0}, Raw(nil)}, {"a", "U8", []int{0}, Raw(nil)}},
		"cannot be written":    {{"a", "C64", []int{1}, Raw(nil)}},
		"2 bytes of values":    {{"a", "U8", []int{3}, Raw(make([]byte, 2))}},
		"may have fewer":       make([]Item, maxNames),
		`called "__metadata__`: {{"__metadata__", "U8", []int{0}, Raw(nil)}},
	} {
		if err := Write(&bytes.Buffer{}, items, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

func TestHostileHeadersAreNamedErrors(t *testing.T) {
	entry := func(name, dtype, shape string, begin, end int) string {
		return fmt.Sprintf(`%q:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, name, dtype, shape, begin, end)
	}
	for want, data := range map[string][]byte{
		"too short for a header":     []byte("1234567"),
		"is over the limit":          append(bytes.Repeat([]byte{0xff}, 8), '{'),
		"does not fit in a file":     fileWith("{}", 0)[:9],
		"does not start with {":      fileWith("[]", 0),
		"is not UTF-8":               fileWith("{\"\xff\":1}", 0),
		"the JSON ends too early":    fileWith(`{"a":{"dtype":"U8"`, 0),
		"something follows":          fileWith("{}x", 0),
		"occurs twice":               fileWith("{"+entry("a", "U8", "[1]", 0, 1)+","+entry("a", "U8", "[1]", 1, 2)+"}", 2),
		`"dtype" occurs twice`:       fileWith(`{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}`, 1),
		"overlap the tensor before":  fileWith("{"+entry("a", "U8", "[2]", 0, 2)+","+entry("b", "U8", "[2]", 1, 3)+"}", 3),
		"a hole in the data":         fileWith("{"+entry("a", "U8", "[2]", 1, 3)+"}", 3),
		"do not give the 8 bytes":    fileWith("{"+entry("a", "F32", "[2]", 0, 4)+"}", 4),
		"bytes follow the last":      fileWith("{"+entry("a", "U8", "[2]", 0, 2)+"}", 3),
		"is impossibly large":        fileWith("{"+entry("a", "F32", "[4611686018427387904,4]", 0, 0)+"}", 0),
		"must be whole numbers":      fileWith("{"+entry("a", "F32", "[1.5]", 0, 0)+"}", 0),
		"from 0 on that fit":         fileWith("{"+entry("a", "F32", "[-1]", 0, 0)+"}", 0),
		"more than 64 numbers":       fileWith("{"+entry("a", "F32", "["+strings.Repeat("1,", 64)+"1]", 0, 4)+"}", 4),
		"type \"C64\" is not":        fileWith("{"+entry("a", "C64", "[1]", 0, 8)+"}", 8),
		"is missing":                 fileWith(`{"a":{"dtype":"U8","shape":[1]}}`, 1),
		"unknown field":              fileWith(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}`, 1),
		"must be two numbers":        fileWith(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}`, 1),
		"must be a string":           fileWith(`{"__metadata__":{"a":1}}`, 0),
		"instead of {":               fileWith(`{"a":`+strings.Repeat("[", 10_000)+`}`, 0),
		"its values end at 8 of 4 b": fileWith("{"+entry("a", "U8", "[8]", 0, 8)+"}", 4),
	} {
		_, _, _, err := read(data)
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

// TestManyNamesTakeBoundedMemory: millions of tensors without values, or of empty notes, fit in a header that is allowed,
// and would take many times its size.
func TestManyNamesTakeBoundedMemory(t *testing.T) {
	const names = 1_000_000
	var tensors, notes strings.Builder
	for i := range names {
		fmt.Fprintf(&tensors, `,"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`, i)
		fmt.Fprintf(&notes, `,"%d":""`, i)
	}
	for what, header := range map[string]string{"tensors": "{" + tensors.String()[1:] + "}", "notes": `{"__metadata__":{` + notes.String()[1:] + "}}"} {
		data := fileWith(header, 0)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, _, err := read(data)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "more than 100000 names") {
			t.Errorf("%s: error %v", what, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 256<<20+uint64(len(data)) {
			t.Errorf("%s: %d MB were allocated for a header of %d MB", what, used>>20, len(data)>>20)
		}
	}
}
