package session_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/seed-516990b0/golxmert/kernel/session"
)

// A server ends by itself when nobody wants anything of it.
func ExampleServer_Serve() {
	dir, err := os.MkdirTemp("", "session")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	s, err := session.New(session.Options{Dir: dir, Backend: "go", Idle: 10 * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Serve(context.Background()))
	// Output: <nil>
}
