//go:build cgo && linux

package cmalloc_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"github.com/seed-516990b0/golxmert/internal/resident"
	"github.com/seed-516990b0/golxmert/internal/testwait"
	"github.com/seed-516990b0/golxmert/lxmert/internal/cmalloc"
	"github.com/seed-516990b0/golxmert/lxmert/internal/cmalloctest"
)

// Sizes around borders of granules, and between the pool and glibc.
func sizes() []int {
	var all []int
	for power := 16; power <= 4<<20; power *= 2 {
		for _, n := range []int{power, power + power/2} {
			all = append(all, n-1, n, n+1)
		}
	}
	return append(all, 0, 1)
}

// needPool skips where the allocator is glibc's own: another C library, a system that counts addresses, or turned off.
func needPool(t *testing.T) {
	t.Helper()
	p := cmalloctest.Malloc(200_000)
	defer cmalloctest.Free(p)
	if cmalloctest.Usable(p) != 13<<14 {
		t.Skipf("no pool here: a block for 200,000 bytes has %d", cmalloctest.Usable(p))
	}
}

func TestBlocksHaveTheSizeAndAlignmentAskedFor(t *testing.T) {
	for _, n := range sizes() {
		check := func(how string, p unsafe.Pointer, align int) {
			t.Helper()
			if p == nil || uintptr(p)%uintptr(align) != 0 || cmalloctest.Usable(p) < n {
				t.Errorf("%s of %d bytes is at %p and has %d", how, n, p, cmalloctest.Usable(p))
			}
			write(p, n, 0xa5)
		}
		p := cmalloctest.Malloc(n)
		check("malloc", p, 16)
		for _, to := range sizes() {
			if to == 0 {
				continue // frees
			}
			before := min(n, to)
			if p = cmalloctest.Realloc(p, to); p == nil || !starts(p, before, 0xa5) {
				t.Fatalf("realloc from %d to %d bytes loses what was there", n, to)
			}
			if p = cmalloctest.Realloc(p, max(n, 1)); !starts(p, before, 0xa5) {
				t.Fatalf("realloc from %d back to %d bytes loses what was there", to, n)
			}
			write(p, n, 0xa5)
		}
		cmalloctest.Free(p)
		for align := 8; align <= 64<<10; align *= 2 {
			p, err := cmalloctest.Aligned(align, n)
			if err != nil {
				t.Fatalf("posix_memalign(%d, %d): %v", align, n, err)
			}
			check("posix_memalign", p, align)
			cmalloctest.Free(p)
		}
		p = cmalloctest.Calloc(n)
		if !reads(p, n, 0) {
			t.Errorf("calloc of %d bytes is not zero", n)
		}
		cmalloctest.Free(p)
	}
	for _, align := range []int{0, 3, 4, 24, 100} {
		if _, err := cmalloctest.Aligned(align, 1000); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("posix_memalign with alignment %d: %v", align, err)
		}
	}
	cmalloctest.Free(nil)
	if cmalloctest.Usable(nil) != 0 {
		t.Error("nothing has a size")
	}
}

// TestThreadsKeepTheirBlocksApart has threads fill blocks, pass them on, and look whether they are as they were.
func TestThreadsKeepTheirBlocksApart(t *testing.T) {
	type block struct {
		p    unsafe.Pointer
		n    int
		fill byte
	}
	free := func(b block) {
		if !reads(b.p, b.n, b.fill) {
			t.Errorf("a block of %d bytes was changed by somebody else", b.n)
		}
		cmalloctest.Free(b.p)
	}
	all := sizes()
	passed := make(chan block, 64)
	var threads sync.WaitGroup
	for thread := range 4 {
		threads.Go(func() {
			runtime.LockOSThread() // the thread ends with this function
			random := rand.New(rand.NewPCG(1, uint64(thread)))
			var held []block
			for range 20_000 {
				b := block{n: all[random.IntN(len(all))] % (1 << 20), fill: byte(random.Uint32())}
				switch random.IntN(3) {
				case 0:
					b.p = cmalloctest.Malloc(b.n)
				case 1:
					b.p, _ = cmalloctest.Aligned(64<<random.IntN(8), b.n)
				case 2:
					b.p = cmalloctest.Realloc(cmalloctest.Malloc(all[random.IntN(len(all))]), b.n+1)
				}
				write(b.p, b.n, b.fill)
				held = append(held, b)
				if len(held) < 50 {
					continue
				}
				at := random.IntN(len(held))
				b, held[at] = held[at], held[len(held)-1]
				held = held[:len(held)-1]
				select {
				case passed <- b:
				default:
					free(b)
				}
				if random.IntN(2) == 0 {
					select {
					case b := <-passed:
						free(b)
					default:
					}
				}
			}
			for _, b := range held {
				free(b)
			}
		})
	}
	threads.Wait()
	close(passed)
	for b := range passed {
		free(b)
	}
}

