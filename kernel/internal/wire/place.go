package wire

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// DirEnv names the folder of the session, for those who want several, or another place.
const DirEnv = "LXMERT_SESSION_DIR"

// SavingEnv names the file by which a cell's program asks the kernel for time to save its work.
const SavingEnv = "LXMERT_SAVING"

// AsideSuffix stands after the name of the Go file of a cell while its program runs.
const AsideSuffix = ".runs"

// Place is where a session lives.
type Place struct {
	Dir     string // private to the user
	Socket  string
	Lock    string // held by the session as long as it lives
	LastOut string // what the process wrote to its standard error, which is where crashes are explained
	Log     string // what happened, rotated to Log + ".1"
	Runs    string // folder with one folder for each training run
}

// maxSocket is the longest path of a unix socket that every system takes, in bytes.
const maxSocket = 103

// Find says where the session of this user on this machine is: in dir, else where LXMERT_SESSION_DIR says, else in the
// user's folder for sockets (XDG_RUNTIME_DIR) and cache. Nothing is created.
func Find(dir string) (Place, error) {
	if dir == "" {
		dir = os.Getenv(DirEnv)
	}
	if dir != "" {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return Place{}, fmt.Errorf("session: %w", err)
		}
		return placeIn(dir, dir), nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return Place{}, fmt.Errorf("session: %w; set HOME, or %s to a folder", err, DirEnv)
	}
	keep := filepath.Join(cache, "golxmert", "session")
	if runtime := os.Getenv("XDG_RUNTIME_DIR"); runtime != "" {
		if info, err := os.Stat(runtime); err == nil && info.IsDir() {
			return placeIn(filepath.Join(runtime, "golxmert"), keep), nil
		}
	}
	// A home folder may be shared by several machines, a socket may not.
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "localhost"
	}
	return placeIn(filepath.Join(keep, filepath.Base(host)), keep), nil
}

func placeIn(dir, keep string) Place {
	p := Place{
		Dir: dir, Socket: filepath.Join(dir, "socket"), Lock: filepath.Join(dir, "lock"), LastOut: filepath.Join(dir, "stderr.log"),
		Log: filepath.Join(keep, "session.log"), Runs: filepath.Join(keep, "runs"),
	}
	if len(p.Socket) > maxSocket {
		sum := sha256.Sum256([]byte(dir))
		// Not TMPDIR, which is another in each notebook.
		p.Dir = filepath.Join("/tmp", fmt.Sprintf("golxmert-%d-%x", os.Getuid(), sum[:6]))
		p.Socket, p.Lock, p.LastOut = filepath.Join(p.Dir, "socket"), filepath.Join(p.Dir, "lock"), filepath.Join(p.Dir, "stderr.log")
	}
	return p
}

// Prepare creates the folders and checks that nobody else can enter that of the socket.
func (p Place) Prepare() error {
	for _, dir := range []string{p.Dir, p.Runs} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("session: %w; %s names another folder", err, DirEnv)
		}
	}
	return p.Check()
}

// Check says whether the folder of the socket is this user's own and closed to all others. A folder that does not exist
// is an error that wraps [os.ErrNotExist].
func (p Place) Check() error {
	info, err := os.Lstat(p.Dir)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	cause := ""
	switch {
	case !info.IsDir():
		cause = "it is not a folder"
	case !ownedByUser(info):
		cause = "it belongs to another user"
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		cause = fmt.Sprintf("its mode is %04o; `chmod 700` closes it", info.Mode().Perm())
	default:
		return nil
	}
	return fmt.Errorf("session: %w: the folder %s must be yours alone, but %s; %s names another folder", ErrNotPrivate, p.Dir, cause, DirEnv)
}

// ErrNotPrivate is wrapped by the error about a folder that others could enter.
var ErrNotPrivate = errors.New("not private")
