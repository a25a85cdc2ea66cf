package toy

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
)

// appendRow appends a picture's line of a feature file: ten tab-separated fields and CRLF, as Python's csv module writes
// them (section 4.1 of the reference's formats).
func appendRow(dst []byte, s *Scene, labels []label, features []float32) []byte {
	n := s.ROIs()
	boxes := make([]float32, 4*n)
	for _, o := range s.Objects {
		copy(boxes[4*o.ROI:], o.Box[:])
	}
	for _, d := range s.Distractors {
		copy(boxes[4*d.ROI:], d.Box[:])
	}
	classes := func(of func(label) int64) []byte {
		var raw []byte
		for _, l := range labels {
			raw = binary.LittleEndian.AppendUint64(raw, uint64(of(l)))
		}
		return raw
	}
	confidences := func(of func(label) float32) []byte {
		values := make([]float32, n)
		for i, l := range labels {
			values[i] = of(l)
		}
		return floats(values)
	}
	dst = append(append(dst, s.ID...), '\t')
	dst = append(strconv.AppendInt(dst, int64(s.Height), 10), '\t')
	dst = append(strconv.AppendInt(dst, int64(s.Width), 10), '\t')
	for _, raw := range [][]byte{
		classes(func(l label) int64 { return l.object }), confidences(func(l label) float32 { return l.objectConf }),
		classes(func(l label) int64 { return l.attribute }), confidences(func(l label) float32 { return l.attributeConf }),
	} {
		dst = append(base64.StdEncoding.AppendEncode(dst, raw), '\t')
	}
	dst = append(strconv.AppendInt(dst, int64(n), 10), '\t')
	dst = append(base64.StdEncoding.AppendEncode(dst, floats(boxes)), '\t')
	dst = base64.StdEncoding.AppendEncode(dst, floats(features))
	return append(dst, '\r', '\n')
}

// floats are numbers as files hold them.
func floats(values []float32) []byte {
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return raw
}
