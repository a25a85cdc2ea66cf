package zmtp_test

import (
	"context"
	"fmt"
	"net"

	"github.com/seed-516990b0/golxmert/kernel/proxy/zmtp"
)

func Example() {
	ctx := context.Background()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	router := zmtp.ListenRouter(l, nil)
	defer router.Close()
	go func() {
		m, err := router.Receive(ctx)
		if err == nil {
			router.Send(zmtp.Message{m[0], []byte("hello " + string(m[1]))})
		}
	}()

	peer, err := zmtp.Dial(ctx, "tcp", l.Addr().String(), []byte("me"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer peer.Close()
	if err := peer.Send(zmtp.Message{[]byte("world")}); err != nil {
		fmt.Println(err)
		return
	}
	m, err := peer.Receive()
	fmt.Printf("%s %v\n", m[0], err)
	// Output: hello world <nil>
}
