package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/install"
	"github.com/seed-516990b0/golxmert/kernel/internal/wire"
	"github.com/seed-516990b0/golxmert/lxmert/toy"
)

func uninstallCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Remove all that install and quickstart have brought",
		Long: `Ends the session and removes the installation with Jupyter's settings, the session's log and its records of runs, the toy
world with its model, the XLA plugins, and region features that were packed into the user's cache.

What you made stays: weights and logs of your own runs, also those inside the toy world's folder, notebooks, data. So do
the caches of Go and its tools.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			place, err := install.Find(dir)
			if err != nil {
				return err
			}
			return uninstall(cmd.Context(), place, cmd.ErrOrStderr())
		},
	}
	dirFlag(cmd, &dir)
	return cmd
}

// uninstall removes everything; what cannot be removed does not keep the rest.
func uninstall(ctx context.Context, place install.Place, log io.Writer) error {
	if running := userOf(place); running != "" {
		return fmt.Errorf("uninstall: %s is running from %s; end it first", running, place.Dir)
	}
	if err := endSession(ctx); err != nil {
		return fmt.Errorf("uninstall: the session does not end: %w", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return fmt.Errorf("uninstall: %w; set HOME", err)
	}
	own := filepath.Join(cache, "golxmert")
	return errors.Join(
		removeSession(log),
		removeToy(log),
		removeAll(log, "the XLA plugins", filepath.Join(own, "pjrt")),
		removeAll(log, "what is known about XLA plugins", filepath.Join(own, "probe")),
		removeAll(log, "compiled programs", filepath.Join(own, "programs")),
		removeAll(log, "what the GPU's compiler has chosen", filepath.Join(own, "autotune")),
		removeAll(log, "packed region features", filepath.Join(own, "store")),
		install.Uninstall(place, log),
		removeEmpty(own, filepath.Join(cache, "goimports")),
	)
}

// userOf names a process that uses an installation, the session excepted; "": there is none.
func userOf(place install.Place) string {
	for _, p := range install.Processes(place) {
		if p.PID != os.Getpid() && !p.Orphan && (p.Name == "jupyter" || p.Name == "kernel run") {
			return fmt.Sprintf("%s (process %d)", p.Name, p.PID)
		}
	}
	return ""
}

// endSession ends the session, if there is one.
func endSession(ctx context.Context) error {
	c, err := client.Dial(ctx, client.Options{NoStart: true})
	if err == nil || errors.Is(err, client.ErrVersion) {
		err = c.Shutdown(ctx)
	}
	if errors.Is(err, client.ErrNoSession) {
		return nil
	}
	return err
}

// removeSession removes the session's log and its records of runs. What the runs wrote lies elsewhere.
func removeSession(log io.Writer) error {
	place, err := wire.Find("")
	if err != nil {
		return err
	}
	keep := filepath.Dir(place.Log)
	if _, err := os.Stat(place.Runs); err != nil {
		return nil
	}
	fmt.Fprintf(log, "uninstall: removing the session's files in %s\n", keep)
	for _, path := range []string{place.Runs, place.Log, place.Log + ".1", place.Socket, place.Lock, place.LastOut} {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return errors.Join(err, removeEmpty(place.Dir, keep))
}

// worldEntries are what the folder of a toy world holds, but for the runs.
var worldEntries = []string{"world.json", "config.json", "data", "images", "scenes", "truth"}

// removeToy removes the toy world with its models. Other runs stay, and so does a folder that is not a toy world.
func removeToy(log io.Writer) error {
	folder, err := toy.Folder()
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(folder, "world.json")); err != nil {
		return nil
	}
	fmt.Fprintf(log, "uninstall: removing the toy world in %s\n", folder)
	model := filepath.Join(folder, "snap", "vqa", "toy")
	err = errors.Join(os.RemoveAll(model), toy.RemovePretrained(folder))
	for _, name := range worldEntries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(folder, name)))
	}
	if err = errors.Join(err, removeEmpty(filepath.Dir(model), filepath.Join(folder, "snap", "pretrained"), filepath.Join(folder, "snap"), folder)); err != nil {
		return err
	}
	if _, err := os.Stat(folder); err == nil {
		fmt.Fprintf(log, "uninstall: what you made in %s stays\n", folder)
	}
	return nil
}

// removeAll removes a folder that may not be there.
func removeAll(log io.Writer, what, folder string) error {
	if _, err := os.Lstat(folder); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	fmt.Fprintf(log, "uninstall: removing %s in %s\n", what, folder)
	return os.RemoveAll(folder)
}

// removeEmpty removes those of the folders that hold nothing, in this order.
func removeEmpty(folders ...string) (err error) {
	for _, folder := range folders {
		entries, readErr := os.ReadDir(folder)
		if readErr == nil && len(entries) == 0 {
			err = errors.Join(err, os.Remove(folder))
		}
	}
	return err
}
