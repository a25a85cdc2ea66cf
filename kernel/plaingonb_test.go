package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-516990b0/golxmert/kernel/client"
	"github.com/seed-516990b0/golxmert/kernel/ipynb"
	"github.com/seed-516990b0/golxmert/kernel/proxy"
)

// TestPlainGoNBRunsTheNotebooks executes notebooks in GoNB as it comes, without this project's kernel in front of it. What
// it needs stands in a cell above the first, as the README says. Modules come from this machine's cache, as from a network.
func TestPlainGoNBRunsTheNotebooks(t *testing.T) {
	place, source := installation(t)
	have, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	env := append(place.Environment(),
		"PATH="+filepath.Join(place.Dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"), // kernel, goimports and gopls, as `go install` would put them
		"GOPROXY=file://"+filepath.ToSlash(strings.TrimSpace(string(have)))+"/cache/download", "GONOSUMDB=*", "GOFLAGS=-mod=mod",
		client.ProgramEnv+"="+place.Program("kernel"), client.SavingEnv+"=") // the first is for an installation in another folder than the usual one
	for _, name := range []string{"01-ask-and-look", "02-all-attention-maps"} {
		t.Run(name, func(t *testing.T) {
			n, err := ipynb.Read(filepath.Join(source, "notebooks", name+".ipynb"))
			if err != nil {
				t.Fatal(err)
			}
			folder := t.TempDir()
			k, err := proxy.StartFrontend(t.Context(), []string{place.Program("gonb"), "--kernel", "{connection_file}", "-raw_error"}, env, folder)
			if err != nil {
				t.Fatal(err)
			}
			defer k.Close()
			if _, err := k.Execute(t.Context(), "!*go mod edit -replace github.com/seed-516990b0/golxmert="+source, func(proxy.Output) {}); err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(folder, "out.ipynb")
			var printed strings.Builder
			err = n.Execute(t.Context(), k, ipynb.Watch{Text: func(_, text string) { printed.WriteString(text) }}, func() error { return n.Write(out) })
			if err != nil {
				t.Fatalf("%v; it printed\n%s", err, &printed)
			}
			pictures := 0
			for _, c := range readExecuted(t, out).Cells {
				for _, o := range c.Outputs {
					if _, png := o.Data["image/png"]; png {
						pictures++
					}
				}
			}
			if pictures < 2 {
				t.Errorf("it shows %d pictures; it printed\n%s", pictures, &printed)
			}
		})
	}
}
