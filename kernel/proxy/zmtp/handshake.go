package zmtp

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"
)

// handshakeTime is how long a peer may take to say who it is.
const handshakeTime = 30 * time.Second

// maxHandshake is the longest frame before the peer has said who it is, in bytes.
const maxHandshake = 8 << 10

// maxIdentity is the longest name that ZeroMQ lets a peer have, in bytes.
const maxIdentity = 255

// greeting is what both sides send first: signature, version 3.0, the mechanism NULL.
var greeting = func() [64]byte {
	var g [64]byte
	g[0], g[9], g[10] = 0xff, 0x7f, 3
	copy(g[12:], "NULL")
	return g
}()

// compatible says which kinds of socket may connect to a kind.
var compatible = map[string][]string{
	"ROUTER": {"DEALER", "REQ", "ROUTER"},
	"PUB":    {"SUB", "XSUB"},
	"DEALER": {"ROUTER", "REP", "DEALER"},
	"SUB":    {"PUB", "XPUB"},
}

// handshake greets the other side of a connection as a socket of a kind, and returns the name that it gave itself, if any.
func handshake(c net.Conn, r *bufio.Reader, kind string, identity []byte) (peer []byte, err error) {
	if err := c.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return nil, err
	}
	ready := appendProperty(nil, "Socket-Type", []byte(kind))
	if kind == "DEALER" {
		ready = appendProperty(ready, "Identity", identity)
	}
	if _, err := c.Write(appendCommand(greeting[:], "READY", ready)); err != nil {
		return nil, err
	}
	if err := readGreeting(r); err != nil {
		return nil, err
	}
	m, name, err := readReady(r)
	if err != nil {
		return nil, err
	}
	switch {
	case name == "ERROR":
		return nil, fmt.Errorf("%w: the other side refuses: %.80q", ErrProtocol, m)
	case name != "READY":
		return nil, fmt.Errorf("%w: %.20q in place of READY", ErrProtocol, name)
	}
	properties, err := readProperties(m)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(compatible[kind], string(properties["socket-type"])) {
		return nil, fmt.Errorf("%w: a %.20q socket cannot talk to %s", ErrProtocol, properties["socket-type"], kind)
	}
	peer = properties["identity"]
	if len(peer) > maxIdentity {
		return nil, fmt.Errorf("%w: an identity of %d bytes", ErrProtocol, len(peer))
	}
	return peer, c.SetDeadline(time.Time{})
}

func readGreeting(r *bufio.Reader) error {
	// What is not ZeroMQ is recognised by its first byte: it need not send as many as a greeting has.
	first, err := r.ReadByte()
	if err != nil {
		return err
	}
	if first != 0xff {
		return fmt.Errorf("%w: it begins with %#02x", ErrProtocol, first)
	}
	var g [63]byte
	if _, err := io.ReadFull(r, g[:]); err != nil {
		return cut(err)
	}
	mechanism := strings.TrimRight(string(g[11:31]), "\x00")
	switch {
	case g[8] != 0x7f:
		return fmt.Errorf("%w: the signature is broken", ErrProtocol)
	case g[9] < 3:
		return fmt.Errorf("%w: version %d, at least 3 is needed", ErrProtocol, g[9])
	case mechanism != "NULL":
		return fmt.Errorf("%w: mechanism %.20q, only NULL is spoken here", ErrProtocol, mechanism)
	}
	return nil
}

func readReady(r *bufio.Reader) (body []byte, name string, err error) {
	flags, body, err := readFrame(r, maxHandshake)
	if err != nil {
		return nil, "", cut(err)
	}
	if flags&flagCommand == 0 {
		return nil, "", fmt.Errorf("%w: a message before READY", ErrProtocol)
	}
	name, rest, err := splitCommand(body)
	return rest, name, err
}

func appendProperty(b []byte, name string, value []byte) []byte {
	b = append(b, byte(len(name)))
	b = append(b, name...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	return append(b, value...)
}

// readProperties reads the names, in lower case, and values of a READY command.
func readProperties(b []byte) (map[string][]byte, error) {
	properties := map[string][]byte{}
	for len(b) > 0 {
		n := int(b[0])
		if n == 0 || len(b) < 1+n+4 {
			return nil, fmt.Errorf("%w: a property that is cut short", ErrProtocol)
		}
		name := strings.ToLower(string(b[1 : 1+n]))
		size := binary.BigEndian.Uint32(b[1+n:])
		b = b[1+n+4:]
		if uint64(size) > uint64(len(b)) {
			return nil, fmt.Errorf("%w: a property that is cut short", ErrProtocol)
		}
		properties[name], b = b[:size], b[size:]
	}
	return properties, nil
}
