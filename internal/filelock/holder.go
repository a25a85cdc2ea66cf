package filelock

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"
)

// sign writes into the file who has the lock. A link is not followed: what it leads to is not a lock.
func (l *Lock) sign() {
	path := l.file.Path()
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return
	}
	l.named = os.WriteFile(path, []byte(signature()+"\n"), 0o666) == nil
}

// signature is how this process is told from others, on a file system that several machines may share.
func signature() string {
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown machine"
	}
	return fmt.Sprintf("%s, pid %d on %s", filepath.Base(os.Args[0]), os.Getpid(), host)
}

// longestSignature bounds what is read of a file that somebody else may have written.
const longestSignature = 200

// holder says who has the lock at path.
func holder(path string) string {
	const unknown = "another process"
	f, err := os.Open(path)
	if err != nil {
		return unknown
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, longestSignature))
	if err != nil {
		return unknown
	}
	line, _, ended := strings.Cut(string(text), "\n")
	switch {
	case !ended || line == "" || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }):
		return unknown
	case line == signature():
		return "this process"
	}
	return fmt.Sprintf("%s (%s)", unknown, line)
}
