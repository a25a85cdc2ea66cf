package goldentest

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// ChangeBoxes rewrites the boxes of a TSV of region features: change is given x0 y0 x1 y1 of each, in pixels, and the size of
// its picture.
func ChangeBoxes(t testing.TB, path string, change func(box []float32, w, h float32)) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimRight(string(text), "\r\n"), "\n")
	for i, row := range rows {
		fields := strings.Split(row, "\t")
		h, errH := strconv.Atoi(fields[1])
		w, errW := strconv.Atoi(fields[2])
		raw, err := base64.StdEncoding.DecodeString(fields[8])
		if err != nil || errH != nil || errW != nil {
			t.Fatal(err, errH, errW)
		}
		boxes := make([]float32, len(raw)/4)
		for k := range boxes {
			boxes[k] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*k:]))
		}
		raw = raw[:0]
		for k := 0; k < len(boxes); k += 4 {
			change(boxes[k:k+4], float32(w), float32(h))
		}
		for _, v := range boxes {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
		fields[8] = base64.StdEncoding.EncodeToString(raw)
		rows[i] = strings.Join(fields, "\t")
	}
	if err := os.WriteFile(path, []byte(strings.Join(rows, "\n")+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
}
