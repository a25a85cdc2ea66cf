package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestNotebooksTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1)
		leave, err := q.enter(t.Context(), "first", "")
		if err != nil {
			t.Fatal(err)
		}
		order := make(chan string, 8)
		for _, client := range []string{"a", "a", "a", "b", "c", "b"} {
			go func() {
				leave, err := q.enter(t.Context(), client, "")
				if err == nil {
					order <- client
					leave()
				}
			}()
			synctest.Wait()
		}
		leave()
		synctest.Wait()
		got := ""
		for range 6 {
			got += <-order
		}
		if got != "abcaba" {
			t.Errorf("calls of a, a, a, b, c, b were let in as %s", got)
		}
		if q.free != 1 || len(q.turns)+len(q.waiting)+len(q.working) != 0 {
			t.Errorf("afterwards the queue is %+v", q)
		}
	})
}

func TestWhoGivesUpLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(1)
		leave, err := q.enter(t.Context(), "a", "")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		gaveUp := make(chan error)
		go func() {
			_, err := q.enter(ctx, "b", "")
			gaveUp <- err
		}()
		synctest.Wait()
		if _, waiting := q.state(); waiting["b"] != 1 {
			t.Errorf("waiting are %v", waiting)
		}
		cancel()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("giving up is %v", err)
		}
		leave()
		leave() // twice counts once
		last, err := q.enter(t.Context(), "c", "")
		if err != nil {
			t.Fatal(err)
		}
		last()
		if q.free != 1 || len(q.turns)+len(q.waiting) != 0 {
			t.Errorf("afterwards the queue is %+v", q)
		}
	})
}

func TestABudgetIsGivenInOrderAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(10)
		if err := b.take(t.Context(), 8); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		large, small := make(chan error, 1), make(chan error, 1)
		go func() { large <- b.take(ctx, 10) }()
		synctest.Wait()
		go func() { small <- b.take(t.Context(), 1) }()
		synctest.Wait()
		if len(small) > 0 {
			t.Error("a small claim overtakes a large one, which would never be met")
		}
		cancel()
		if err := <-large; !errors.Is(err, context.Canceled) {
			t.Errorf("giving up is %v", err)
		}
		if err := <-small; err != nil {
			t.Error(err)
		}
		b.give(8)
		b.give(1)
		if b.free != 10 || len(b.waiting) > 0 {
			t.Errorf("%d of 10 bytes are free in the end", b.free)
		}
	})
}

func TestBytesHaveUnits(t *testing.T) {
	for text, want := range map[string]int64{"8GB": 8 << 30, "500 MB": 500 << 20, "1.5GiB": 3 << 29, "4096": 4096, "2t": 2 << 40, "64k": 64 << 10} {
		if n, err := ParseBytes(text); err != nil || n != want {
			t.Errorf("%s is %d, %v", text, n, err)
		}
	}
	for _, text := range []string{"", "GB", "-1MB", "8 GX", "1e40GB", "nanMB", "8GB8"} {
		if n, err := ParseBytes(text); err == nil {
			t.Errorf("%q is taken for %d", text, n)
		}
	}
}
