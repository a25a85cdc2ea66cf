package lru

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// get asks for a key whose value is the key itself.
func get(t *testing.T, c *Cache[string, string], key string) (release func()) {
	t.Helper()
	value, release, err := c.Get(t.Context(), key, func() (string, error) { return key, nil })
	if err != nil || value != key {
		t.Fatalf("%s: %q, %v", key, value, err)
	}
	return release
}

func keys(c *Cache[string, string]) []string {
	var keys []string
	for _, e := range c.Entries() {
		keys = append(keys, e.Key)
	}
	return keys
}

// freed is a Free that takes down what it was called with.
func freed(into *[]string) func(string, string) error {
	return func(key, _ string) error {
		*into = append(*into, key)
		return nil
	}
}

func TestAValueIsMadeOnceForAllWhoAskAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Cache[string, int]
		var made atomic.Int32
		proceed := make(chan struct{})
		for range 8 {
			go func() {
				value, release, err := c.Get(t.Context(), "a", func() (int, error) {
					<-proceed
					return int(made.Add(1)), nil
				})
				if err != nil || value != 1 {
					t.Errorf("%d, %v", value, err)
					return
				}
				release()
				release() // does nothing
			}()
		}
		synctest.Wait()
		if n := len(c.Entries()); n != 0 {
			t.Errorf("%d values are there before one is made", n)
		}
		close(proceed)
		synctest.Wait()
		if e := c.Entries(); made.Load() != 1 || len(e) != 1 || e[0].Users != 0 || e[0].Value != 1 {
			t.Errorf("made %d times; %+v", made.Load(), e)
		}
	})
}

func TestWhoGivesUpLeavesTheMakingToTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Cache[string, int]
		proceed := make(chan struct{})
		produce := func() (int, error) { <-proceed; return 7, nil }
		first, cancel := context.WithCancel(t.Context())
		gaveUp := make(chan error, 1)
		go func() {
			_, _, err := c.Get(first, "a", produce)
			gaveUp <- err
		}()
		synctest.Wait()
		got := make(chan int, 1)
		go func() {
			value, _, _ := c.Get(t.Context(), "a", func() (int, error) { return 8, nil })
			got <- value
		}()
		synctest.Wait()
		cancel()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up: %v", err)
		}
		close(proceed)
		if value := <-got; value != 7 {
			t.Errorf("who waited got %d", value)
		}
		if _, _, err := c.Get(first, "a", produce); !errors.Is(err, context.Canceled) {
			t.Errorf("who comes with a context that has ended: %v", err)
		}
		if e := c.Entries(); len(e) != 1 || e[0].Users != 1 {
			t.Errorf("%+v", e)
		}
	})
}

func TestWhatFailsIsTriedAgain(t *testing.T) {
	no := errors.New("no")
	var caught any
	for name, produce := range map[string]func() (string, error){
		"an error":    func() (string, error) { return "", no },
		"a panic":     func() (string, error) { panic(no) },
		"a goroutine": func() (string, error) { runtime.Goexit(); return "", nil },
	} {
		c := Cache[string, string]{Free: func(string, string) error { t.Errorf("%s is freed", name); return nil }}
		err := func() (err error) {
			defer func() {
				if caught = recover(); caught != nil {
					err = caught.(error)
				}
			}()
			_, _, err = c.Get(t.Context(), "a", produce)
			return err
		}()
		if want := map[string]error{"an error": no, "a panic": no, "a goroutine": errNothing}[name]; err != want || (caught != nil) != (name == "a panic") {
			t.Errorf("%s: %v, panicked: %v", name, err, caught)
		}
		if e := c.Entries(); len(e) != 0 {
			t.Errorf("%s: %+v", name, e)
		}
		get(t, &c, "a")
	}
}

