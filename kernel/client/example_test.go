package client_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/seed-516990b0/golxmert/kernel/client"
)

// A client that is not to start a session can tell that there is none.
func ExampleDial() {
	dir, err := os.MkdirTemp("", "session")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	_, err = client.Dial(context.Background(), client.Options{Dir: dir, NoStart: true})
	fmt.Println(errors.Is(err, client.ErrNoSession))
	fmt.Println(err)
	// Output:
	// true
	// no session is running; `kernel session start` starts it
}

// A question is asked through the session: the first call starts it and opens the model, later ones find both.
func ExampleModel_Ask() {
	ctx := context.Background()
	c, err := client.Dial(ctx, client.Options{Log: os.Stderr})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := c.Open(ctx, client.Spec{Weights: client.Toy})
	if err != nil {
		fmt.Println(err)
		return
	}
	answers, err := m.Ask(ctx, []client.Question{{Text: "what color is the circle?", Images: []string{"test/500001"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answers[0].Best().Text)
}

// A run belongs to the session: whoever follows it sees it from its beginning.
func ExampleClient_Follow() {
	ctx := context.Background()
	c, err := client.Dial(ctx, client.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	run, err := c.StartRun(ctx, "vqa", []string{"--train", "minival", "--loadLXMERT", "toy", "--epochs", "2", "--output", "snap/vqa/mine"})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = c.Follow(ctx, run.ID, func(e client.Event) error {
		switch {
		case e.Line != nil:
			fmt.Println(*e.Line)
		case e.Progress != nil:
			fmt.Printf("step %d of %d\n", e.Progress.Done, e.Progress.Total)
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
}