// TestMemoryIsUsedAgain has one thread free what another allocates, and threads end that hold free blocks.
func TestMemoryIsUsedAgain(t *testing.T) {
	needPool(t)
	const size, limit = 200_000, 64 << 20
	allocate := func() unsafe.Pointer {
		p, err := cmalloctest.Aligned(4096, size)
		if err != nil {
			t.Error(err)
		}
		write(p, size, 1)
		return p
	}
	before := resident.Bytes()
	if before == 0 {
		t.Fatal("the system does not say how much memory this process has")
	}
	passed := make(chan unsafe.Pointer, 16)
	go func() {
		runtime.LockOSThread()
		defer close(passed)
		for range 10_000 {
			passed <- allocate()
		}
	}()
	for p := range passed {
		cmalloctest.Free(p)
	}
	if grown := resident.Bytes() - before; grown > limit {
		t.Errorf("10,000 blocks of %d bytes that another thread frees leave %d MB", size, grown>>20)
	}
	for range 100 {
		var ended sync.WaitGroup
		ended.Go(func() {
			runtime.LockOSThread()
			var held []unsafe.Pointer
			for range 100 {
				held = append(held, allocate())
			}
			for _, p := range held {
				cmalloctest.Free(p)
			}
		})
		ended.Wait()
	}
	if grown := resident.Bytes() - before; grown > limit {
		t.Errorf("100 threads that held 20 MB each leave %d MB", grown>>20)
	}
}

func TestFreeBlockIsTakenAgainAsItIs(t *testing.T) {
	needPool(t)
	const n = 100 << 20
	p := cmalloctest.Malloc(n)
	write(p, n, 7)
	cmalloctest.Free(p)
	q := cmalloctest.Malloc(n - 1)
	defer cmalloctest.Free(q)
	if q != p || !starts(q, n-1000, 7) {
		t.Error("a block of 100 MB that was freed is not what the next one of this size gets")
	}
}

// hold allocates n blocks of size bytes, fills them, and says by how much the process's memory has grown since. It skips
// where that is not by as much as they are.
func hold(t *testing.T, n, size int) (blocks []unsafe.Pointer, grown func() int64) {
	t.Helper()
	before := resident.Bytes()
	for range n {
		p := cmalloctest.Malloc(size)
		write(p, size, 3)
		blocks = append(blocks, p)
	}
	grown = func() int64 { return resident.Bytes() - before }
	if got := grown(); got < int64(n*size/2) {
		t.Skipf("%d MB in blocks make the process only %d MB larger: it had free memory", n*size>>20, got>>20)
	}
	return blocks, grown
}

func TestFreeMemoryGoesBackBeforeThePoolGrows(t *testing.T) {
	needPool(t)
	const n, size = 64, 4 << 20
	blocks, grown := hold(t, n, size)
	for i := 0; i < n; i += 2 {
		cmalloctest.Free(blocks[i])
	}
	p := cmalloctest.Malloc(1 << 30) // fits nowhere between the others
	if got := grown(); got > n*size*3/4 {
		t.Errorf("with half of the blocks freed, the process is still %d MB larger", got>>20)
	}
	cmalloctest.Free(p)
	for i := 1; i < n; i += 2 {
		if !reads(blocks[i], size, 3) {
			t.Error("a block that is in use was given back")
		}
		cmalloctest.Free(blocks[i])
	}
}

func TestTrimGivesSmallBlocksBack(t *testing.T) {
	needPool(t)
	const n, size = 4096, 64 << 10
	blocks, grown := hold(t, n, size)
	end := cmalloctest.Malloc(1000) // keeps glibc from giving back what lies before it
	defer cmalloctest.Free(end)
	for _, p := range blocks {
		cmalloctest.Free(p)
	}
	cmalloc.Trim()
	testwait.Until(t, fmt.Sprintf("of %d MB in small blocks that were freed, the process keeps less than a quarter", n*size>>20), func() bool {
		return grown() <= n*size/4
	})
}

