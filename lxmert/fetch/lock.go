package fetch

import (
	"context"

	"github.com/seed-516990b0/golxmert/internal/filelock"
)

// lockName is the file that two runs lock, below the folder.
const lockName = "data/.lxmert-fetch.lock"

// lock waits until no other process fetches into the same folder, and says so.
func (r *run) lock(ctx context.Context) (*filelock.Lock, error) {
	return r.waitLock(ctx, r.path(lockName), func(held *filelock.HeldError, again bool) error {
		if !again {
			r.logf("waiting for another lxmert fetch into this folder: %v (if there is none, remove the file)", held)
		}
		return nil
	})
}
