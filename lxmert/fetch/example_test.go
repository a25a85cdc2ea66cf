package fetch_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/seed-516990b0/golxmert/lxmert/fetch"
)

// A fetcher's zero value takes the published files; here a server of our own stands in for theirs.
func ExampleFetcher_Fetch() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `["yes", "no"]`)
	}))
	defer server.Close()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	f := fetch.Fetcher{Dir: dir, Insecure: true, Manifest: &fetch.Manifest{
		Sets: []fetch.Set{{Name: "answers", Files: []string{"data/answers.json"}}},
		Files: []fetch.File{{Path: "data/answers.json", Kind: fetch.JSON, Sources: []fetch.Source{{
			URLs: []string{server.URL + "/gone.json", server.URL + "/answers.json"},
		}}}},
	}}
	for range 2 {
		results, err := f.Fetch(context.Background(), "answers")
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, r := range results {
			fmt.Println(r.Path, r.State, r.Bytes)
		}
	}
	// Output:
	// data/answers.json fetched 13
	// data/answers.json there 13
}

func ExamplePublished() {
	file, _ := fetch.Published().File("data/vqa/minival.json")
	for _, url := range file.Sources[0].URLs {
		fmt.Println(url)
	}
	// Output:
	// https://nlp.cs.unc.edu/data/lxmert_data/vqa/minival.json
	// https://nlp1.cs.unc.edu/data/lxmert_data/vqa/minival.json
	// http://nlp.cs.unc.edu/data/lxmert_data/vqa/minival.json
}
