package proxy

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// noRoom are the words of the system for a disk or a quota that is used up. $WORK is the go command's own folder, in the
// kernel's.
var noRoom = regexp.MustCompile(`(?i)(?:((?:\$WORK)?/[^\s:"']+): )?(?:no space left on device|disk quota exceeded)`)

// explainNoRoom replaces what a compiler or GoNB says for want of room by one line that names the place and says what
// to do. What the cell's own program says stays: it knows better which file that was.
func (k *kernel) explainNoRoom(f *failure) *failure {
	if f == nil || f.name != "compile error" && f.name != "kernel" {
		return f
	}
	m := noRoom.FindStringSubmatch(stripColour(f.value + "\n" + strings.Join(f.trace, "\n")))
	if m == nil {
		return f
	}
	return noRoomAt(m[1], k.private.dir)
}

// noRoomAt is the failure of a cell that could not be built because there is no room for path; "": it was not said
// which file, and it is one of the kernel's own folder, own.
func noRoomAt(path, own string) *failure {
	place, free := path, "free some space on its disk (`go clean -cache` gives some back)"
	if path == "" || strings.HasPrefix(path, "$WORK") || strings.HasPrefix(path, own+string(os.PathSeparator)) {
		place, free = own, "free some space there, or start the kernel with TMPDIR naming another place"
	}
	text := fmt.Sprintf("the disk is full at %s: the cell could not be built; %s, and run the cell again", place, free)
	return &failure{"no room", text, []string{complaint{message: text}.shown()}}
}
