package fetch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/seed-516990b0/golxmert/internal/filelock"
)

// errLocked says that another process holds a lock.
var errLocked = errors.New("locked")

// lockWait is the pause between two tries.
const lockWait = 300 * time.Millisecond

// lock waits until no other process fetches into the same folder, and says so.
func (r *run) lock(ctx context.Context, path string) (unlock func(), err error) {
	for said := false; ; {
		unlock, err := r.tryLock(path)
		if !errors.Is(err, errLocked) {
			return unlock, err
		}
		if !said {
			r.logf("waiting for another lxmert fetch into this folder (if there is none, remove %s)", path)
			said = true
		}
		if err := r.sleep(ctx, lockWait); err != nil {
			return nil, fmt.Errorf("waiting for another lxmert fetch, which holds %s: %w", path, err)
		}
	}
}

// tryLock takes the lock, which ends with the process at the latest. It returns errLocked if somebody else has it.
func tryLock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	if !filelock.Try(f) {
		f.Close()
		return nil, errLocked
	}
	return func() { f.Close() }, nil
}
