package bench

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/seed-516990b0/golxmert/lxmert/internal/synthetic"
)

// imageID is the id of an image of the made-up file.
func imageID(i int) string { return fmt.Sprintf("bench_%08d", i) }

// writeFeatures writes a TSV of about the size asked for, as the published ones are (section 4.1 of the reference's
// formats), with random features.
func writeFeatures(ctx context.Context, path string, o DataOptions) (file DataFile, err error) {
	file = DataFile{Regions: o.Regions, Features: o.Dim}
	f, err := os.Create(path)
	if err != nil {
		return file, err
	}
	defer func() {
		if err = spaceHint(errors.Join(err, f.Close())); err != nil {
			err = fmt.Errorf("writing %s: %w", path, err)
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	var line []byte
	for file.Images == 0 || file.Bytes+int64(len(line)) <= int64(o.MB)*1e6 {
		if err := ctx.Err(); err != nil {
			return file, err
		}
		line = appendImage(line[:0], file.Images, o)
		n, err := w.Write(line)
		file.Bytes += int64(n)
		if err != nil {
			return file, err
		}
		file.Images++
	}
	return file, w.Flush()
}

// appendImage appends a line of the TSV.
func appendImage(dst []byte, image int, o DataOptions) []byte {
	const width, height = 640, 480
	s, k := synthetic.NewStream(seed, imageID(image)), 0
	uniform := func() float32 { k++; return s.Uniform(k) }
	le := binary.LittleEndian
	// Fields of the same kind: ids of classes, and numbers.
	ids := func(n int, most float32) []byte {
		var raw []byte
		for range n {
			raw = le.AppendUint64(raw, uint64(most*uniform()))
		}
		return raw
	}
	numbers := func(n int, next func(i int) float32) []byte {
		raw := make([]byte, 0, 4*n)
		for i := range n {
			raw = le.AppendUint32(raw, math.Float32bits(next(i)))
		}
		return raw
	}
	confidence := func(int) float32 { return uniform() }
	var box [4]float32
	corner := func(i int) float32 {
		if i%4 == 0 {
			x, y := uniform()*width/2, uniform()*height/2
			box = [4]float32{x, y, x + uniform()*width/2, y + uniform()*height/2}
		}
		return box[i%4]
	}
	feature := func(int) float32 { return max(0, 4*uniform()-2) }

	n := o.Regions
	dst = fmt.Appendf(dst, "%s\t%d\t%d", imageID(image), height, width)
	for _, raw := range [][]byte{ids(n, 1600), numbers(n, confidence), ids(n, 400), numbers(n, confidence)} {
		dst = base64.StdEncoding.AppendEncode(append(dst, '\t'), raw)
	}
	dst = fmt.Appendf(dst, "\t%d", n)
	for _, raw := range [][]byte{numbers(4*n, corner), numbers(n*o.Dim, feature)} {
		dst = base64.StdEncoding.AppendEncode(append(dst, '\t'), raw)
	}
	return append(dst, '\r', '\n')
}

// writeOrder writes which images each batch has, chosen at random, as lists of ids.
func writeOrder(path string, images, batches, size int) error {
	s := synthetic.NewStream(seed, "order")
	order := make([][]string, batches)
	for b := range order {
		for i := range size {
			order[b] = append(order[b], imageID(int(s.Bits(b*size+i)%uint64(images))))
		}
	}
	text, err := json.Marshal(order)
	if err != nil {
		return err
	}
	return spaceHint(os.WriteFile(path, text, 0o600))
}
