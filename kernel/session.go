package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/session"
)

// sessionCommand is `kernel session`: the resident process that keeps models between cells.
func sessionCommand() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "session",
		Short: "The resident process that keeps the backend, models and training runs between cells",
		Long: `The session holds what notebooks would otherwise load again in every cell: the compute backend, models with their
compiled graphs, feature files, training runs, and values that were kept by name. The first cell that needs it starts it,
and it ends when nobody has used it for a while. It serves its user only.

What it may take is said by the environment of whoever starts it, or by the flags of serve: LXMERT_SESSION_MEMORY (as in
8GB; default: half of the machine's), LXMERT_SESSION_IDLE (as in 90m, or never; default: 1h), GOMLX_BACKEND,
CUDA_VISIBLE_DEVICES.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&dir, "dir", "", "folder of the session (default: $"+client.DirEnv+", or the user's folder for sockets)")
	cmd.AddCommand(sessionStart(&dir), sessionStop(&dir), sessionStatus(&dir), sessionLogs(&dir), sessionServe(&dir))
	return cmd
}

func sessionStart(dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "start",
		Short: "Start the session, unless it runs",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := client.Dial(cmd.Context(), client.Options{Dir: *dir, Program: ownProgram(), Log: cmd.ErrOrStderr()})
			if err != nil {
				return err
			}
			s, err := c.Status(cmd.Context())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "the session is process %d, since %s\n", s.PID, s.Started.Format("2006-01-02 15:04:05"))
			return err
		},
	}
}

// ownProgram is this program, if it stays where it is: what `go run` builds is removed when it ends, and then the client
// looks for the installed one.
func ownProgram() string {
	path, err := os.Executable()
	if err != nil || os.Getenv(client.ProgramEnv) != "" || strings.Contains(path, "go-build") {
		return ""
	}
	return path
}

func sessionStop(dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "stop",
		Short: "End the session; training runs are stopped after their current step, with their state saved",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := client.Dial(cmd.Context(), client.Options{Dir: *dir, NoStart: true})
			if err == nil || errors.Is(err, client.ErrVersion) {
				err = c.Shutdown(cmd.Context())
			}
			if errors.Is(err, client.ErrNoSession) {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "no session is running")
				return err
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "the session has ended")
			return err
		},
	}
}

func sessionStatus(dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Say what the session holds and does",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := client.Dial(cmd.Context(), client.Options{Dir: *dir, NoStart: true})
			if err != nil {
				return err
			}
			s, err := c.Status(cmd.Context())
			if err != nil {
				return err
			}
			return printStatus(cmd.OutOrStdout(), s)
		},
	}
}

// printStatus writes a session's state for people.
func printStatus(w io.Writer, s client.Status) error {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	row("session", "process %d, since %s, %s", s.PID, s.Started.Format("2006-01-02 15:04:05"), s.Version)
	if s.Outdated {
		row("", "its program was replaced: it ends as soon as it has nothing to do")
	}
	row("log", "%s", s.Log)
	if s.Backend == "" {
		s.Backend = "not opened yet"
	}
	row("backend", "%s", s.Backend)
	row("memory", "%d of %d MB for models and %d kept values; the process has %d MB", s.Memory>>20, s.Limit>>20, s.Values, s.Resident>>20)
	if d := s.Device; d.InUse > 0 {
		row("device", "%d MB of the GPU's memory in use, %d at most so far, of %d", d.InUse>>20, d.Peak>>20, d.Limit>>20)
	}
	for _, m := range s.Models {
		row("model", "%s, %s, %d MB, last used %s ago", m.Weights, m.DType, m.Bytes>>20, time.Since(m.Used).Round(time.Second))
	}
	for _, r := range s.Runs {
		row("run", "%s, %s%s, into %s", r.ID, r.State, describeProgress(r.Progress), r.Output)
	}
	for _, text := range s.Working {
		row("working", "%s", text)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Waiting)) {
		row("waiting", "%d calls of %s", s.Waiting[name], name)
	}
	if s.IdleLimit > 0 && s.Idle > 0 {
		row("idle", "%s; it ends after %s", s.Idle.Round(time.Second), s.IdleLimit)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// describeProgress is how far a run is, after its state.
func describeProgress(p *client.Progress) string {
	switch {
	case p == nil:
		return ""
	case p.Phase == "training":
		return fmt.Sprintf(" in epoch %d of %d, step %d of %d, loss %.3f", p.Epoch+1, p.Epochs, p.Done, p.Total, p.Loss)
	}
	return fmt.Sprintf(", %s %d of %d", p.Phase, p.Done, p.Total)
}

func sessionLogs(dir *string) *cobra.Command {
	var most int64
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Print the session's log, also that of one which has ended",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := session.Logs(*dir, most)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	cmd.Flags().Int64Var(&most, "bytes", 64<<10, "how much of the end to print")
	return cmd
}

func sessionServe(dir *string) *cobra.Command {
	var memory, idle, backendSpec string
	var calls int
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Be the session, in the foreground",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for name, value := range map[string]string{session.MemoryEnv: memory, session.IdleEnv: idle} {
				if value == "" {
					continue
				}
				if err := os.Setenv(name, value); err != nil {
					return err
				}
			}
			opt, err := session.FromEnvironment()
			if err != nil {
				return err
			}
			opt.Dir, opt.Backend, opt.Calls = *dir, backendSpec, calls
			s, err := session.New(opt)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(context.WithoutCancel(cmd.Context()), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if err := s.Serve(ctx); !errors.Is(err, session.ErrRunning) {
				return err
			}
			return nil // whoever started this one is served by the other
		},
	}
	cmd.Flags().StringVar(&memory, "memory", "", "what models and kept values may take, as in 8GB (default: half of the machine's)")
	cmd.Flags().StringVar(&idle, "idle", "", "end after this long without calls and runs, as in 90m, or never (default: 1h)")
	cmd.Flags().StringVar(&backendSpec, "backend", "", "compute backend: cpu, cuda, go, or xla:/path/to/plugin.so (default: the fastest found)")
	cmd.Flags().IntVar(&calls, "calls", 0, "calls that are computed at once (default "+strconv.Itoa(session.DefaultCalls)+")")
	return cmd
}
