package toy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// output is a file that grows.
type output struct {
	file  *os.File
	w     *bufio.Writer
	sum   hash.Hash
	size  int64
	array bool // a JSON list, an element per line
}

func (o *output) Write(p []byte) (int, error) {
	o.sum.Write(p)
	o.size += int64(len(p))
	return o.w.Write(p)
}

// folder writes the files of a world.
type folder struct {
	dir   string
	files map[string]*output
	order []string // paths, by first use
	spare sync.Pool
}

func newFolder(dir string) *folder { return &folder{dir: dir, files: map[string]*output{}} }

// Get and Put keep the megabyte that encoding a picture needs for the next one.
func (d *folder) Get() *png.EncoderBuffer {
	b, _ := d.spare.Get().(*png.EncoderBuffer)
	return b
}

func (d *folder) Put(b *png.EncoderBuffer) { d.spare.Put(b) }

// append writes to the end of a file. Pieces of lists are elements, each with its own line end.
func (d *folder) append(path string, list bool, pieces ...[]byte) error {
	o := d.files[path]
	if o == nil {
		full := filepath.Join(d.dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(full), 0o777); err != nil {
			return err
		}
		f, err := os.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			return err
		}
		o = &output{file: f, w: bufio.NewWriterSize(f, 1<<18), sum: sha256.New(), array: list}
		d.files[path] = o
		d.order = append(d.order, path)
	}
	for _, piece := range pieces {
		switch {
		case !list:
		case o.size == 0:
			piece = append([]byte("[\n"), piece...)
		default:
			piece = append([]byte(",\n"), piece...)
		}
		if _, err := o.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// close ends all files and says what they are.
func (d *folder) close() ([]File, error) {
	var all []File
	var failed error
	for _, path := range d.order {
		o := d.files[path]
		if o.array {
			end := []byte("\n]\n")
			if o.size == 0 {
				end = []byte("[]\n")
			}
			_, err := o.Write(end)
			failed = errors.Join(failed, err)
		}
		failed = errors.Join(failed, o.w.Flush(), o.file.Close())
		all = append(all, File{Path: path, Bytes: o.size, SHA256: hex.EncodeToString(o.sum.Sum(nil))})
	}
	return all, failed
}

// writePicture renders a scene into the world's folder and returns the file's sum.
func (d *folder) writePicture(s *Scene) ([]byte, error) {
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: d}
	if err := encoder.Encode(&b, Render(s)); err != nil {
		return nil, fmt.Errorf("picture %s: %w", s.ID, err)
	}
	sum := sha256.Sum256(b.Bytes())
	return sum[:], os.WriteFile(filepath.Join(d.dir, filepath.FromSlash(imagePath(s.ID))), b.Bytes(), 0o666)
}

// line is a value as a line of JSON.
func line(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	return append(b, '\n'), err
}

// inOrder produces values 0 to n-1 on all processors and consumes them in their order. No goroutine is left when it
// returns.
func inOrder[T any](ctx context.Context, n int, produce func(i int) (T, error), consume func(T) error) error {
	type result struct {
		value T
		err   error
	}
	ctx, cancel := context.WithCancel(ctx)
	ahead := make(chan chan result, 32*runtime.GOMAXPROCS(0)) // items are small, and those that draw pictures are not
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() {
		defer close(ahead)
		for i := range n {
			slot := make(chan result, 1)
			select {
			case ahead <- slot:
			case <-ctx.Done():
				return
			}
			running.Go(func() {
				value, err := produce(i)
				slot <- result{value, err}
			})
		}
	})
	for slot := range ahead {
		r := <-slot
		if r.err == nil {
			r.err = consume(r.value)
		}
		if r.err != nil {
			return r.err
		}
	}
	return ctx.Err()
}
