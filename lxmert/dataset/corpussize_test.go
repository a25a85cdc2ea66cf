package dataset

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/seed-516990b0/golxmert/internal/resident"
)

// Sentences of the published files: 9.18 million about 180,000 pictures, in 700 MB.
const sentencesOfAPicture = 51

// writeSentences makes up as many pictures as fit into a file of that size, each with captions and with questions of two sets that
// have one answer or several, and says how many sentences these are.
func writeSentences(w io.Writer, bytes int64, file int) (sentences int, err error) {
	b := bufio.NewWriterSize(w, 1<<20)
	var written int64
	put := func(format string, args ...any) {
		n, writeErr := fmt.Fprintf(b, format, args...)
		written, err = written+int64(n), errors.Join(err, writeErr)
	}
	list := func(category string, from, to int, one func(i int) string) {
		put(`"%s": [`, category)
		for i := from; i < to; i++ {
			if i > from {
				put(", ")
			}
			put("%s", one(i))
		}
		put("]")
	}
	for picture := 0; written < bytes && err == nil; picture++ {
		if picture > 0 {
			put(",\n")
		} else {
			put("[")
		}
		word := func(i int) string { return fmt.Sprintf("%x", uint32(i*2654435761+picture*40503)%4096) }
		caption := func(i int) string {
			return fmt.Sprintf(`"a %s %s is standing on the %s."`, word(i), word(i+7), word(i+13))
		}
		question := func(i int) string { return fmt.Sprintf(`"what is the %s behind the %s?"`, word(i), word(i+3)) }
		put(`{"img_id": "COCO_train2014_%02d%010d", "sentf": {`, file, picture)
		list("mscoco", 0, 5, caption)
		put(", ")
		list("vg", 5, 26, caption)
		put(", ")
		list("vqa", 26, 31, question)
		put(", ")
		list("gqa", 31, sentencesOfAPicture, question)
		put(`}, "labelf": {`)
		list("vqa", 26, 31, func(i int) string {
			return fmt.Sprintf(`{"answer %d": 1, "answer %d": 0.3}`, (picture+i)%9500, (picture*3+i)%9500)
		})
		put(", ")
		list("gqa", 31, sentencesOfAPicture, func(i int) string { return fmt.Sprintf(`{"answer %d": 1}`, (picture*7+i)%9500) })
		put("}}")
		sentences += sentencesOfAPicture
	}
	put("]\n")
	return sentences, errors.Join(err, b.Flush())
}

// manyAnswers is a table of as many answers as the published one.
func manyAnswers(t testing.TB) *QATable {
	t.Helper()
	path := filepath.Join(t.TempDir(), "all_ans.json")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 9500 {
		fmt.Fprintf(f, "%c{\"ans\": \"answer %d\", \"dsets\": [\"vqa\"]}\n", ",["[min(1, max(0, 1-i))], i)
	}
	_, err = f.WriteString("]")
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	table, err := LoadQATable(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// writeFiles makes four files of sentences that have this size together.
func writeFiles(t testing.TB, bytes int64) (paths []string, sentences int) {
	t.Helper()
	dir := t.TempDir()
	for i := range 4 {
		path := filepath.Join(dir, fmt.Sprintf("part%d.json", i))
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		n, err := writeSentences(f, bytes/4, i)
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		paths, sentences = append(paths, path), sentences+n
	}
	return paths, sentences
}

// readSentences reads files into one corpus.
func readSentences(t testing.TB, table *QATable, paths []string) *Corpus {
	t.Helper()
	c := &Corpus{Answers: table}
	r := newCorpusReader(c)
	for _, path := range paths {
		if err := r.readFile(t.Context(), path); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// heap is what is in use after everything that is not was collected.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestSentencesTakeBoundedMemory: what is kept of files is their text, which they have too, and less than 48 bytes for each sentence.
func TestSentencesTakeBoundedMemory(t *testing.T) {
	const size = 8 << 20
	table := manyAnswers(t)
	paths, n := writeFiles(t, size)
	before := heap()
	c := readSentences(t, table, paths)
	kept := heap() - before
	if c.Records != n/sentencesOfAPicture || len(c.sentences) != n {
		t.Errorf("%d sentences about %d pictures were read, %d were written", len(c.sentences), c.Records, n)
	}
	if most := int64(size + 48*n); kept > most {
		t.Errorf("%d sentences in %d bytes of files take %d bytes of memory, at most %d", n, size, kept, most)
	}
	t.Logf("%d sentences in %d bytes of files take %d bytes of memory", n, size, kept)
	runtime.KeepAlive(c)
}

// sampled is a file in the reading that looks at the heap whenever another part of it was read.
type sampled struct {
	io.Reader
	read, next int64
	look       func()
}

func (s *sampled) Read(p []byte) (int, error) {
	if s.read >= s.next {
		s.next += 1 << 20
		s.look()
	}
	n, err := s.Reader.Read(p)
	s.read += int64(n)
	return n, err
}

// TestReadingSentencesTakesNoMoreThanTheyDo: whenever a megabyte was read there is no more in memory than the sentences so far and what
// is read at once. A text is in a block that is at most an eighth larger, a sentence has 32 bytes in a list with room for a quarter
// more, and a picture its id, its place, and lists of several answers; the decoder's buffer and the answers, which are as many however
// many sentences there are, are less than 2 MB. A reader that kept the file, or a tree of what is in it, would have more.
func TestReadingSentencesTakesNoMoreThanTheyDo(t *testing.T) {
	const size, perSentence, perPicture, more = 40 << 20, 32 + 32/4, 1 << 10, 2 << 20
	table := manyAnswers(t)
	path := filepath.Join(t.TempDir(), "sentences.json")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, err := writeSentences(f, size, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	c := &Corpus{Answers: table}
	r := newCorpusReader(c)
	var text, seen int64
	looks, before := 0, heap()
	file := &sampled{Reader: f}
	file.look = func() {
		looks++
		for _, s := range c.sentences[seen:] {
			text += int64(len(s.text))
		}
		seen = int64(len(c.sentences))
		most := text + text/8 + perSentence*seen + perPicture*int64(len(c.images)) + more
		if now := heap() - before; now > most {
			t.Errorf("after %d bytes of the file %d bytes are in memory, at most %d", file.read, now, most)
		}
	}
	if err := r.read(t.Context(), newDecoder(file, path, "record")); err != nil {
		t.Fatal(err)
	}
	if looks < size>>20 || len(c.sentences) != n {
		t.Fatalf("%d looks while %d of %d sentences were read", looks, len(c.sentences), n)
	}
}

// BenchmarkSentencesOfThePublishedSize reads four files that have 700 MB together, as the published ones have.
func BenchmarkSentencesOfThePublishedSize(b *testing.B) {
	table := manyAnswers(b)
	paths, n := writeFiles(b, 700e6)
	before, began := heap(), time.Now()
	b.ResetTimer()
	var c *Corpus
	for range b.N {
		c = readSentences(b, table, paths)
	}
	b.StopTimer()
	b.ReportMetric(time.Since(began).Seconds()/float64(b.N), "s/read")
	b.ReportMetric(float64(heap()-before)/1e6, "MB-kept")
	b.ReportMetric(float64(resident.Peak())/1e6, "MB-peak")
	b.ReportMetric(float64(n), "sentences")
	runtime.KeepAlive(c)
}
