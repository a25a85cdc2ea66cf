package main

import (
	"encoding/json"
	"io"
)

// writeJSON writes a value as --json prints it.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
