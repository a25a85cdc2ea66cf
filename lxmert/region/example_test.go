package region_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/region"
)

// row is a line of a TSV with two boxes of three features, all zero.
func row(id string) string {
	zeros := func(n int) string { return base64.StdEncoding.EncodeToString(make([]byte, n)) }
	fields := []string{id, "480", "640", zeros(16), zeros(8), zeros(16), zeros(8), "2", zeros(32), zeros(24)}
	return strings.Join(fields, "\t") + "\n"
}

// Images found by their ids become the region side of a batch.
func ExampleOpen() {
	path := filepath.Join(os.TempDir(), "example_obj36.tsv")
	if err := os.WriteFile(path, []byte(row("cat")+row("dog")), 0o666); err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(path)

	source, err := region.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer source.Close()
	r, err := source.Find(context.Background(), "dog")
	if err != nil {
		fmt.Println(err)
		return
	}
	var b lxmert.Batch
	if err := region.Fill(&b, r); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.ID, r.Width, r.Height, b.Feats.Shape, b.Boxes.Shape)
	// Output: dog 640 480 [1 2 3] [1 2 4]
}

// A scanner reads anything, and decodes what is wanted.
func ExampleScanner() {
	scan := region.NewScanner(strings.NewReader(row("cat")+row("dog")), "standard input")
	var r region.Regions
	for scan.Scan() {
		if err := scan.Row().Decode(&r); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(scan.Row().Line, r.ID, r.N, r.Dim)
	}
	if err := scan.Err(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 1 cat 2 3
	// 2 dog 2 3
}

// A feature file is packed on first use; then any of its images is read with one request, from any goroutine.
func ExampleOpenPacked() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "val2014_obj36.tsv")
	if err := os.WriteFile(path, []byte(row("cat")+row("dog")+row("cow")), 0o666); err != nil {
		fmt.Println(err)
		return
	}
	store, err := region.OpenPacked(context.Background(), path, region.PackedOptions{Rows: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	fmt.Println(filepath.Base(store.Path()), store.Rows(), store.Has("dog"), store.Has("cow"))
	var r region.Regions
	if err := store.Read(1, &r); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.ID, r.N, r.Dim)
	// Output:
	// val2014_obj36.first2.store 2 true false
	// dog 2 3
}

// Verifying says what is damaged and what is not like the published features.
func ExampleVerify() {
	path := filepath.Join(os.TempDir(), "example_verify_obj36.tsv")
	if err := os.WriteFile(path, []byte(row("cat")+row("dog")[:60]), 0o666); err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(path)
	report, err := region.Verify(context.Background(), path, region.VerifyOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.OK(), report.Rows, len(report.Problems))
	fmt.Println(report.Warnings[0])
	// Output:
	// false 1 1
	// 3 features per box; the published model takes 2048
}
