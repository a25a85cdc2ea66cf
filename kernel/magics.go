package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/proxy"
)

// magics are the commands that cells write as `%lx NAME`. They talk to the session; only open starts one.
func magics(program string) []proxy.Magic {
	dial := func(ctx context.Context, start bool) (*client.Client, error) {
		return client.Dial(ctx, client.Options{Program: program, NoStart: !start, Notebook: os.Getenv("JPY_SESSION_NAME")})
	}
	with := func(start bool, do func(ctx context.Context, c *client.Client, out io.Writer, args []string) error) func(context.Context, io.Writer, []string) error {
		return func(ctx context.Context, out io.Writer, args []string) error {
			c, err := dial(ctx, start)
			if err != nil {
				return err
			}
			return do(ctx, c, out, args)
		}
	}
	return []proxy.Magic{
		{Name: "open", Args: "WEIGHTS", Help: "open a model in the session, so that cells have it at once", Run: with(true, magicOpen), Complete: func(_ context.Context, args []string) []string {
			if len(args) != 1 {
				return nil
			}
			return weightFiles(args[0])
		}},
		{Name: "status", Help: "what the session holds and does", Run: with(false, magicStatus)},
		{Name: "ls", Help: "runs, and values kept by lx.Keep", Run: with(false, magicList)},
		{Name: "stop", Args: "RUN", Help: "stop a run after its step, saved", Run: with(false, magicStop), Complete: func(ctx context.Context, args []string) []string {
			c, err := dial(ctx, false)
			if err != nil {
				return nil
			}
			runs, err := c.Runs(ctx)
			var ids []string
			for _, r := range runs {
				if err == nil && !r.State.Ended() {
					ids = append(ids, r.ID)
				}
			}
			return ids
		}},
	}
}

func magicOpen(ctx context.Context, c *client.Client, out io.Writer, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("name one file of weights, or toy")
	}
	m, err := c.Open(ctx, client.Spec{Weights: args[0]})
	if err != nil {
		return err
	}
	info := m.Info()
	fmt.Fprintf(out, "%s is open: %d language, %d object-relationship and %d cross-modality layers, %d MB\n",
		info.Spec.Weights, info.Config.LangLayers, info.Config.RegionLayers, info.Config.CrossLayers, info.Bytes/1e6)
	for _, n := range info.Notes {
		fmt.Fprintln(out, n)
	}
	return nil
}

func magicStatus(ctx context.Context, c *client.Client, out io.Writer, _ []string) error {
	s, err := c.Status(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "session %d, %s; %d of %d MB of models and values\n", s.PID, orDash(s.Backend), s.Memory/1e6, s.Limit/1e6)
	for _, m := range s.Models {
		fmt.Fprintf(out, "  model %s, %s, %d MB\n", m.Weights, m.DType, m.Bytes/1e6)
	}
	for _, r := range s.Runs {
		fmt.Fprintf(out, "  run %s, %s, %s\n", r.ID, r.Output, r.State)
	}
	return nil
}

func orDash(s string) string {
	if s == "" {
		return "no backend opened yet"
	}
	return s
}

func magicList(ctx context.Context, c *client.Client, out io.Writer, _ []string) error {
	runs, err := c.Runs(ctx)
	if err != nil {
		return err
	}
	values, err := c.List(ctx)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, r := range runs {
		best := ""
		if r.Result != nil && r.Result.Best > 0 {
			best = fmt.Sprintf("best %.2f %%", 100*r.Result.Best)
		}
		fmt.Fprintf(t, "run\t%s\t%s\t%s\t%s\n", r.ID, r.State, r.Output, best)
	}
	for _, v := range values {
		fmt.Fprintf(t, "value\t%s\t%s\t%d bytes\t\n", v.Name, v.Type, v.Size)
	}
	if len(runs)+len(values) == 0 {
		fmt.Fprintln(t, "there are no runs and no kept values")
	}
	return t.Flush()
}

func magicStop(ctx context.Context, c *client.Client, out io.Writer, args []string) error {
	if len(args) != 1 {
		runs, err := c.Runs(ctx)
		var ids []string
		for _, r := range runs {
			if err == nil && !r.State.Ended() {
				ids = append(ids, r.ID)
			}
		}
		if len(ids) == 0 {
			return fmt.Errorf("no run is under way")
		}
		return fmt.Errorf("name a run: %s", strings.Join(ids, ", "))
	}
	r, err := c.Stop(ctx, args[0])
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is %s; lx.Resume(%q) goes on with it\n", r.ID, r.State, r.Output)
	return nil
}
