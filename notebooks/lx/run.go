package lx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-516990b0/golxmert/internal/filesearch"
	"github.com/seed-516990b0/golxmert/kernel/client"
)

// Run is a run of pre-training or fine-tuning in the session, or a prediction. It goes on when the cell or the notebook ends; its files are those
// of the command line.
type Run = client.Run

// AnyRun is a run as a cell has it at hand: itself, or the folder of its files ("snap/vqa/mine"), or its id. A folder
// stands for the latest run that has trained in it.
type AnyRun interface{ Run | string }

// idOf is what the session finds a run by.
func idOf[R AnyRun](r R) string {
	switch r := any(r).(type) {
	case Run:
		return r.ID
	case string:
		return r
	}
	return "" // there are no other types
}

// runOf asks the session for a run.
func runOf[R AnyRun](r R) Run { return must(cell().Run(cell().ctx, idOf(r))) }

// FineTune starts a run: task is "vqa", "gqa" or "nlvr2", flags are those of the command line, as one line or in parts.
// "toy" as the name of weights or of --data is the built-in world's, and the weights "toy-pretrained" are those that its
// fine-tuning may begin with. Runs take turns; [Follow] shows how it goes.
func FineTune(task string, flags ...string) Run {
	return must(cell().StartRun(cell().ctx, task, words(flags)))
}

// PreTrain starts a run of pre-training: masked words, matching, objects, attributes and features of regions, and answers.
// flags are those of `lxmert pretrain`, as one line or in parts; "toy" as the value of --data, --config or --vocab is the
// built-in world's. [Follow] shows how it goes, with a curve of each loss. The weights are EpochNN_LXRT.pth in the run's
// folder: [Open] opens them, and FineTune goes on from them with --loadLXMERTQA or --loadLXMERT.
func PreTrain(flags ...string) Run { return FineTune("pretrain", flags...) }

// words are those of lines of flags.
func words(lines []string) (all []string) {
	for _, line := range lines {
		words, err := splitFlags(line)
		if err != nil {
			fail(err)
		}
		all = append(all, words...)
	}
	return all
}

// splitFlags cuts a line into words as a shell does, with single and double quotes.
func splitFlags(line string) (words []string, err error) {
	var word strings.Builder
	inWord, quote := false, rune(0)
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, inWord = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the flags %q lack a closing %c", line, quote)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// Evaluate predicts splits ("minival", "heldout,novel") with a run's best weights, or its last where none were better than
// nothing in validation, writes the predictions into its folder, and shows the scores.
func Evaluate[R AnyRun](run R, splits string, flags ...string) Run {
	r := runOf(run)
	weights := filepath.Join(r.Output, "BEST")
	if _, err := os.Stat(weights + ".pth"); err != nil {
		weights = filepath.Join(r.Output, "LAST")
	}
	args := []string{"--test", splits, "--load", weights, "--output", r.Output}
	args = append(append(args, inherited(r)...), words(flags)...)
	test := must(cell().StartRun(cell().ctx, r.Task, args))
	return Follow(test)
}

// inherited are flags of training that prediction needs as well. Names of files are relative to where the training began.
func inherited(r Run) (out []string) {
	for i, arg := range r.Args {
		for _, name := range []string{"--data", "--config", "--vocab"} {
			value, joined := strings.CutPrefix(arg, name+"=")
			if !joined && arg == name && i+1 < len(r.Args) {
				value, joined = r.Args[i+1], true
			}
			if !joined {
				continue
			}
			if value != client.Toy {
				value = filesearch.Under(r.Folder, value)
			}
			out = append(out, name, value)
		}
	}
	return out
}

// Resume goes on with a run that was stopped, or lost when the session ended, to the very same end as if it had never
// stopped (on a GPU with --deterministic among its flags). A finished run, or one that is under way, is left alone; [Follow]
// shows how it goes.
func Resume[R AnyRun](run R) Run { return must(cell().Resume(cell().ctx, idOf(run))) }

// Stop interrupts a run after its current step, and waits until its state is saved.
func Stop[R AnyRun](run R) Run { return must(cell().Client.Stop(cell().ctx, idOf(run))) }

// WaitStep waits until a run has done this many steps of training, counted from its beginning, or has ended before.
func WaitStep[R AnyRun](run R, steps int) Run {
	return must(waitStep(cell().ctx, cell().Client, idOf(run), steps))
}

func waitStep(ctx context.Context, c *client.Client, id string, steps int) (Run, error) {
	err := c.Follow(ctx, id, func(e client.Event) error {
		if p := e.Progress; p != nil && p.Phase == "training" && p.Epoch*p.Total+p.Done >= steps {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return Run{}, err
	}
	return c.Run(ctx, id)
}

// errEnough says that nobody needs to see more.
var errEnough = errors.New("enough")

// Runs lists the runs that the session knows, the latest first.
func Runs() []Run { return must(cell().Client.Runs(cell().ctx)) }
