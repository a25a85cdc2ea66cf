package proxy_test

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/seed-516990b0/golxmert/kernel/proxy"
)

// A command of one's own: a cell says `%lx greet Ada`.
func ExampleMagic() {
	greet := proxy.Magic{
		Name: "greet", Args: "NAME", Help: "say hello",
		Run: func(_ context.Context, out io.Writer, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("whom? As in `%%lx greet Ada`")
			}
			_, err := fmt.Fprintf(out, "hello, %s\n", args[0])
			return err
		},
	}
	if err := greet.Run(context.Background(), os.Stdout, []string{"Ada"}); err != nil {
		fmt.Println(err)
	}
	// Output: hello, Ada
}
