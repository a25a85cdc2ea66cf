//go:build !linux

package session

import "net"

// peer is not known here; it must suffice that nobody else can enter the folder of the socket.
func peer(net.Conn) (uid int, known bool) { return 0, false }
