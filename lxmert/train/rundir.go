package train

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/seed-516990b0/golxmert/internal/atomicfile"
	"github.com/seed-516990b0/golxmert/internal/diskspace"
	"github.com/seed-516990b0/golxmert/internal/filelock"
	"github.com/seed-516990b0/golxmert/lxmert"
	"github.com/seed-516990b0/golxmert/lxmert/dynamics"
	"github.com/seed-516990b0/golxmert/lxmert/lxrt"
)

// open prepares the run directory and goes to the position of a run that is resumed. done: it had ended.
func (r *run) open(ctx context.Context) (done bool, err error) {
	r.lock, err = filelock.Try(r.path(lockFile))
	if held := new(filelock.HeldError); errors.As(err, &held) {
		return false, fmt.Errorf("train: %s is training in %s; wait for it, or choose another folder with --output", held.Holder, r.opt.Dir)
	}
	if err != nil {
		return false, fmt.Errorf("train: %w; choose another folder with --output", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	for _, name := range append(r.files(), stateFile, runFile, dynamics.FileName) {
		if err := atomicfile.Sweep(r.path(name)); err != nil {
			return false, fmt.Errorf("train: %w", err)
		}
	}
	resuming := false
	switch _, err := os.Stat(r.path(stateFile)); {
	case err == nil && r.opt.Resume:
		resuming = true
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return false, fmt.Errorf("train: %w", err)
	case r.opt.Overwrite:
	case r.opt.Resume && r.begun():
	default:
		if err := r.vacant(); err != nil {
			return false, err
		}
	}
	if resuming {
		steps, err := readRun(r.opt.Dir, r.opt.Settings, &r.at)
		if err != nil {
			return false, err
		}
		if r.at.Finished {
			r.t.step = steps
			return true, nil
		}
		if r.at.Epoch > len(r.job.Steps) || (r.at.Epoch < len(r.job.Steps) && r.at.Step > r.job.Steps[r.at.Epoch]) {
			return false, fmt.Errorf("train: %s is at step %d of epoch %d, which this data has not", r.path(stateFile), r.at.Step, r.at.Epoch)
		}
		if err := r.t.loadState(ctx, r.path(stateFile), &r.at); err != nil {
			return false, err
		}
		fmt.Fprintf(r.opt.Log, "going on after step %d (epoch %d)\n", r.t.step, r.at.Epoch)
		r.noteDeterminism()
		r.noteDevices()
	}
	if err := r.checkSpace(); err != nil {
		return false, err
	}
	if err := r.prepare(ctx); err != nil {
		return false, err
	}
	if !resuming {
		// Whatever an earlier run left behind must not be taken for this one's.
		for _, name := range append(r.files(), stateFile, dynamics.FileName) {
			if err := os.Remove(r.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return false, fmt.Errorf("train: %w", err)
			}
		}
	}
	if err := r.writeRunFile(); err != nil {
		return false, err
	}
	if err := r.openDynamics(resuming); err != nil {
		return false, err
	}
	if r.log, err = cutOpen(r.path(logFile), r.at.LogSize); err != nil {
		return false, err
	}
	r.metrics, err = cutOpen(r.path(metricsFile), r.at.MetricsSize)
	return false, err
}

// readRun reads where the run in a directory is, and how many steps it has made; it must be the one with these settings.
func readRun(dir string, settings map[string]string, at *position) (steps int, err error) {
	*at = position{}
	if steps, err = readPosition(filepath.Join(dir, stateFile), at); err != nil {
		return 0, err
	}
	if err := sameSettings(at.Settings, settings); err != nil {
		return 0, fmt.Errorf("train: %s: %w", dir, err)
	}
	return steps, nil
}

// Already is the outcome of the run that a directory holds, if it is the one with these settings and has come to its end;
// nil if there is something left to do. It needs neither data nor devices.
func Already(dir string, settings map[string]string) (*Outcome, error) {
	if _, err := os.Stat(filepath.Join(dir, stateFile)); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var at position
	steps, err := readRun(dir, settings, &at)
	if err != nil || !at.Finished {
		return nil, err
	}
	return &Outcome{Best: at.Best, Steps: steps, Skipped: at.Skipped, Already: true, Resumed: steps}, nil
}

// noteDeterminism says where a run that goes on will not end with the bits of one that was never interrupted, and takes down
// how its next steps are made.
func (r *run) noteDeterminism() {
	was, now := r.at.Deterministic, strconv.FormatBool(r.t.deterministic())
	r.at.Deterministic = now
	how := map[string]string{"true": "with deterministic operations", "false": "without deterministic operations"}
	switch {
	case was != "" && was != now:
		fmt.Fprintf(r.opt.Log, "note: the run's steps were made %s so far and are made %s from here on, so it does not end with the bits of one that was never interrupted\n", how[was], how[now])
	case !r.t.deterministic():
		fmt.Fprintln(r.opt.Log, "note: "+variesOnGPU)
	}
}

// noteDevices says what it means that other devices go on with a run, and takes down how many there are.
func (r *run) noteDevices() {
	was, now := r.at.Devices, r.t.opt.Devices
	if r.at.Devices = now; was != 0 && was != now {
		fmt.Fprintf(r.opt.Log, "note: steps were made on %d devices so far and are made on %d from here on: with the same examples in the same order and the same dropout, but sums are rounded otherwise, so the run does not end with the bits of one that was never interrupted\n", was, now)
	}
}

// variesOnGPU is what is to be known of a run on a GPU without deterministic operations.
const variesOnGPU = "on a GPU a run that is resumed ends with the bits of one that was never interrupted only if it is made with --deterministic, which this one is not"

// snapshots are the files of parameters that the run writes, the one that it ends with last.
func (r *run) snapshots() []string {
	if r.job.Judge != nil {
		return slices.Clone(r.job.Snapshots)
	}
	return []string{BestFile, LastFile}
}

// files are the snapshots, and what may lie beside them.
func (r *run) files() (names []string) {
	for _, name := range r.snapshots() {
		names = append(names, name, adaptersFile(name), OwnFile(name))
	}
	return names
}

// begun says whether a run of this package began in the directory and was killed before its first state: then there is
// nothing to go on from, and nothing to lose but a snapshot of its first epoch. Snapshots of others, and LAST.pth, which
// comes after many states, are somebody's work.
func (r *run) begun() bool {
	_, ours := os.Stat(r.path(runFile))
	snapshots := r.snapshots()
	_, last := os.Stat(r.path(snapshots[len(snapshots)-1]))
	return ours == nil && errors.Is(last, os.ErrNotExist)
}

// vacant says whether a new run may begin in the directory.
func (r *run) vacant() error {
	for _, name := range append([]string{stateFile}, append(r.files(), runFile)...) {
		if _, err := os.Stat(r.path(name)); err == nil {
			if r.opt.Resume {
				return fmt.Errorf("train: %w: %s, without %s to go on from; choose another --output, or lose it with --overwrite", ErrRunExists, r.path(name), stateFile)
			}
			return fmt.Errorf("train: %w: %s; go on with --resume, choose another --output, or lose it with --overwrite", ErrRunExists, r.path(name))
		}
	}
	return nil
}

func sameSettings(old, now map[string]string) error {
	var names []string
	for name := range now {
		names = append(names, name)
	}
	for name := range old {
		if _, ok := now[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if old[name] != now[name] {
			return fmt.Errorf("the run there has %s %q, this command %q; resume it with the same command, or choose another --output", name, old[name], now[name])
		}
	}
	return nil
}

// Space is how many bytes of disk a run of a model takes at most, with an optimizer as [NewOptimizer] knows it and so many files
// of parameters.
func Space(c lxmert.Config, optimizer string, snapshots int) (int64, error) {
	o, err := NewOptimizer(optimizer)
	if err != nil {
		return 0, err
	}
	return space(c, 4*int64(c.NumParams())*int64(1+o.slots), snapshots), nil
}

// space counts one more of each file, as both are there while one is replaced.
func space(c lxmert.Config, state int64, snapshots int) int64 {
	return 2*state + int64(snapshots+1)*4*int64(c.NumParams())
}

// checkSpace says whether the folder can be written to and has room for the run's files. While one is replaced, both are
// there.
func (r *run) checkSpace() error {
	probe, err := os.CreateTemp(r.opt.Dir, ".probe-*")
	if err != nil {
		return fmt.Errorf("train: %w; choose another folder with --output", err)
	}
	err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	snapshots := r.snapshots()
	need := space(r.t.cfg, r.t.stateSize(), len(snapshots))
	if d := r.job.Dynamics; d != nil {
		need += r.about().Size(d.IDs)
	}
	for _, name := range append(snapshots, stateFile, dynamics.FileName) {
		if info, err := os.Stat(r.path(name)); err == nil {
			need -= info.Size()
		}
	}
	if err := diskspace.Meter(diskspace.Free).Check(r.opt.Dir, need); err != nil {
		return fmt.Errorf("train: %w; make room, or choose another folder with --output", err)
	}
	return nil
}

// writeRunFile says what the run is, for people.
func (r *run) writeRunFile() error {
	info := map[string]any{
		"settings": r.opt.Settings, "config": r.t.cfg, "version": lxrt.Version(), "backend": r.t.backend.Description(),
		"optimizer": r.t.optimizer.Name, "steps": r.job.Steps, "devices": r.t.opt.Devices, "bfloat16": r.t.opt.BFloat16, "tf32": r.t.opt.TF32,
		"deterministic": r.t.deterministic(),
	}
	if !r.t.deterministic() {
		info["note"] = variesOnGPU
	}
	maps.Copy(info, r.opt.About)
	text, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Replace(r.path(runFile), func(_ *os.File, w *bufio.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

// cutOpen opens a file to append to, after its first size bytes.
func cutOpen(path string, size int64) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.Size() < size {
		err = fmt.Errorf("%s has %d bytes, the state counts on %d: it was changed since", path, info.Size(), size)
	}
	if err == nil {
		err = f.Truncate(size)
	}
	if err == nil {
		_, err = f.Seek(size, 0)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("train: %w", err)
	}
	return f, nil
}

// save writes the state, after what was logged and seen so far is on disk.
func (r *run) save() error {
	if err := r.syncLogs(); err != nil {
		return err
	}
	if err := r.t.saveState(r.path(stateFile), r.at); err != nil {
		return fmt.Errorf("train: saving the state: %w", err)
	}
	r.saved = time.Now()
	return nil
}

// finish leaves a state that says the run is over, without arrays.
func (r *run) finish() error {
	if err := r.syncLogs(); err != nil {
		return err
	}
	return r.t.saveEnd(r.path(stateFile), r.at)
}

func (r *run) syncLogs() error {
	for _, x := range []struct {
		f    *os.File
		size *int64
	}{{r.log, &r.at.LogSize}, {r.metrics, &r.at.MetricsSize}} {
		if err := x.f.Sync(); err != nil {
			return fmt.Errorf("train: %w", err)
		}
		at, err := x.f.Seek(0, 1)
		if err != nil {
			return fmt.Errorf("train: %w", err)
		}
		*x.size = at
	}
	return r.seen.Sync()
}

func (r *run) close() error {
	err := r.lock.Close()
	r.lock = nil
	for _, f := range []**os.File{&r.log, &r.metrics} {
		if *f != nil {
			err = errors.Join(err, (*f).Close())
			*f = nil
		}
	}
	err = errors.Join(err, r.seen.Close())
	r.seen = nil
	return err
}
