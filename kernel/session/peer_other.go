//go:build !linux

package session

import "net"

// peer is not known here: that nobody else can enter the folder of the socket has to do.
func peer(net.Conn) (uid int, known bool) { return 0, false }
