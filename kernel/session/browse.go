package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/seed-516990b0/golxmert/analysis/browse"
	"github.com/seed-516990b0/golxmert/internal/excerpt"
	"github.com/seed-516990b0/golxmert/internal/filesearch"
	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
	"github.com/seed-516990b0/golxmert/lxmert/dataset"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

// answerBrowse makes a page of examples. It takes no turn: it needs no model.
func (s *Server) answerBrowse(w http.ResponseWriter, r *http.Request) error {
	var b client.Browsing
	if err := s.readJSON(w, r, &b); err != nil {
		return err
	}
	out := newReply(w)
	page, err := s.browse(r.Context(), b, out.progress)
	return out.end(r.Context(), page, err)
}

func (s *Server) browse(ctx context.Context, b client.Browsing, progress func(what string, done, total int)) (*client.Browsed, error) {
	if b.PictureBytes < 0 {
		return nil, &wire.Fault{Kind: wire.Usage, Message: fmt.Sprintf("session: %d bytes for pictures, must be 0 or more", b.PictureBytes)}
	}
	if b.Run != "" {
		if err := s.predicted(&b); err != nil {
			return nil, err
		}
	}
	if b.Images == client.Toy {
		world, err := toy.Find()
		if err != nil {
			return nil, err
		}
		b.Images = world.Images
	}
	const kilobyte = 1 << 10
	l, err := browse.Read(ctx, browse.Source{Path: b.Path, Questions: b.Questions, Limit: b.Limit, Progress: func(what string, done, total int64) {
		progress(what+", kB", int(done/kilobyte), int(total/kilobyte))
	}})
	switch {
	case errors.Is(err, browse.ErrQuestions):
		return nil, &wire.Fault{Kind: wire.Usage, Message: fmt.Sprintf("session: %v: lx.BrowseOptions{Questions: …} names it", err)}
	case err != nil:
		return nil, err
	}
	opt := browse.Options{Images: b.Images, PictureBytes: b.PictureBytes, Fragment: b.Out == "", Progress: func(done, total int) { progress("reading pictures", done, total) }}
	page := &client.Browsed{Title: l.Title, Examples: len(l.Examples), Total: max(l.Total, len(l.Examples))}
	var written *browse.Written
	if b.Out == "" {
		var html bytes.Buffer
		written, err = browse.Write(ctx, &html, l, opt)
		page.Page = html.String()
	} else {
		written, err = browse.Save(ctx, b.Out, l, opt)
	}
	if err != nil {
		return nil, err
	}
	page.Notes = written.Lacks("PictureMB of lx.BrowseOptions")
	return page, nil
}

// predicted puts the files of a prediction in the place of its run: what it wrote, the questions, and pictures where these are known.
func (s *Server) predicted(b *client.Browsing) error {
	r, err := s.runs.find(b.Run, "")
	if err != nil {
		return err
	}
	info := r.now()
	if info.Result == nil || len(info.Result.Scored) == 0 {
		return &wire.Fault{Kind: wire.Usage, Message: fmt.Sprintf("session: run %s (%s) has predicted nothing: lx.Evaluate(run, split) does", info.ID, info.State)}
	}
	all := info.Result.Scored
	var names []string
	for _, x := range all {
		names = append(names, strings.Join(x.Splits, ","))
	}
	chosen := slices.Index(names, b.Split)
	if b.Split == "" && len(all) == 1 {
		chosen = 0
	}
	if chosen < 0 {
		return &wire.Fault{Kind: wire.Usage, Message: fmt.Sprintf("session: run %s has predicted %s: lx.BrowseOptions{Split: …} chooses one, and not %q", info.ID, strings.Join(names, " and "), excerpt.Cut(b.Split, longestEcho))}
	}
	l, err := parseLine(info.Task, info.Args)
	if err != nil {
		return err
	}
	root := filesearch.Under(info.Folder, l.Options.Root)
	files, err := dataset.Files(l.Task, root, all[chosen].Splits, 0)
	if err != nil {
		return err
	}
	b.Path, b.Questions = all[chosen].File, nil
	for _, f := range files {
		if !f.Features {
			b.Questions = append(b.Questions, f.Path)
		}
	}
	if b.Images == "" && trainedOnToy(root) {
		b.Images = client.Toy
	}
	return nil
}
