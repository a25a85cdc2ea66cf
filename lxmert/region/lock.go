package region

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/seed-516990b0/golxmert/internal/filelock"
)

// lockName is the file in a store that whoever packs it locks.
const lockName = ".lock"

// lockStore makes a store's folder and locks it against others that pack into it, waiting for them.
func lockStore(ctx context.Context, dir string, log io.Writer) (*filelock.Lock, error) {
	lock, err := filelock.Wait(ctx, filepath.Join(dir, lockName), func(held *filelock.HeldError, again bool) error {
		if !again {
			fmt.Fprintf(log, "%s is being packed by %s: waiting for it\n", dir, held.Holder)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("region: %w", err)
	}
	return lock, nil
}
