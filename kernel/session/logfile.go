package session

import (
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
)

// maxLog is how large the log grows, in bytes, before it becomes the old one; there is one old one.
const maxLog = 4 << 20

// logFile is the session's log. A line that cannot be written is lost and counted: the session goes on with its work on a
// full disk.
type logFile struct {
	path string

	mu   sync.Mutex
	file *os.File
	size int64
	lost int
}

func newLogFile(path string) *logFile { return &logFile{path: path} }

// printf writes one line, with its time.
func (l *logFile) printf(format string, args ...any) {
	text := strings.ReplaceAll(strings.TrimSpace(fmt.Sprintf(format, args...)), "\n", "\n\t")
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now().Format("2006-01-02 15:04:05.000 ")
	if l.lost > 0 {
		if l.write(fmt.Sprintf("%s%d lines could not be written\n", now, l.lost)) != nil {
			l.lost++
			return
		}
		l.lost = 0
	}
	if l.write(now+text+"\n") != nil {
		l.lost++
	}
}

func (l *logFile) write(line string) error {
	if err := l.open(); err != nil {
		return err
	}
	if l.size+int64(len(line)) > maxLog {
		l.file.Close()
		l.file = nil
		if err := os.Rename(l.path, l.path+".1"); err != nil {
			return err
		}
		if err := l.open(); err != nil {
			return err
		}
	}
	n, err := l.file.WriteString(line)
	l.size += int64(n)
	return err
}

func (l *logFile) open() error {
	if l.file != nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	l.file, l.size = f, info.Size()
	return nil
}

func (l *logFile) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		l.file.Close()
		l.file = nil
	}
}

// Write writes lines of others.
func (l *logFile) Write(p []byte) (int, error) {
	l.printf("%s", p)
	return len(p), nil
}

func (l *logFile) logger() *log.Logger { return log.New(l, "", 0) }

// tail returns the last n bytes, from the beginning of a line.
func (l *logFile) tail(n int64) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var text []byte
	for _, path := range []string{l.path + ".1", l.path} {
		f, err := os.Open(path)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("session: %w", err)
		}
		part, err := io.ReadAll(io.LimitReader(f, maxLog+1))
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("session: %w", err)
		}
		text = append(text, part...)
	}
	if int64(len(text)) <= n {
		return text, nil
	}
	text = text[int64(len(text))-n:]
	if i := strings.IndexByte(string(text), '\n'); i >= 0 {
		text = text[i+1:]
	}
	return text, nil
}

// inherit takes over what the last process wrote to its standard error, a crash perhaps, and empties the file: what is in
// it from then on is this process's.
func (l *logFile) inherit(path string) {
	f, err := os.Open(path)
	if err != nil {
		return // the session was not started by a client
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil || len(text) == 0 {
		return
	}
	l.printf("the session before wrote to its standard error:\n%s", text)
	if err := os.Truncate(path, 0); err != nil {
		l.printf("emptying %s: %v", path, err)
	}
}

// trim empties a file that others append to when it has become too large.
func (l *logFile) trim(path string) {
	if info, err := os.Stat(path); err != nil || info.Size() < maxLog {
		return
	}
	if err := os.Truncate(path, 0); err != nil {
		l.printf("emptying %s: %v", path, err)
	}
}

// Logs returns the last bytes, at most n, of the log of the session in a folder ("": the user's own), whether it runs or
// has ended, from the beginning of a line.
func Logs(dir string, n int64) ([]byte, error) {
	place, err := wire.Find(dir)
	if err != nil {
		return nil, err
	}
	text, err := newLogFile(place.Log).tail(n)
	if err != nil {
		return nil, err
	}
	if words, err := os.ReadFile(place.LastOut); err == nil && len(words) > 0 {
		words = words[max(0, len(words)-int(min(n, maxLog))):]
		text = append(append(text, "-- the standard error of its process\n"...), words...)
	}
	return text, nil
}
