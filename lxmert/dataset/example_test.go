package dataset_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/token"
)

// write makes a file with its folders.
func write(text string, path ...string) error {
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o666)
}

// row is a line of a TSV with two boxes of three features, all zero.
func row(id string) string {
	zeros := func(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }
	fields := []string{id, "480", "640", zeros(16), zeros(8), zeros(16), zeros(8), "2", zeros(32), zeros(24)}
	return strings.Join(fields, "\t") + "\n"
}

// A user's own split, called "mine", goes through an epoch in batches.
func Example() {
	data, err := os.MkdirTemp("", "data")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(data)
	err = write(`[
		{"question_id": 1, "img_id": "kitchen", "sent": "what is red ?", "label": {"cup": 1, "mug": 0.3}},
		{"question_id": 2, "img_id": "garden", "sent": "is it red ?", "label": {"no": 1}},
		{"question_id": 3, "img_id": "kitchen", "sent": "is it red ?", "label": {"yes": 1}},
		{"question_id": 4, "img_id": "cellar", "sent": "is it red ?", "label": {"no": 1}}]`, data, "vqa", "mine.json")
	if err == nil {
		err = write(row("garden")+row("kitchen"), data, "mscoco_imgfeat", "mine_obj36.tsv")
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	set, err := dataset.Load(ctx, dataset.VQA, []string{"mine"}, dataset.Options{Root: data})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer set.Close()
	fmt.Println(set.Len(), "of", set.Listed, "questions have a picture")

	tok, err := token.New(strings.NewReader("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nwhat\nis\nit\nred\n?\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	const size, seed, epoch = 2, 9595, 0
	order := dataset.Order(set.Len(), seed, epoch)
	batches := (len(order) + size - 1) / size
	loader := dataset.NewLoader(ctx, batches, 2, func(ctx context.Context, i int) (*lxmert.Batch, error) {
		return set.Batch(ctx, tok, 8, order[i*size:min(len(order), (i+1)*size)])
	})
	defer loader.Close()
	for {
		b, err := loader.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(b.Rows(), "rows,", b.T(), "word pieces, regions", b.Feats.Shape)
	}
	// Output:
	// 3 of 4 questions have a picture
	// 2 rows, 8 word pieces, regions [2 2 3]
	// 1 rows, 8 word pieces, regions [1 2 3]
}

func ExampleConvert() {
	for _, answer := range []string{"A dog.", "Three", "grey", "the the cat"} {
		fmt.Printf("%q ", dataset.Convert(answer))
	}
	fmt.Println()
	// Output: "dog" "3" "gray" "the cat"
}