func TestTheLeastRecentlyUsedGoesUnlessItIsInUse(t *testing.T) {
	var gone []string
	c := Cache[string, string]{Limit: 3, Free: freed(&gone)}
	for _, key := range []string{"a", "b", "c", "a", "d"} {
		get(t, &c, key)()
	}
	if !slices.Equal(gone, []string{"b"}) || !slices.Equal(keys(&c), []string{"d", "a", "c"}) {
		t.Errorf("freed %v, left %v", gone, keys(&c))
	}
	release := get(t, &c, "c")
	get(t, &c, "e")()
	get(t, &c, "f")()
	if !slices.Equal(gone, []string{"b", "a", "d"}) || !slices.Equal(keys(&c), []string{"f", "e", "c"}) {
		t.Errorf("freed %v, left %v", gone, keys(&c))
	}
	release() // is a use
	get(t, &c, "g")()
	if !slices.Equal(keys(&c), []string{"g", "c", "f"}) {
		t.Errorf("left %v", keys(&c))
	}

	var all []func()
	for _, key := range []string{"1", "2", "3", "4", "5"} {
		all = append(all, get(t, &c, key))
	}
	if !slices.Equal(keys(&c), []string{"5", "4", "3", "2", "1"}) || c.Evict() {
		t.Errorf("of what is in use are left %v", keys(&c))
	}
	for _, release := range all {
		release()
	}
	get(t, &c, "6")()
	if !slices.Equal(keys(&c), []string{"6", "5", "4"}) {
		t.Errorf("left %v", keys(&c))
	}
	for range 3 {
		if !c.Evict() {
			t.Error("nothing to evict")
		}
	}
	if c.Evict() || len(c.Entries()) != 0 {
		t.Errorf("left %v", keys(&c))
	}
}

func TestWhatIsNotFreshIsMadeAgainAndFreedByItsLastUser(t *testing.T) {
	var version atomic.Int32
	var gone []int32
	c := Cache[string, int32]{
		Fresh: func(_ string, v int32) bool { return v == version.Load() },
		Free:  func(_ string, v int32) error { gone = append(gone, v); return nil },
	}
	ask := func(want int32) func() {
		value, release, err := c.Get(t.Context(), "a", func() (int32, error) { return version.Load(), nil })
		if err != nil || value != want {
			t.Errorf("%d, %v, expected %d", value, err, want)
		}
		return release
	}
	first, second := ask(0), ask(0)
	version.Add(1)
	third := ask(1)
	first()
	if len(gone) != 0 {
		t.Errorf("%v are freed, which are in use", gone)
	}
	second()
	if !slices.Equal(gone, []int32{0}) {
		t.Errorf("freed are %v", gone)
	}
	third()
	version.Add(1)
	ask(2)() // nobody used the old one
	if !slices.Equal(gone, []int32{0, 1}) {
		t.Errorf("freed are %v", gone)
	}
}

func TestCloseFreesWhatIsNotInUseAndTheRestLater(t *testing.T) {
	var gone []string
	no := errors.New("no")
	c := Cache[string, string]{Free: func(key, _ string) error {
		gone = append(gone, key)
		if key == "bad" {
			return no
		}
		return nil
	}}
	get(t, &c, "bad")()
	release := get(t, &c, "used")
	if err := c.Close(); !errors.Is(err, no) || !slices.Equal(gone, []string{"bad"}) {
		t.Errorf("freed %v, %v", gone, err)
	}
	if release(); !slices.Equal(gone, []string{"bad", "used"}) {
		t.Errorf("freed %v", gone)
	}
	if _, _, err := c.Get(t.Context(), "a", func() (string, error) { return "", nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := c.Close(); !errors.Is(err, no) || len(gone) != 2 {
		t.Errorf("the second time: freed %v, %v", gone, err)
	}
	if err := new(Cache[string, string]).Close(); err != nil {
		t.Error(err)
	}
}

// TestNothingIsFreedInUseOrTwice does all that can be done at once.
func TestNothingIsFreedInUseOrTwice(t *testing.T) {
	type value struct{ users, freed atomic.Int32 }
	var made, freed atomic.Int32
	stale := func() bool { return rand.IntN(10) == 0 }
	c := Cache[int, *value]{
		Limit: 4,
		Fresh: func(int, *value) bool { return !stale() },
		Free: func(_ int, v *value) error {
			if n := v.users.Load(); n != 0 {
				t.Errorf("freed with %d users", n)
			}
			if v.freed.Add(1) != 1 {
				t.Error("freed twice")
			}
			freed.Add(1)
			return nil
		},
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range 500 {
				ctx, cancel := context.WithCancel(t.Context())
				if i%7 == 0 {
					go cancel()
				}
				v, release, err := c.Get(ctx, rand.IntN(8), func() (*value, error) {
					runtime.Gosched()
					if rand.IntN(10) == 0 {
						return nil, fmt.Errorf("no")
					}
					made.Add(1)
					return new(value), nil
				})
				if err == nil {
					v.users.Add(1)
					if v.freed.Load() != 0 {
						t.Error("what was freed is given away")
					}
					runtime.Gosched()
					v.users.Add(-1)
					release()
				}
				if i%50 == 0 {
					c.Evict()
					c.Entries()
				}
				cancel()
			}
		})
	}
	group.Wait()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if made.Load() != freed.Load() || made.Load() == 0 {
		t.Errorf("%d are made and %d freed", made.Load(), freed.Load())
	}
}