// inChild runs the calling test in a process of its own, with more in its environment, and returns what it prints.
func inChild(t *testing.T, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(testwait.Context(t), os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(append(os.Environ(), "IS_CHILD=1"), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestFreeMemoryGoesBackInTime runs in a process where nobody else allocates.
func TestFreeMemoryGoesBackInTime(t *testing.T) {
	if os.Getenv("IS_CHILD") == "1" {
		blocks, grown := hold(t, 1, 256<<20)
		cmalloctest.Free(blocks[0])
		kept := grown()
		testwait.Until(t, "most of it is given back", func() bool { return grown() <= 56<<20 })
		println(kept >> 20)
		os.Exit(0)
	}
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	needPool(t)
	t.Parallel()
	var kept int
	if out := inChild(t); !sscan(out, &kept) || kept < 200 {
		t.Errorf("of 256 MB that were freed, %q MB were kept at first", out)
	}
}

func sscan(text string, into ...any) bool {
	n, err := fmt.Sscan(text, into...)
	return n == len(into) && err == nil
}

func TestPoolCanBeTurnedOff(t *testing.T) {
	if os.Getenv("IS_CHILD") == "1" {
		println(cmalloctest.Usable(cmalloctest.Malloc(200_000)))
		os.Exit(0)
	}
	needPool(t)
	if got := inChild(t, "GOLXMERT_POOL=0"); !strings.HasPrefix(got, "200") {
		t.Errorf("a block for 200,000 bytes has %s", got)
	}
}

func TestChildrenOfForkAllocateWhateverOtherThreadsDo(t *testing.T) {
	needPool(t)
	const n = 200
	if got := cmalloctest.Forks(n); got != n {
		t.Errorf("%d of %d children could allocate", got, n)
	}
}

func TestMisusedBlocksEndTheProcessAsGlibcDoes(t *testing.T) {
	misuse := map[string]func(){
		"free(): double free detected": func() {
			p := cmalloctest.Malloc(200_000)
			cmalloctest.Free(p)
			cmalloctest.Free(p)
		},
		"free(): double free detected in": func() { // when it has become part of the block before it
			p, q := cmalloctest.Malloc(200_000), cmalloctest.Malloc(200_000)
			cmalloctest.Free(p)
			cmalloctest.Free(q)
			cmalloctest.Free(q)
		},
		"free(): invalid pointer":    func() { cmalloctest.Free(unsafe.Add(cmalloctest.Malloc(200_000), 16<<10)) },
		"realloc(): invalid pointer": func() { cmalloctest.Realloc(unsafe.Add(cmalloctest.Malloc(200_000), 64), 300_000) },
	}
	if how := os.Getenv("MISUSE"); how != "" {
		misuse[how]()
		os.Exit(0)
	}
	needPool(t)
	for want := range misuse {
		cmd := exec.CommandContext(testwait.Context(t), os.Args[0], "-test.run", "^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), "MISUSE="+want)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), want) || !strings.Contains(string(out), "SIGABRT") {
			t.Errorf("%s: %v, %s", want, err, out)
		}
	}
}

// write fills some bytes of a block, fewer than a page apart, and its end.
func write(p unsafe.Pointer, n int, fill byte) {
	block := unsafe.Slice((*byte)(p), n)
	for i := 0; i < n; i = next(i) {
		block[i] = fill
	}
	for i := max(0, n-16); i < n; i++ {
		block[i] = fill
	}
}

// starts reports whether the first n bytes of a block are as write left them.
func starts(p unsafe.Pointer, n int, fill byte) bool {
	block := unsafe.Slice((*byte)(p), n)
	for i := 0; i < n; i = next(i) {
		if block[i] != fill {
			return false
		}
	}
	return true
}

// reads reports whether a block of n bytes is as write left it.
func reads(p unsafe.Pointer, n int, fill byte) bool {
	end := max(0, n-16)
	return starts(p, n, fill) && starts(unsafe.Add(p, end), n-end, fill)
}

func next(i int) int { return i + 1 + min(i, 1021) }
