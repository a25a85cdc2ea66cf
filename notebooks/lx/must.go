package lx

// Must is for functions of other packages that return an error beside a value: it hands on the value, or prints the error
// in a line and ends the cell as failed.
//
//	text := lx.Must(os.ReadFile("out/mine.json"))
func Must[T any](value T, err error) T { return must(value, err) }

// Check is [Must] for functions that return an error alone.
func Check(err error) {
	if err != nil {
		fail(err)
	}
}
