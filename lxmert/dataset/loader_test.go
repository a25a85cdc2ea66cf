package dataset

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestLoaderKeepsTheOrder(t *testing.T) {
	for _, workers := range []int{-1, 1, 3, 16} {
		for _, n := range []int{0, 1, 2, 100} {
			l := NewLoader(context.Background(), n, workers, func(_ context.Context, i int) (int, error) {
				for range i % 7 {
					runtime.Gosched() // so that later ones are ready first
				}
				return i * i, nil
			})
			for i := range n {
				if x, err := l.Next(); x != i*i || err != nil {
					t.Fatalf("%d of %d with %d workers: %d, %v", i, n, workers, x, err)
				}
			}
			for range 2 {
				if _, err := l.Next(); err != io.EOF {
					t.Errorf("after the last of %d: %v", n, err)
				}
			}
			l.Close()
		}
	}
}

func TestLoaderStaysAFewAhead(t *testing.T) {
	const workers = 4
	var started atomic.Int64
	l := NewLoader(context.Background(), 1000, workers, func(_ context.Context, i int) (int, error) {
		started.Add(1)
		return i, nil
	})
	defer l.Close()
	for i := range 200 {
		if _, err := l.Next(); err != nil {
			t.Fatal(err)
		}
		if ahead := started.Load() - int64(i) - 1; ahead > workers {
			t.Fatalf("%d are loaded ahead of number %d", ahead, i)
		}
	}
}

func TestLoaderLoadsAtTheSameTime(t *testing.T) {
	const workers = 3
	var together sync.WaitGroup
	together.Add(workers)
	l := NewLoader(context.Background(), workers, workers, func(_ context.Context, i int) (int, error) {
		together.Done()
		together.Wait() // ends only if all three are here
		return i, nil
	})
	defer l.Close()
	if x, err := l.Next(); x != 0 || err != nil {
		t.Error(x, err)
	}
}

func TestLoaderReturnsAnErrorInItsPlace(t *testing.T) {
	broken := errors.New("broken")
	l := NewLoader(context.Background(), 100, 4, func(_ context.Context, i int) (int, error) {
		if i >= 7 {
			return 0, broken
		}
		return i, nil
	})
	defer l.Close()
	for i := range 7 {
		if x, err := l.Next(); x != i || err != nil {
			t.Fatal(i, x, err)
		}
	}
	for range 2 {
		if _, err := l.Next(); !errors.Is(err, broken) {
			t.Error(err)
		}
	}
}

func TestLoaderStopsWithItsContext(t *testing.T) {
	stop := errors.New("stopped by the user")
	ctx, cancel := context.WithCancelCause(context.Background())
	l := NewLoader(ctx, 100, 2, func(ctx context.Context, i int) (int, error) {
		if i == 3 {
			<-ctx.Done()
			return 0, ctx.Err()
		}
		return i, nil
	})
	defer l.Close()
	for range 3 {
		if _, err := l.Next(); err != nil {
			t.Fatal(err)
		}
	}
	cancel(stop)
	if _, err := l.Next(); !errors.Is(err, stop) {
		t.Error(err)
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	var running atomic.Int64
	for range 50 {
		l := NewLoader(context.Background(), 1000, 8, func(ctx context.Context, i int) (int, error) {
			running.Add(1)
			defer running.Add(-1)
			if i > 2 {
				<-ctx.Done() // a slow disk
			}
			return i, nil
		})
		if _, err := l.Next(); err != nil {
			t.Fatal(err)
		}
		l.Close()
		if n := running.Load(); n != 0 {
			t.Fatalf("%d are still loading", n)
		}
		if _, err := l.Next(); !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		l.Close()
	}
}

func TestLoaderMeasuresHowLongItWasWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the clock of the test goes on when all are asleep
		l := NewLoader(context.Background(), 2, 1, func(context.Context, int) (int, error) {
			time.Sleep(time.Hour)
			return 0, nil
		})
		defer l.Close()
		for i, pause := range []time.Duration{0, 20 * time.Minute} { // a step that the second is loaded during
			time.Sleep(pause)
			if _, err := l.Next(); err != nil {
				t.Fatal(err)
			}
			if want := []time.Duration{60 * time.Minute, 100 * time.Minute}[i]; l.Wait() != want {
				t.Errorf("waited %v, want %v", l.Wait(), want)
			}
		}
	})
}
