package progress_test

import (
	"os"

	"github.com/seed-516990b0/golxmert/internal/progress"
)

// Standard output is not a terminal here, so that a state is a line: the first one, then one every ten seconds, and the last.
func Example() {
	bar := progress.New(os.Stdout, progress.Options{Label: "reading", Unit: "pages"})
	bar.Set(500, 500, "12 pictures")
	bar.Finish()
	// Output:
	// reading: 100 %, 500 of 500 pages, 12 pictures
}
