//go:build cgo

package backend

/*
#include <stdlib.h>
static int with_glibc(void) {
#ifdef __GLIBC__
	return 1;
#else
	return 0;
#endif
}
*/
import "C"

import (
	"os"
	"strings"
	"syscall"
)

const tunables = "GLIBC_TUNABLES"

// restarted marks a process that HugePages has started anew.
const restarted = "GOLXMERT_HUGE_PAGES"

// HugePages lets XLA's CPU plugin have memory in pages of 2 MB, where the system gives them to those that ask: a training
// step of the published model touches gigabytes of fresh memory, and is 5 to 9 % faster without a fault every 4 KB. glibc
// asks if its environment tells it to before the program begins, so this starts the program anew in the same process, and
// does not return; the second time it returns at once. Call it first in main. It does nothing where it cannot help, or
// where GLIBC_TUNABLES is set; GOLXMERT_HUGE_PAGES=0 turns it off.
func HugePages() {
	if os.Getenv(restarted) == "1" {
		os.Unsetenv(restarted)
		os.Unsetenv(tunables) // not for processes that this one starts
		return
	}
	if os.Getenv(restarted) != "" || os.Getenv(tunables) != "" || C.with_glibc() == 0 {
		return
	}
	setting, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	if err != nil || !strings.Contains(string(setting), "[madvise]") {
		return // given to everybody, or to nobody
	}
	// If this fails the program goes on as it is.
	_ = syscall.Exec("/proc/self/exe", os.Args, append(os.Environ(), tunables+"=glibc.malloc.hugetlb=1", restarted+"=1"))
}
