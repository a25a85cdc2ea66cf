package session

import (
	"context"
	"net/http"
	"path/filepath"
	"slices"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/lxmert/task/cli"
)

func (s *Server) answerSweep(w http.ResponseWriter, r *http.Request) error {
	var ask client.Run
	if err := s.readJSON(w, r, &ask); err != nil {
		return err
	}
	trials, err := s.runs.sweep(r.Context(), ask.Task, ask.Args, ask.Folder, notebook(r))
	if err != nil {
		return err
	}
	return writeJSON(w, trials)
}

// sweep starts, or goes on with, the runs of a sweep. All command lines are checked before the first run is queued.
func (s *runs) sweep(ctx context.Context, name string, args []string, folder, notebook string) (client.Trials, error) {
	t, err := findTraining(name)
	if err != nil {
		return client.Trials{}, err
	}
	args, grid := cli.CutGrid(args)
	points, err := cli.Points(t, args, grid)
	if err != nil {
		return client.Trials{}, lineFault(name, err)
	}
	trials := client.Trials{Task: t.Name, LossDecides: t.Pretrains}
	for _, p := range points {
		info, err := s.trial(ctx, t.Name, p, folder, notebook)
		if err != nil {
			return client.Trials{}, err
		}
		trials.Runs = append(trials.Runs, info)
	}
	return trials, nil
}

// trial is the run of a point: the one that is known in its folder, which goes on if it is not done, or another.
func (s *runs) trial(ctx context.Context, name string, p cli.Point, folder, notebook string) (client.Run, error) {
	var point []string
	for _, x := range p.Settings {
		point = append(point, x.Flag+"="+x.Value)
	}
	args, err := cli.ExpandToy(p.Args)
	if err != nil {
		return client.Run{}, err
	}
	if known, err := s.find(p.Line.Options.Output, folder); err == nil {
		if info := known.now(); info.Task == name && info.Folder == folder && slices.Equal(info.Args, args) {
			known.place(point)
			return s.resume(ctx, known)
		}
	}
	return s.start(client.Run{Task: name, Args: args, Folder: filepath.Clean(folder), Notebook: notebook, Point: point})
}

// place says which point of a sweep the run is.
func (r *run) place(point []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.info.Point = point
}
