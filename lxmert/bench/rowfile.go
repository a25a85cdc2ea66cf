package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
)

// This file keeps rows that take long in files of their own, so that the next call goes on with those that are missing.

// checkRows says what is wrong with where rows go, and with how large batches may be.
func checkRows(dir string, maxBatch int) error {
	switch {
	case dir == "":
		return fmt.Errorf("%w: --out names no folder for the results", ErrOptions)
	case maxBatch < 0:
		return fmt.Errorf("%w: --maxBatch is %d, must be at least 1", ErrOptions, maxBatch)
	}
	return nil
}

// readRow reads a row that was found before; nil: it was not.
func readRow[R any](file string) (*R, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r R
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s is no result of bench gpu: %w; remove it, and it is measured again", file, err)
	}
	return &r, nil
}

func writeRow(file string, row any) error {
	text, err := json.MarshalIndent(row, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(file, 0o644, append(text, '\n'))
}
