package weights

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/seed-516990b0/golxmert/internal/goldentest"
)

// TestDamagedFilesAreErrors cuts, flips and splices golden files of all formats, 10,000 times in all. Each result opens
// and reads, or is an error that names the file; nothing panics, hangs, or takes memory that the file's size does not justify.
func TestDamagedFilesAreErrors(t *testing.T) {
	var small, large [][]byte
	for _, dir := range goldentest.Folders(t, "model") {
		small = append(small,
			readFile(t, dir, "checkpoints", "edge_legacy.pth"), readFile(t, dir, "checkpoints", "edge_zip.pth"),
			readFile(t, dir, "checkpoints", "edge_expected.safetensors"), readFile(t, dir, "tiny", "heads.safetensors"))
		large = append(large,
			readFile(t, dir, "checkpoints", "legacy_module_LXRT.pth"), readFile(t, dir, "checkpoints", "fp16_zip_plain_LXRT.pth"),
			readFile(t, dir, "tiny", "weights.safetensors"))
	}
	for _, dir := range goldentest.Folders(t, "hf") {
		large = append(large, readFile(t, dir, "model", "model.safetensors"))
	}
	for _, name := range append(extrasFiles, "extras_module_zip.pth", "extras_module_legacy.pth") {
		small = append(small, readFile(t, "testdata", name))
	}
	rng := rand.New(rand.NewPCG(20, 24))
	const rounds = 10_000
	for i := range rounds {
		base := small
		if i%10 == 0 {
			base = large
		}
		original := base[rng.IntN(len(base))]
		data := mutate(rng, original)
		check(t, fmt.Sprintf("mutation %d", i), data, i%2 == 0)
	}
}

// check opens and reads a file and holds memory to account. One that is read forever ends the test, with this on the stack.
func check(t *testing.T, what string, data []byte, mapped bool) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			path := filepath.Join(os.TempDir(), "golxmert-damaged-file")
			os.WriteFile(path, data, 0o666)
			t.Fatalf("%s: panic: %v (the file is kept as %s)", what, p, path)
		}
	}()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := readAll(data, mapped)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
	// A file may be looked at through many views, each of which may be as large as the file and is let go again.
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20+100*uint64(len(data)) {
		t.Errorf("%s: %d bytes were allocated for a file of %d", what, used, len(data))
	}
}

// mutate damages a copy in one of the ways that files get damaged, or that an attacker would try.
func mutate(rng *rand.Rand, original []byte) []byte {
	data := append([]byte(nil), original...)
	// Most structure is in the first kilobytes and, in zip files, the last.
	place := func() int {
		switch rng.IntN(3) {
		case 0:
			return rng.IntN(len(data))
		case 1:
			return len(data) - 1 - rng.IntN(min(len(data), 2048))
		}
		return rng.IntN(min(len(data), 4096))
	}
	for range 1 + rng.IntN(3) {
		if len(data) < 16 {
			return data
		}
		switch at := place(); rng.IntN(8) {
		case 0: // cut short
			data = data[:at]
		case 1: // flip a bit
			data[at] ^= 1 << rng.IntN(8)
		case 2: // another byte
			data[at] = byte(rng.Uint32())
		case 3: // a length or place of its own
			interesting := []uint64{0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff, 1 << 62, 1<<63 - 1, 1 << 63, 1<<64 - 1, uint64(len(data)), uint64(len(data)) - 1}
			var b [8]byte
			binary.LittleEndian.PutUint64(b[:], interesting[rng.IntN(len(interesting))])
			copy(data[at:], b[:1<<rng.IntN(4)])
		case 4: // leave a piece out
			end := min(len(data), at+1+rng.IntN(64))
			data = append(data[:at:at], data[end:]...)
		case 5: // say a piece twice
			end := min(len(data), at+1+rng.IntN(64))
			data = append(data[:end:end], data[at:]...)
		case 6: // swap two pieces
			to := place()
			n := min(1+rng.IntN(64), len(data)-max(at, to))
			for i := range n {
				data[at+i], data[to+i] = data[to+i], data[at+i]
			}
		case 7: // a digit of a JSON header, an opcode of a pickle
			data[at] = "0123456789(){}[]\"qrhjRQbcutesNKJX."[rng.IntN(34)]
		}
	}
	return data
}
