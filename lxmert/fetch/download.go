package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/seed-516990b0/golxmert/internal/progress"
)

// download is one file to be downloaded.
type download struct {
	name   string // for people: the path below the folder
	path   string
	urls   []string // mirrors, in turn
	kind   Kind
	size   int64  // bytes, 0: not known
	sha256 string // "": not known
	whose  string // who says that it has this size and SHA-256
}

// Pauses between tries.
const (
	firstPause = time.Second
	maxPause   = 30 * time.Second
	maxAsked   = 2 * time.Minute // of what a server asks for
)

// maxUnannounced is how many bytes are taken from a server that does not say how many will come: more than any published
// file has.
const maxUnannounced = 64 << 30

// download gets a file from the first mirror that has it.
func (r *run) download(ctx context.Context, d *download) (entry, error) {
	p, err := r.openPart(ctx, d)
	if err != nil {
		return entry{}, err
	}
	defer p.close()
	var failed mirrorsError
	for _, u := range d.urls {
		host, err := r.mayAsk(u)
		if err == nil {
			r.logf("%s: from %s", d.name, withoutPassword(u))
			err = r.mirror(ctx, d, p, u)
		}
		var local *localError
		switch {
		case err == nil:
			return entry{Size: p.n, SHA256: p.hex(), From: withoutPassword(u)}, removeAll(p.path + noteSuffix)
		case ctx.Err() != nil:
			if p.n > 0 {
				r.logf("%s: interrupted; %s are kept in %s, and the same command continues", d.name, progress.Bytes(p.n), p.path+partSuffix)
			}
			return entry{}, ctx.Err()
		case errors.As(err, &local):
			return entry{}, local
		case isUnreachable(err), errors.Is(err, errStalled) && p.n == 0:
			r.dead[host] = err // the next files need not wait for it too
		}
		failed = append(failed, mirrorError{host, err})
	}
	return entry{}, failed
}

// mayAsk says why a mirror is not to be asked.
func (r *run) mayAsk(u string) (host string, err error) {
	parsed, err := url.Parse(u)
	if err != nil {
		return u, err
	}
	if err := r.dead[parsed.Host]; err != nil {
		return parsed.Host, err
	}
	if parsed.Scheme != "https" && !r.Insecure && r.BaseURL == "" {
		return parsed.Host, errPlain
	}
	return parsed.Host, nil
}

// mirror gets a file from one mirror, with as many tries as it takes while each brings something.
func (r *run) mirror(ctx context.Context, d *download, p *part, u string) error {
	whole, again := false, false
	begun := p.n
	for failures, most := 0, p.n; ; {
		err := r.attempt(ctx, d, p, u, whole)
		if err == nil {
			if err = r.finish(d, p); err == nil {
				return nil
			}
			var local *localError
			if errors.As(err, &local) {
				return err
			}
			mixed := p.resumed && !again
			if err := p.reset(); err != nil {
				return &localError{err}
			}
			if !mixed {
				return err
			}
			r.logf("%s: %v; starting again, its parts may be of different files", d.name, err)
			whole, again = true, true
			continue
		}
		if ctx.Err() != nil || !isTemporary(err) || isUnreachable(err) && p.n == begun {
			return err
		}
		var answer *answerError
		if errors.As(err, &answer) && answer.lie {
			whole = true
			if err := p.reset(); err != nil {
				return &localError{err}
			}
		}
		if failures++; p.n > most {
			failures, most = 1, p.n
		}
		if failures >= r.Attempts {
			return fmt.Errorf("%w (tried %d times)", err, failures)
		}
		pause := min(firstPause<<(failures-1), maxPause)
		if answer != nil && answer.after > 0 {
			pause = min(answer.after, maxAsked)
		}
		r.logf("%s: %s; trying again in %s", d.name, explain(err), pause)
		if err := r.sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// finish checks a complete part and gives it its place.
func (r *run) finish(d *download, p *part) error {
	switch sum := p.hex(); {
	case d.size != 0 && p.n != d.size:
		return fmt.Errorf("%w: %d bytes, but %s says %d", ErrContent, p.n, d.whose, d.size)
	case d.sha256 != "" && sum != d.sha256:
		return fmt.Errorf("%w: SHA-256 %s, but %s says %s", ErrChecksum, sum, d.whose, d.sha256)
	}
	if err := p.f.Sync(); err != nil {
		return &localError{err}
	}
	if err := checkFile(d.kind, p.path+partSuffix); err != nil {
		return err
	}
	err := p.f.Close()
	if err == nil {
		err = place(p.path+partSuffix, p.path)
	}
	if err != nil {
		return &localError{err}
	}
	return nil
}
